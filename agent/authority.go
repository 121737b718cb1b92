package agent

import (
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/receipt"
)

// authority is what allows the point of no return: the receipt, or the command
// or amendment that allows its absence.
type authority struct {
	Digest envelope.Digest `json:"digest"`
	Index  int64           `json:"index"`
	Kind   envelope.ID     `json:"kind"` // receipt, command, amend
}

// authority looks for what allows the point of no return. A receipt for an
// earlier manifest is of no use; anything else that does not fit was never
// written down.
func (a *Agent) authority(c *caseFile) (authority, bool, error) {
	e, ok, err := noteEnvelope(a.journal.Get, noteReceipt)
	if err != nil {
		return authority{}, false, err
	}
	have := grounds{}
	if ok {
		want, t, err := a.wantBackup()
		if err != nil {
			return authority{}, false, err
		}
		if r, err := receipt.Check(e, t, want); err == nil {
			have.receipt = &authority{Digest: e.Digest(), Index: r.Index, Kind: "receipt"}
		}
	}
	if err := a.absence(c, &have); err != nil {
		return authority{}, false, err
	}
	auth, ok := c.allowedBy(have)
	return auth, ok, nil
}

// absence finds out what there is instead of a receipt.
func (a *Agent) absence(c *caseFile, have *grounds) error {
	if have.receipt != nil || c.command.Backup.Gate == command.GateNone {
		return nil
	}
	if err := a.waitedLong(have); err != nil {
		return err
	}
	var on envelope.Digest
	if ok, err := a.journal.Get(noteCarried, &on); err != nil || !ok {
		return err
	}
	_, m, err := a.manifestNow()
	have.carried = err == nil && on == m.Digest()
	return err
}

// grounds is what lies there before the point of no return.
type grounds struct {
	receipt *authority // the one for the manifest in force
	carried bool       // its sealed file lies on the courier medium
	waited  int64      // seconds of uptime that the desk was silent
}

// allowedBy decides what allows the point of no return, strongest first.
func (c *caseFile) allowedBy(have grounds) (authority, bool) {
	if have.receipt != nil {
		return *have.receipt, true
	}
	if c.command.Backup.Gate == command.GateNone {
		return authority{Digest: c.digest(), Kind: "command"}, true
	}
	if by, enough := c.sealedIsEnough(have.waited); enough && have.carried {
		return by, true
	}
	return authority{}, false
}

// sealedIsEnough says whether the sealed file on a courier medium suffices now.
func (c *caseFile) sealedIsEnough(waited int64) (authority, bool) {
	if d, ok := c.allows(command.AllowSealed); ok {
		return authority{Digest: d, Kind: "amend"}, true
	}
	by, after := authority{Digest: c.digest(), Kind: "command"}, c.command.Backup.SealedAfter
	return by, c.command.Backup.Gate == command.GateSealed || (after > 0 && waited >= after*3600)
}

const (
	noteCarried = "carried" // the manifest whose sealed file lies on the courier medium
	noteWaited  = "waited"  // uptime spent waiting for a receipt
)

// waitedFor counts uptime, because no clock is asked how long a desk is silent.
type waitedFor struct {
	Boot    string `json:"boot"`
	Uptime  int64  `json:"uptime"`
	Seconds int64  `json:"seconds"`
}

func (a *Agent) waitedLong(have *grounds) error {
	var w waitedFor
	_, err := a.journal.Get(noteWaited, &w)
	have.waited = w.Seconds
	return err
}

func (a *Agent) waited() error {
	now, boot, err := uptime()
	if err != nil {
		return err
	}
	var w waitedFor
	if _, err := a.journal.Get(noteWaited, &w); err != nil {
		return err
	}
	if w.Boot == boot {
		w.Seconds += now - w.Uptime
	}
	w.Boot, w.Uptime = boot, now
	return a.journal.Save(noteWaited, w)
}
