package command

import (
	"slices"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// Kind is the payload kind of a command.
const Kind = "command"

// Slack is how far two clocks may differ, in seconds.
const Slack = 300

// MaxFailures is how many wrong commands one challenge survives.
const MaxFailures = 10

// Terminal is what a command is held against: who this terminal is, what it
// remembers and what it knows of the time.
type Terminal struct {
	Trust    *trust.Trust
	ID       envelope.ID
	Device   envelope.KeyID
	Epoch    int64
	Binding  envelope.Digest
	Reader   string // serial number of the bound reader
	Live     string // serial number read just now; "" when the reader is silent
	LastSeq  int64
	Consumed func(id envelope.ID) bool

	Challenge envelope.ID // the one outstanding, or ""
	Now       int64       // Unix seconds
	Clock     bool        // whether Now is trusted
	Floor     int64       // no time before this is believed

	// Policy is check 17: the terminal's own rules. It returns the detail of
	// E17 and why, or "".
	Policy func(c *Command) (detail, why string)
}

// Verified is a command whose every check held. Only Verify and Resume make one.
type Verified struct {
	command   Command
	digest    envelope.Digest
	envelope  *envelope.Envelope
	approvers []trust.Approver
}

// Command is what was ordered.
func (v *Verified) Command() Command { return v.command }

// Digest names the command.
func (v *Verified) Digest() envelope.Digest { return v.digest }

// Envelope is the command as it was signed.
func (v *Verified) Envelope() *envelope.Envelope { return v.envelope }

// Approvers are the holders whose signatures met the rule.
func (v *Verified) Approvers() []trust.Approver { return slices.Clone(v.approvers) }

// Verify makes checks 4 to 17 in the order of WIRE; sizes and shape (1, 2) are
// Parse's, trust steps (3) come before, the journal entry (18) after. The
// refusal tells the first check that failed.
func Verify(e *envelope.Envelope, at Terminal) (*Verified, error) {
	v, err := signed(e, at.Trust)
	if err != nil {
		return nil, err
	}
	for _, check := range []func(*Command, Terminal) error{
		version, rootVersion, target, epoch, binding, reader, replay, freshness, policy,
	} {
		if err := check(&v.command, at); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// Peek returns what an envelope says when its signatures and form hold, for an
// answer that names the case. It is no permission to act.
func Peek(e *envelope.Envelope, t *trust.Trust) (caseID, id envelope.ID, ok bool) {
	v, err := signed(e, t)
	if err != nil {
		return "", "", false
	}
	return v.command.Case, v.command.ID, true
}

// signed makes checks 4 to 7: type, signatures by known keys, rule, form. The
// payload must be read to know whether the further role is needed, so the rule
// is met first without it; nothing but that one field is used before the second
// look.
func signed(e *envelope.Envelope, t *trust.Trust) (*Verified, error) {
	approvers, err := t.Verify(e, Kind)
	if err != nil {
		return nil, err
	}
	v := &Verified{digest: e.Digest(), envelope: e, approvers: approvers}
	if err := envelope.Decode(e.Payload, &v.command); err != nil {
		return nil, err
	}
	if v.command.Relaxed() {
		if v.approvers, err = t.Verify(e, Kind, trust.Release); err != nil {
			return nil, err
		}
	}
	return v, nil
}

var (
	actions = []envelope.ID{Rebind, Retire, Replace, Quarantine}
	gates   = []envelope.ID{GateReceipt, GateSealed, GateNone}
	levels  = []envelope.ID{Clear, Purge}
)

func version(c *Command, _ Terminal) error {
	switch {
	case c.V != 1:
		return envelope.Refuse("E07", "v", "cannot obey the command: its version is not supported")
	case !slices.Contains(actions, c.Action):
		return envelope.Refuse("E07", "action", "cannot obey the command: its action is not known")
	case !slices.Contains(gates, c.Backup.Gate) || c.Backup.SealedAfter < 0:
		return envelope.Refuse("E07", "gate", "cannot obey the command: its gate is not known")
	case !slices.Contains(levels, c.Level):
		return envelope.Refuse("E07", "level", "cannot obey the command: its level is not known")
	}
	return nil
}

func rootVersion(c *Command, at Terminal) error {
	if c.Root != at.Trust.Version {
		return envelope.Refuse("E08", "", "cannot obey the command: it was made for trust version %d, this terminal has %d", c.Root, at.Trust.Version)
	}
	return nil
}

func target(c *Command, at Terminal) error {
	if c.Terminal != at.ID {
		return envelope.Refuse("E09", "terminal", "cannot obey the command: it is for another terminal")
	}
	if c.Device != at.Device {
		return envelope.Refuse("E09", "device", "cannot obey the command: it is for another device key")
	}
	return nil
}

func epoch(c *Command, at Terminal) error {
	if c.Epoch != at.Epoch {
		return envelope.Refuse("E10", "", "cannot obey the command: it is for enrolment %d, this is %d", c.Epoch, at.Epoch)
	}
	return nil
}

func binding(c *Command, at Terminal) error {
	if c.Binding != at.Binding {
		return envelope.Refuse("E20", "", "cannot obey the command: it names another binding")
	}
	return nil
}

// reader refuses another reader; a silent one does not stop acceptance.
func reader(_ *Command, at Terminal) error {
	if at.Live != "" && at.Live != at.Reader {
		return envelope.Refuse("E21", "", "cannot obey the command: another reader is connected")
	}
	return nil
}

func replay(c *Command, at Terminal) error {
	if at.Consumed(c.ID) {
		return envelope.Refuse("E11", "id", "cannot obey the command: its id was used")
	}
	if c.Seq <= at.LastSeq {
		return envelope.Refuse("E11", "seq", "cannot obey the command: number %d is not after %d", c.Seq, at.LastSeq)
	}
	return nil
}

// freshness is checks 13 to 16. A command made for the challenge asks no clock.
func freshness(c *Command, at Terminal) error {
	if c.Challenge != "" {
		if c.Challenge != at.Challenge {
			return envelope.Refuse("E12", "", "cannot obey the command: it answers another challenge")
		}
		return nil
	}
	switch {
	case c.NotAfter <= at.Floor:
		return envelope.Refuse("E13", "floor", "cannot obey the command: its time was over before the last time this terminal is sure of")
	case !at.Clock:
		return envelope.Refuse("E15", "", "cannot obey the command: the clock cannot be trusted and it answers no challenge")
	case at.Now > c.NotAfter+Slack:
		return envelope.Refuse("E13", "clock", "cannot obey the command: its time is over")
	case at.Now < c.NotBefore-Slack:
		return envelope.Refuse("E14", "", "cannot obey the command: its time has not begun")
	case at.Now > at.Trust.Expires:
		return envelope.Refuse("E13", "trust", "cannot obey the command: the trust bundle has expired and it answers no challenge")
	}
	return nil
}

func policy(c *Command, at Terminal) error {
	if at.Policy == nil {
		return nil
	}
	if detail, why := at.Policy(c); detail != "" {
		return envelope.Refuse("E17", detail, "cannot obey the command: %s", why)
	}
	return nil
}
