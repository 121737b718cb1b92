package agent

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/trust"
	"unbindd/device"
)

// The names of the notes in the journal. They stand on disk.
const (
	noteAccepted = "accepted" // the command as it was taken, and what was believed then
	noteAmends   = "amends"   // amendments, oldest first
	noteClose    = "close"    // a forced close
	notePapers   = "papers"
	noteInspect  = "inspect"
	noteSettle   = "settle"
	noteManifest = "manifest"
	noteReceipt  = "receipt"
	noteTicket   = "ticket"
	noteOpened   = "opened" // the record that destruction began, with the gate
	noteNonce    = "nonce"  // the host's nonce for the reader's erase record
	noteReader   = "reader" // evidence
	noteMedia    = "media/" // + target: evidence
	noteBegun    = "begun/" // + target: what was there when its erasure began
	noteResidue  = "residue"
	noteBefore   = "before" // what was there of every target when the host's erasure began
	noteCopies   = "copies" // and what is left of it
	noteVerified = "verified"
	noteSigned   = "certificate"         // the newest certificate, as signed
	noteDeskHas  = "certificate-receipt" // the desk's receipt for it
	noteIdentity = "identity-gone"
	noteBelief   = "belief" // what the desk's last word is checked against, once the identity is gone
)

// accepted is what is written down when a command is accepted.
type accepted struct {
	Command json.RawMessage  `json:"command"`
	Bundle  json.RawMessage  `json:"bundle"`
	Revoked []envelope.KeyID `json:"revoked"`
	Binding json.RawMessage  `json:"binding"`
	Route   route            `json:"route"`
	Clock   string           `json:"clock"`
	At      int64            `json:"at"`
}

// caseFile is the running case, verified again.
type caseFile struct {
	accepted
	verified *command.Verified
	command  command.Command
	trust    *trust.Trust // of the acceptance, with every revocation known
	last     *trust.Trust // of the identity's last moment; what is believed after it
	amends   []amended
}

type amended struct {
	command.Amend
	Digest envelope.Digest
}

// openCase reads the running case from the journal and verifies its command
// again: before the point of no return with every revocation known now,
// afterwards by what was believed at its acceptance alone.
func (a *Agent) openCase() (*caseFile, error) {
	c, e, err := a.readCase()
	if err != nil {
		return nil, err
	}
	if c.trust, err = a.caseTrust(c.accepted); err != nil {
		return nil, err
	}
	if c.last, err = a.lastBelief(c); err != nil {
		return nil, err
	}
	if c.verified, err = command.Resume(e, c.trust); err != nil {
		return nil, err
	}
	c.command = c.verified.Command()
	return c, a.readAmends(c)
}

// readCase reads the running case as it was accepted, to be shown and answered.
// It is no permission to act: an approver may have been revoked since.
func (a *Agent) readCase() (*caseFile, *envelope.Envelope, error) {
	c := &caseFile{}
	ok, err := a.journal.Get(noteAccepted, &c.accepted)
	if err == nil && !ok {
		err = errors.New("cannot read the case: no command is in the journal")
	}
	if err != nil {
		return nil, nil, err
	}
	e, err := envelope.Parse(c.accepted.Command, envelope.MaxCommand)
	if err != nil {
		return nil, nil, err
	}
	return c, e, envelope.Decode(e.Payload, &c.command)
}

func (a *Agent) caseTrust(acc accepted) (*trust.Trust, error) {
	t, err := belief{acc.Bundle, acc.Revoked}.trust()
	if err != nil {
		return nil, err
	}
	run, _, err := a.journal.Current()
	if err != nil {
		return nil, err
	}
	if id := a.identity(); !run.Crossed && id != nil {
		t = t.WithRevoked(id.trust.Revoked())
	}
	return t, nil
}

func (a *Agent) readAmends(c *caseFile) error {
	var raw []json.RawMessage
	if _, err := a.journal.Get(noteAmends, &raw); err != nil {
		return err
	}
	all, err := parseAll(raw)
	if err != nil {
		return err
	}
	for _, e := range all {
		// As with the command: a person revoked before the point of no return
		// has not signed.
		if _, err := c.trust.Verify(e, "amend"); err != nil {
			return err
		}
		m := amended{Digest: e.Digest()}
		if err := envelope.Decode(e.Payload, &m.Amend); err != nil {
			return err
		}
		c.amends = append(c.amends, m)
	}
	return nil
}

// allows says whether an amendment allows something, and which.
func (c *caseFile) allows(what envelope.ID) (envelope.Digest, bool) {
	for _, m := range c.amends {
		if slices.Contains(m.Allow, what) {
			return m.Digest, true
		}
	}
	return "", false
}

// digest names the command.
func (c *caseFile) digest() envelope.Digest { return c.verified.Digest() }

// running is what a follow-up is held against.
func (a *Agent) running(c *caseFile) (command.Running, error) {
	id := a.identity()
	if id == nil {
		return command.Running{}, envelope.Refuse("E28", "identity", "cannot take it: the terminal's identity is erased already")
	}
	r := command.Running{
		Trust: id.trust, Terminal: c.command.Terminal, Case: c.command.Case,
		Command: c.digest(), Amended: int64(len(c.amends)),
	}
	signed, ok, err := a.signed()
	if ok {
		r.Certificate = signed.Digest()
	}
	return r, err
}

// signed is the newest certificate, as it was signed.
func (a *Agent) signed() (*envelope.Envelope, bool, error) {
	return noteEnvelope(a.journal.Get, noteSigned)
}

func noteEnvelope(get func(string, any) (bool, error), name string) (*envelope.Envelope, bool, error) {
	var raw json.RawMessage
	ok, err := get(name, &raw)
	if err != nil || !ok {
		return nil, false, err
	}
	e, err := envelope.Parse(raw, envelope.MaxSize)
	return e, err == nil, err
}

func (a *Agent) identity() *identity {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.id
}

// line is the conversation with the reader; nil once its pairing key is gone.
func (a *Agent) line() conversation {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.reader
}

// who asks the reader who it is, within the time of a courtesy.
func (a *Agent) who(ctx context.Context) (device.Identity, error) {
	line := a.line()
	if line == nil {
		return device.Identity{}, device.ErrUnpaired
	}
	ctx, stop := context.WithTimeout(ctx, courtesyTime)
	defer stop()
	return line.Identify(ctx)
}

// current is the run in the journal.
func (a *Agent) current() (journal.Run, bool, error) {
	if a.journal == nil {
		return journal.Run{}, false, nil
	}
	return a.journal.Current()
}
