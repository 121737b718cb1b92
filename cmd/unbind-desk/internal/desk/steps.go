package desk

import (
	"encoding/json"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/store"
)

// Steps is every version of trust that the desk has, the first one first, and the
// profiles that the newest names.
type Steps struct {
	Anchor   envelope.Digest   `json:"anchor"`
	Profiles []json.RawMessage `json:"profiles"`
	Trust    []json.RawMessage `json:"trust"`
}

// Steps reads them for a courier.
func (d *Desk) Steps() (s Steps, err error) {
	s.Anchor = d.Anchor
	err = d.look(func(tx *store.Tx) error {
		s.Profiles, err = d.profiles(tx)
		return err
	})
	for _, b := range d.bundles() {
		s.Trust = append(s.Trust, b.Encode())
	}
	return s, err
}
