package desk

import (
	"errors"

	"unbindd/agent/envelope"
	"unbindd/agent/manifest"
	"unbindd/cmd/unbind-desk/internal/grounds"
	"unbindd/cmd/unbind-desk/internal/store"
)

// acceptance is the successor's word that it has taken over: signed by its own
// device key, about the manifest it imported.
type acceptance struct {
	Command  envelope.Digest `json:"command"`
	Epoch    int64           `json:"epoch"`
	Head     envelope.Digest `json:"head"`
	Manifest envelope.Digest `json:"manifest"`
	Terminal envelope.ID     `json:"terminal"`
	V        int             `json:"v"`
}

// Acceptance keeps the word of the successor that a case's command names. The
// caller is the successor, and the case is not its own.
func (d *Desk) Acceptance(who Caller, id envelope.ID, n int64, body []byte) error {
	e, err := envelope.Parse(body, envelope.MaxSize)
	if err != nil {
		return as(ErrMalformed, err)
	}
	if e.PayloadType != envelope.Type("acceptance") {
		return refuse(ErrMalformed, "E03", "", "cannot take the envelope as an acceptance: its type is another")
	}
	var a acceptance
	if err := envelope.Decode(e.Payload, &a); err != nil {
		return as(ErrUnfit, err)
	}
	k := store.Key{Case: id, Kind: "acceptance", N: n}
	var s standing
	var same bool
	judge := func(tx *store.Tx) (err error) {
		if s, err = d.standing(tx, id, Caller{Signer: true}); err != nil {
			return err
		}
		if err = d.succeeds(tx, s, who, a, e); err != nil {
			return err
		}
		same, err = known(tx, k, e.Encode())
		return err
	}
	if err := d.look(judge); err != nil || same {
		return err
	}
	return d.grow("acceptance", func(tx *store.Tx) error {
		if err := judge(tx); err != nil || same {
			return err
		}
		if err := d.Bounds.within(k); err != nil {
			return err
		}
		_, err := d.keep(tx, k, e.Digest(), e.Encode())
		return errors.Join(err, d.noted(tx, s.Case, s.State, "successor accepted"))
	})
}

// succeeds checks that the caller is the successor, that its device key signed,
// and that what it took over is a receipted backup of the case.
func (d *Desk) succeeds(tx *store.Tx, s standing, who Caller, a acceptance, e *envelope.Envelope) error {
	c := s.on.Command.Command()
	if c.Successor == nil || c.Successor.Terminal != who.Terminal {
		return refuse(ErrForeign, "E09", "successor", "cannot serve the client: it is not the successor of the case")
	}
	b, err := tx.Binding(who.Binding)
	if err != nil {
		return err
	}
	binding, err := d.binding(b)
	switch {
	case err != nil:
		return err
	case binding.Device.ID() != c.Successor.Device || !e.SignedBy(binding.Device):
		return refuse(ErrForeign, "E04", "", "cannot keep the acceptance: it is not signed by the successor's device key")
	case a.V != 1 || a.Terminal != who.Terminal || a.Command != s.Command || a.Epoch != binding.Epoch:
		return misfit("acceptance", "cannot keep the acceptance: it names another command, terminal or enrolment")
	}
	return d.tookOver(tx, s, a)
}

func (d *Desk) tookOver(tx *store.Tx, s standing, a acceptance) error {
	found := false
	err := tx.Objects(s.ID, manifest.Kind, func(o store.Object) error {
		m, err := parse[manifest.Manifest](o.Body)
		if err != nil || o.Digest != a.Manifest || m.Head != a.Head {
			return err
		}
		_, err = tx.Object(store.Key{Case: s.ID, Kind: receiptOf(grounds.KindBackup), N: o.N})
		found = found || err == nil
		if errors.Is(err, store.ErrAbsent) {
			err = nil
		}
		return err
	})
	if err == nil && !found {
		err = misfit("manifest", "cannot keep the acceptance: it names no receipted backup of the case")
	}
	return err
}
