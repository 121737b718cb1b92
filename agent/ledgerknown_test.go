package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/ledger"
	"unbindd/agent/local"
)

// A ledger that is gone is not begun anew in silence: the terminal stops with a
// code of its own, also after a restart, until the ledger is back.
func TestALedgerThatIsGoneIsNotBegunAnew(t *testing.T) {
	b := newBound(t)
	b.sell(3)
	b.opensOnce()
	away := filepath.Join(t.TempDir(), "ledger")
	b.no(os.Rename(b.a.at.ledger(), away))
	if _, err := b.a.openLedger(true); ledger.LossOf(err) != ledger.AllGone {
		t.Errorf("opening ends with %v", err)
	}
	b.no(b.a.lookAtLedger())
	b.a.close()
	b.no(b.a.open())
	b.no(b.a.lookAtLedger())
	d := b.a.show.damaged()
	if d == nil || d.Code != "E26:all-gone" || !strings.Contains(d.Message, "record 4 was in it") || !strings.Contains(d.Next, "put the folder") || b.a.show.mode() != local.Blocked {
		t.Fatalf("the terminal %s: %+v", b.a.show.mode(), d)
	}
	b.no(os.RemoveAll(b.a.at.ledger()))
	b.no(os.Rename(away, b.a.at.ledger()))
	b.no(b.a.asKnown(b.ctx))
	if d := b.a.show.damaged(); d != nil || b.a.show.mode() != local.Trading {
		t.Errorf("with its ledger back the terminal %s: %+v", b.a.show.mode(), d)
	}
}

// Three people may sign that nothing is saved: then a ledger that is gone does not
// keep the terminal in service for ever, and the gate says what is gone.
func TestATerminalWithoutItsLedgerIsTakenOutOfService(t *testing.T) {
	b := newBound(t)
	b.sell(3)
	b.opensOnce()
	b.no(os.RemoveAll(b.a.at.ledger()))
	c, err := b.a.newChallenge()
	b.no(err)
	b.order.Challenge, b.order.Backup.Gate = envelope.ID(c.Challenge), command.GateNone
	e := b.seal(command.Kind, b.order, "ops-1", "sec-1", "rel-1")
	if o := b.a.takeCommand(e.Encode(), e); o.Outcome != "accepted" {
		t.Fatalf("the command is %s: %+v", o.Outcome, o.Error)
	}
	l, err := b.a.openLedger(true)
	b.no(err)
	damage := b.a.wholeLedger(b.ctx, l)
	b.no(l.Close())
	if ledger.LossOf(damage) != ledger.EndGone {
		t.Errorf("the gate finds %v", damage)
	}
	running, err := b.a.openCase()
	b.no(err)
	if said, err := b.a.overDamage(b.ctx, running, "0 transactions", damage); err != nil || said != "0 transactions; damaged: 0 of 4 records can be read, and whether there were more is not known" {
		t.Errorf("the gate says %q, %v", said, err)
	}
}

// opensOnce opens the ledger and closes it, as a restart does.
func (b *bound) opensOnce() {
	b.t.Helper()
	l, err := b.a.openLedger(false)
	b.no(err)
	b.no(l.Close())
}
