package backup

import (
	"fmt"
	"io"
)

// Salvage is the header's mark of what was saved of a ledger.
const Salvage = "unbindd-salvage"

// ofSalvage says that the header names what a salvage's does and nothing of a case.
func (h Header) ofSalvage() bool { return isDigest(h.Binding) && h.Case == "" && h.Command == "" }

// OpenSalvage is Open for a salvage: the same promise, and whatever is no salvage
// is ErrCorrupt.
func OpenSalvage(src io.Reader, identities []string, each func(line []byte) error) (Header, Trailer, error) {
	h, t, err := open(src, identities, Salvage, each)
	if err != nil {
		return Header{}, Trailer{}, fmt.Errorf("cannot open the salvage: %w", err)
	}
	return h, t, nil
}

// Beginning reads the first line of a sealed file, a backup or a salvage; nothing
// behind that line was looked at, and nothing in it may be believed yet.
func Beginning(src io.Reader, identities []string) (Header, error) {
	_, packed, err := unseal(src, identities)
	if err != nil {
		return Header{}, fmt.Errorf("cannot open the file: %w", err)
	}
	defer packed.Close()
	h, err := newReader(packed).header()
	if err != nil {
		return Header{}, fmt.Errorf("cannot open the file: %w", err)
	}
	return h, nil
}
