package desk

import (
	"errors"

	"unbindd/agent/envelope"
	"unbindd/agent/manifest"
	"unbindd/cmd/unbind-desk/internal/store"
)

// Manifest keeps what the terminal signs about its n-th backup.
func (d *Desk) Manifest(who Caller, id envelope.ID, n int64, body []byte) error {
	k := store.Key{Case: id, Kind: manifest.Kind, N: n}
	read := func(s standing, e *envelope.Envelope) (manifest.Manifest, error) { return s.on.Manifest(e) }
	_, err := receive(d, arrival[manifest.Manifest]{k, who, body, read, func(tx *store.Tx, s standing, e *envelope.Envelope, m manifest.Manifest) error {
		if !open(s.State) {
			return refuse(ErrConflict, "E28", "state", "cannot keep the manifest: the case is %s", s.State)
		}
		if m.N != n {
			return misfit("n", "cannot keep the manifest: it has another number")
		}
		if err := supersedes(tx, k, m.Supersedes); err != nil {
			return err
		}
		if _, err := d.keep(tx, k, e.Digest(), e.Encode()); err != nil {
			return err
		}
		return errors.Join(d.queue(tx, s.Case, n), d.noted(tx, s.Case, s.State, "manifest received"))
	}})
	return err
}

// supersedes checks that an object names the one before it. The desk need not
// have that one: what was resealed before it could be delivered never came.
func supersedes(tx *store.Tx, k store.Key, named envelope.Digest) error {
	if (k.N > 1) != (named != "") {
		return misfit("supersedes", "cannot keep %s %d: it must name the one before it, and the first names none", k.Kind, k.N)
	}
	if k.N == 1 {
		return nil
	}
	before, err := tx.Object(store.Key{Case: k.Case, Kind: k.Kind, N: k.N - 1})
	if errors.Is(err, store.ErrAbsent) {
		return nil
	}
	if err == nil && before.Digest != named {
		err = misfit("supersedes", "cannot keep %s %d: it names another one before it, stored is %s", k.Kind, k.N, before.Digest)
	}
	return err
}
