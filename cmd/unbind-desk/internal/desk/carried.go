package desk

import (
	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/store"
)

// Carried is the caller of what a courier brings of a terminal: nobody shows a
// certificate for it, and nobody has to, for every object is held to the terminal's
// own signature, a file to its signed manifest, and a preimage to what the certificate
// committed to. It is the terminal as it is enrolled now, as far as that goes.
func (d *Desk) Carried(terminal string) (Caller, error) {
	id, err := Name("terminal", terminal)
	if err != nil {
		return Caller{}, err
	}
	var who Caller
	err = d.look(func(tx *store.Tx) error {
		t, err := tx.Terminal(id)
		if err == nil && t.Binding == envelope.Digest("") {
			err = store.ErrAbsent
		}
		if err != nil {
			return absent(err, "terminal", "the terminal")
		}
		who = Caller{Terminal: id, Binding: t.Binding}
		in, err := goneIn(tx, t)
		who.Gone = in != ""
		return err
	})
	return who, err
}
