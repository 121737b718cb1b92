package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

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

// opensOnce opens the ledger and closes it, as a restart does.
func (b *bound) opensOnce() {
	b.t.Helper()
	l, err := b.a.openLedger(false)
	b.no(err)
	b.no(l.Close())
}
