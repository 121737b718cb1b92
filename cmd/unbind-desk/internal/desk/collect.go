package desk

import (
	"errors"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/grounds"
	"unbindd/cmd/unbind-desk/internal/store"
)

// Collected says how far the signing of a drafted command has got.
type Collected struct {
	Case    envelope.ID `json:"case"`
	Version int64       `json:"version"`
	Order   []byte      `json:"order"` // with every signature so far
	grounds.Approval
}

// Collect adds the signatures on a drafted command to those that the desk has.
// People sign where their keys are, one after the other or at once; the desk
// only collects, and refuses a second signature of one person whatever the key.
func (d *Desk) Collect(body []byte, seen int64) (Collected, error) {
	e, err := envelope.Parse(body, envelope.MaxCommand)
	if err != nil {
		return Collected{}, as(ErrMalformed, err)
	}
	var said command.Command
	if e.PayloadType != envelope.Type(command.Kind) {
		return Collected{}, refuse(ErrMalformed, "E03", "", "cannot collect the signatures: the envelope is no command")
	}
	if err := envelope.Decode(e.Payload, &said); err != nil {
		return Collected{}, as(ErrUnfit, err)
	}
	var out Collected
	err = d.grow("collect", func(tx *store.Tx) error {
		c, err := d.drafted(tx, said.Case)
		if err != nil {
			return err
		}
		if now := d.trust().Version; said.Root != now {
			return refuse(ErrUnfit, "E08", "", "cannot collect the signatures: the command was made for trust version %d, and %d is in force", said.Root, now)
		}
		if e.Digest() != c.Command {
			return misfit("command", "cannot collect the signatures: the command is not the one that was issued for the case")
		}
		out, err = d.collect(tx, c, e, seen)
		return err
	})
	return out, err
}

func (d *Desk) collect(tx *store.Tx, c store.Case, e *envelope.Envelope, seen int64) (Collected, error) {
	have, err := envelope.Parse(c.Draft, envelope.MaxCommand)
	if err != nil {
		return Collected{}, err
	}
	before := len(have.Signatures)
	for _, s := range e.Signatures {
		if !signedWith(have, s.KeyID) {
			have.Signatures = append(have.Signatures, s)
		}
	}
	a, err := grounds.Approve(d.trust(), have)
	if err != nil {
		return Collected{}, judged(err)
	}
	if len(have.Signatures) > before {
		if err := unchanged(c, seen); err != nil {
			return Collected{}, err
		}
		c.Draft = have.Encode()
		for _, who := range a.Signed[before:] {
			if c, err = d.note(tx, c, c.State, "signed by "+string(who.Holder)+" as "+string(who.Role)); err != nil {
				return Collected{}, err
			}
		}
	}
	return Collected{Case: c.ID, Version: c.Version, Order: c.Draft, Approval: a}, nil
}

func signedWith(e *envelope.Envelope, key envelope.KeyID) bool {
	for _, s := range e.Signatures {
		if s.KeyID == key {
			return true
		}
	}
	return false
}

// drafted reads a case whose command was not published yet.
func (d *Desk) drafted(tx *store.Tx, id envelope.ID) (store.Case, error) {
	c, err := tx.Case(id)
	if err != nil {
		return c, absent(err, "case", "the case")
	}
	if c.State != Drafted {
		return c, refuse(ErrConflict, "E28", "state", "cannot change the draft: case %s is %s", id, c.State)
	}
	return c, nil
}

// Draft reads a drafted command with the signatures so far.
func (d *Desk) Draft(text string) (Collected, error) {
	out, problem, err := d.DraftAsItIs(text)
	if err == nil {
		err = problem
	}
	return out, err
}

// DraftAsItIs is Draft for who may have to end it: what is wrong with the signatures,
// such as a key that was revoked since, is told beside the draft and hides nothing of it.
func (d *Desk) DraftAsItIs(text string) (out Collected, problem, err error) {
	id, err := Name("case", text)
	if err != nil {
		return out, nil, err
	}
	err = d.look(func(tx *store.Tx) error {
		c, err := d.drafted(tx, id)
		if err != nil {
			return err
		}
		e, err := envelope.Parse(c.Draft, envelope.MaxCommand)
		if err != nil {
			return err
		}
		a, wrong := grounds.Approve(d.trust(), e)
		out, problem = Collected{Case: c.ID, Version: c.Version, Order: c.Draft, Approval: a}, judged(wrong)
		return nil
	})
	return out, problem, err
}

// Withdraw ends a case whose command was never published: nobody outside has
// heard of it, so nobody need sign. What was signed for it is worth nothing any
// more here.
func (d *Desk) Withdraw(text string, seen int64) (Brief, error) {
	id, err := Name("case", text)
	if err != nil {
		return Brief{}, err
	}
	var out Brief
	err = d.commit("withdraw", func(tx *store.Tx) error {
		c, err := tx.Case(id)
		if err != nil {
			return absent(err, "case", "the case")
		}
		if c, err = d.drafted(tx, id); err != nil {
			return err
		}
		if err := unchanged(c, seen); err != nil {
			return err
		}
		c, err = d.note(tx, c, Cancelled, "draft withdrawn")
		out = brief(c)
		return err
	})
	return out, err
}

// Unseen stands where an operator named no version of a case.
const Unseen = -1

// unchanged holds an operator's change to the version of the case that he saw:
// of two who saw the same one, one changes it.
func unchanged(c store.Case, seen int64) error {
	switch {
	case seen == Unseen:
		return refuse(ErrConflict, "E31", "unseen", "cannot change case %s: the request names no version of it", c.ID)
	case seen != c.Version:
		return refuse(ErrConflict, "E31", "version", "cannot change case %s: it was seen at version %d and is at %d", c.ID, seen, c.Version)
	}
	return nil
}

// Caps are how many commands may be published in a day, UTC.
type Caps = store.Caps

// SetCaps sets the caps for every desk on the store: one that had caps of its own
// would let pass what the others refuse.
func (d *Desk) SetCaps(c Caps) error {
	if c.Signer < 0 || c.Day < 0 {
		return refuse(ErrMalformed, "E02", "caps", "cannot set the caps: a cap is below 0")
	}
	return d.commit("caps", func(tx *store.Tx) error { return tx.PutCaps(c, d.now()) })
}

// Caps are the caps in force.
func (d *Desk) Caps() (c Caps, err error) {
	err = d.look(func(tx *store.Tx) error { c, err = tx.Caps(); return err })
	return c, err
}

// CapsInForce are the caps, and when they were set to what.
type CapsInForce struct {
	Caps
	Set []store.CapsSet `json:"set"`
}

// CapsInForce reads them.
func (d *Desk) CapsInForce() (c CapsInForce, err error) {
	err = d.look(func(tx *store.Tx) error {
		caps, err1 := tx.Caps()
		set, err2 := tx.CapsHistory()
		c = CapsInForce{Caps: caps, Set: set}
		return errors.Join(err1, err2)
	})
	return c, err
}

// spend counts a command that is about to be published, in the transaction that
// publishes it: a cap holds across restarts and among several desks.
func (d *Desk) spend(tx *store.Tx, v *command.Verified) error {
	caps, err := tx.Caps()
	if err != nil {
		return err
	}
	day := d.Now().UTC().Format("2006-01-02")
	n, err := tx.Count("issued-" + day)
	if err != nil {
		return err
	}
	if caps.Day > 0 && n > caps.Day {
		return refuse(ErrConflict, "E32", "day", "cannot publish the command: %d were published today, and no more may be", caps.Day)
	}
	for _, who := range v.Approvers() {
		n, err := tx.Count("signed-" + day + "-" + string(who.Holder))
		if err != nil {
			return err
		}
		if caps.Signer > 0 && n > caps.Signer {
			return refuse(ErrConflict, "E32", "signer", "cannot publish the command: %s has signed %d today, and no more may be", who.Holder, caps.Signer)
		}
	}
	return nil
}
