package desk

import (
	"errors"
	"slices"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/merkle"
	"unbindd/agent/profile"
	"unbindd/agent/receipt"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/grounds"
	"unbindd/cmd/unbind-desk/internal/rotation"
	"unbindd/cmd/unbind-desk/internal/store"
)

// Published says what became of a signed envelope.
type Published struct {
	Kind     string          `json:"kind"`
	Case     envelope.ID     `json:"case,omitempty"`
	Digest   envelope.Digest `json:"digest"`
	State    State           `json:"state,omitempty"`
	Version  int64           `json:"version,omitempty"`
	Terminal envelope.ID     `json:"-"` // whose orders changed; "" is everybody's
}

// Publish takes a signed command, papers, cancel, amend, close, trust bundle,
// profile, custodian's receipt or validation, verifies it against the trust in force and offers it to its terminal, which
// is woken if it waits. An order that belongs to a case names the version of the
// case that the operator saw; the same envelope again changes nothing.
func (d *Desk) Publish(body []byte, seen int64) (Published, error) {
	e, err := envelope.Parse(body, envelope.MaxSize)
	if err != nil {
		return Published{}, as(ErrMalformed, err)
	}
	kinds := map[string]take{
		"command": d.publishCommand, "papers": d.publishPapers, "cancel": d.publishCancel,
		"amend": d.publishAmend, "close": d.publishClose, "trust": d.publishTrust, "profile": d.publishProfile,
	}
	switch e.PayloadType {
	case envelope.Type(receipt.Kind):
		return d.publish(kindCustody, e, seen, d.publishCustody)
	case envelope.Statement:
		return d.publish(kindValidation, e, seen, d.publishValidation)
	}
	for kind, take := range kinds {
		if e.PayloadType == envelope.Type(kind) {
			return d.publish(kind, e, seen, take)
		}
	}
	return Published{}, refuse(ErrMalformed, "E03", "", "cannot publish the envelope: its type is none of command, papers, cancel, amend, close, trust, profile, custody, validation")
}

// take publishes one kind; seen is the version of the case that the operator saw.
type take = func(tx *store.Tx, e *envelope.Envelope, seen int64) (Published, error)

func (d *Desk) publish(kind string, e *envelope.Envelope, seen int64, take take) (Published, error) {
	var done Published
	err := d.grow("publish", func(tx *store.Tx) error {
		var err error
		done, err = take(tx, e, seen)
		if err != nil {
			return judged(err)
		}
		done.Kind, done.Digest = kind, e.Digest()
		if done.Case != "" {
			c, err := tx.Case(done.Case)
			done.State, done.Version = c.State, c.Version
			return err
		}
		return nil
	})
	if err != nil {
		return Published{}, err
	}
	if kind == trust.Kind {
		if err := d.look(func(*store.Tx) error { return nil }); err != nil {
			return Published{}, err
		}
	}
	if done.Terminal != "" || kind == trust.Kind || kind == profile.Kind { // terminals read nothing of the others
		d.wake(done.Terminal)
	}
	return done, nil
}

// wake tells a terminal that its orders changed, however it waits; "" is everybody.
func (d *Desk) wake(id envelope.ID) {
	d.bell.ring(id)
	if d.Rung != nil && id != "" {
		d.Rung(id)
	}
}

// publishCommand takes a command that was drafted here, with signatures that
// meet the rule. What a terminal would refuse is refused here first.
func (d *Desk) publishCommand(tx *store.Tx, e *envelope.Envelope, seen int64) (Published, error) {
	return d.publishCounted(tx, e, seen, func(v *command.Verified) error { return d.spend(tx, v) })
}

// publishCounted publishes a command once count has let it pass.
func (d *Desk) publishCounted(tx *store.Tx, e *envelope.Envelope, seen int64, count func(*command.Verified) error) (Published, error) {
	var said command.Command
	if err := envelope.Decode(e.Payload, &said); err != nil {
		return Published{}, err
	}
	c, err := tx.Case(said.Case)
	if err != nil {
		return Published{}, absent(err, "case", "the case the command names")
	}
	done := Published{Case: c.ID, Terminal: c.Terminal}
	k := store.Key{Case: c.ID, Kind: "command", N: 1}
	if same, err := known(tx, k, e.Encode()); same || err != nil {
		return done, err
	}
	if e.Digest() != c.Command {
		return done, misfit("command", "cannot publish the command: it is not the one that was issued for the case")
	}
	if c.State == Cancelled {
		return done, refuse(ErrConflict, "E28", "state", "cannot publish the command: case %s was withdrawn", c.ID)
	}
	if err := unchanged(c, seen); err != nil {
		return done, err
	}
	t, err := d.free(tx, c.Terminal)
	if err != nil {
		return done, err
	}
	verified, err := d.verifyCommand(tx, e, said, t)
	if err != nil {
		return done, err
	}
	if _, err := grounds.Approve(d.trust(), e); err != nil { // as where they are collected
		return done, err
	}
	if err := count(verified); err != nil {
		return done, err
	}
	t.Published, t.Case = said.Seq, c.ID
	if _, err := d.keep(tx, k, e.Digest(), e.Encode()); err != nil {
		return done, err
	}
	return done, errors.Join(tx.PutTerminal(t), d.noted(tx, c, Issued, "command published"))
}

// verifyCommand makes the terminal's own checks with what the desk knows of it;
// only the challenge is taken as it stands, for the desk has not seen it.
func (d *Desk) verifyCommand(tx *store.Tx, e *envelope.Envelope, said command.Command, t store.Terminal) (*command.Verified, error) {
	b, err := tx.Binding(t.Binding)
	if err != nil {
		return nil, err
	}
	binding, err := d.binding(b)
	if err != nil {
		return nil, err
	}
	verified, err := command.Verify(e, command.Terminal{
		Trust: d.trust(), ID: t.ID, Device: binding.Device.ID(), Epoch: t.Epoch, Binding: t.Binding,
		Reader: string(binding.Reader.SN), LastSeq: t.Published, Consumed: func(envelope.ID) bool { return false },
		Challenge: said.Challenge, Now: d.now(), Clock: true,
	})
	if err != nil || said.Papers == "" {
		return verified, err
	}
	o, err := tx.Object(store.Key{Case: said.Case, Kind: "papers", N: 1})
	if err != nil || o.Digest != said.Papers {
		return nil, refuse(ErrConflict, "E17", "papers", "cannot publish the command: publish its signed papers first")
	}
	return verified, nil
}

// publishTrust takes over the next bundle, if this desk can go on under it; the
// one in force stays on record. Whether it is new is asked of the store alone.
func (d *Desk) publishTrust(tx *store.Tx, e *envelope.Envelope, _ int64) (Published, error) {
	next, err := d.trust().Next(e)
	if err != nil {
		return Published{}, err
	}
	have, err := tx.Trust(next.Version)
	switch {
	case err == nil:
		stored, err := envelope.Parse(have, envelope.MaxSize)
		if err == nil && stored.Digest() != e.Digest() {
			err = refuse(ErrConflict, "E16", "other-bytes", "cannot publish the bundle: another one of that version is stored")
		}
		return Published{}, err
	case !errors.Is(err, store.ErrAbsent):
		return Published{}, err
	}
	if err := rotation.SameHolders(d.versions(), next); err != nil {
		return Published{}, err
	}
	if err := d.livesUnder(next); err != nil {
		return Published{}, err
	}
	if err := d.opensSets(next); err != nil {
		return Published{}, err
	}
	if err := rotation.Usable(next); err != nil {
		return Published{}, err
	}
	return Published{}, tx.AddTrust(next.Version, e.Encode())
}

// livesUnder refuses a bundle under which this desk could not sign what it must:
// receipts, enrolments and the checkpoints of its log.
func (d *Desk) livesUnder(t *trust.Trust) error {
	for role, signer := range map[trust.Role]envelope.Signer{trust.ReceiptKey: d.Receipts, trust.Enrol: d.Enrols} {
		id := signer.Public().ID()
		if key, ok := t.Keys[id]; !ok || key.Role != role || slices.Contains(t.Revoked(), id) {
			return refuse(ErrUnfit, "E16", "desk-key", "cannot serve under trust version %d: this desk's key for role %s is not in it, or revoked", t.Version, role)
		}
	}
	if t.Log.Key != d.Receipts.Public().ID() || !merkle.CanName(string(t.Log.Origin)) {
		return refuse(ErrUnfit, "E16", "desk-log", "cannot serve under trust version %d: its log is not signed by this desk's receipt key, or its origin cannot stand in a checkpoint", t.Version)
	}
	return nil
}
