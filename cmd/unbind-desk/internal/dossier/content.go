package dossier

import (
	"errors"
	"fmt"
	"io/fs"

	"unbindd/cmd/unbind-desk/internal/sealed"
)

// content opens the sealed file with the verifier's own identity and compares
// what is in it with manifest and receipt.
func (r *reader) content() (detail string, err error) {
	if len(r.Openers) == 0 {
		return "", missing("an identity to open it with")
	}
	if r.accepted == nil {
		return "", errSkipped
	}
	f, err := r.src.Open(Sealed)
	if errors.Is(err, fs.ErrNotExist) && r.accepted.Size == 0 {
		return "", missing(Sealed)
	}
	if err != nil {
		return "", fmt.Errorf("cannot read %s: %w", Sealed, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	c := r.grounds.Command.Command()
	binding, err := c.Binding.Raw()
	if err != nil {
		return "", err
	}
	got, err := sealed.Open(f, r.Openers, sealed.Start{Binding: binding, Prev: r.Prev, First: uint64(max(r.accepted.First, 1))},
		func([]byte) error { return nil })
	if err != nil {
		return "", err
	}
	if err := got.Compare(*r.accepted); err != nil {
		return "", err
	}
	r.counted = &got
	return fmt.Sprintf("%d transaction(s) recounted, chain and sums as signed", got.Tally.Count), nil
}
