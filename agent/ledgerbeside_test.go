package agent

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/ledger"
	"unbindd/agent/local"
)

// losses are ways in which a ledger of four records, of which an older copy of two
// is kept, cannot be opened any more.
var losses = map[string]struct {
	loss ledger.Loss
	harm func(dir, older string) error
}{
	"all gone":     {ledger.AllGone, func(dir, _ string) error { return os.RemoveAll(dir) }},
	"end gone":     {ledger.EndGone, func(dir, older string) error { return exchange(dir, older) }},
	"segment gone": {ledger.SegmentGone, func(dir, _ string) error { return os.WriteFile(filepath.Join(dir, "seg-00000003.db"), nil, 0o600) }},
	"cut short":    {ledger.CutShort, func(dir, _ string) error { return os.Truncate(filepath.Join(dir, "seg-00000001.db"), 0) }},
	"foreign": {ledger.Foreign, func(dir, _ string) error {
		return os.WriteFile(filepath.Join(dir, "seg-00000001.db"), make([]byte, 1<<16), 0o600)
	}},
	"pages gone": {"", func(dir, _ string) error { return clearPages(filepath.Join(dir, "seg-00000001.db")) }},
}

// exchange puts a copy of one folder in the place of another.
func exchange(dir, by string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.CopyFS(dir, os.DirFS(by))
}

// clearPages leaves the first two pages of a file and its lists of free ones.
func clearPages(path string) error {
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for at := 2 * 4096; at < len(file); at += 4096 {
		if binary.NativeEndian.Uint16(file[at+8:]) != 0x10 {
			clear(file[at : at+4096])
		}
	}
	return os.WriteFile(path, file, 0o600)
}

// bereft is a terminal that has lost a ledger of four records in that way, while
// the reader holds a sale and the end of its batch, with a command of the gate
// "none" accepted. It returns where the ledger is kept as it was.
func bereft(t *testing.T, name string) (b *bound, whole string) {
	b = newBound(t)
	b.sell(1)
	older, whole := filepath.Join(t.TempDir(), "older"), filepath.Join(t.TempDir(), "whole")
	b.no(os.CopyFS(older, os.DirFS(b.a.at.ledger())))
	b.sell(1)
	b.opensOnce()
	b.no(os.CopyFS(whole, os.DirFS(b.a.at.ledger())))
	b.no(losses[name].harm(b.a.at.ledger(), older))
	_, err := b.a.openLedger(true)
	if loss := ledger.LossOf(err); loss != losses[name].loss || !isDamage(err) {
		t.Fatalf("without a command opening ends with %v", err)
	}
	b.no(b.a.lookAtLedger())
	_, err = b.sim.Sell(990, "CNY")
	b.no(err)
	_, err = b.sim.CloseBatch("000002")
	b.no(err)
	c, err := b.a.newChallenge()
	b.no(err)
	b.order.Challenge, b.order.Backup.Gate = envelope.ID(c.Challenge), command.GateNone
	e := b.seal(command.Kind, b.order, "ops-1", "sec-1", "rel-1")
	if o := b.a.takeCommand(e.Encode(), e); o.Outcome != "accepted" {
		t.Fatalf("the command is %s: %+v", o.Outcome, o.Error)
	}
	return b, whole
}

// Three people may sign that nothing is saved: then no way of losing the ledger
// keeps the terminal in service, the gate counts what is lost, and nothing of it
// is left, not what was kept beside it either.
func TestATerminalWithoutItsLedgerIsTakenOutOfService(t *testing.T) {
	for name := range losses {
		t.Run(name, func(t *testing.T) {
			b, _ := bereft(t, name)
			var kept opened
			c := b.carrier(journal.Plan{Reversible: b.a.plan.Reversible[:6], Final: b.a.plan.Final[:8], Gate: func(ctx context.Context, n *journal.Note) error {
				b.ticketed()
				err := b.a.gate(ctx, n)
				if err == nil {
					_, err = n.Get(noteOpened, &kept)
				}
				return err
			}})
			ctx, stop := context.WithCancel(b.ctx)
			defer stop()
			certified := at("sign-certificate", journal.Recorded, b.certified)
			c.Watch = func(e journal.Event) {
				certified(e)
				if b.endless(e) || strings.HasPrefix(envelope.CodeOf(e.Err), "E22") { // it would be waited for
					t.Errorf("%s: %v", e.Step, e.Err)
					stop()
				}
			}
			run, err := c.Carry(ctx)
			if err != nil || run.Outcome != journal.Done {
				t.Fatalf("the case ends with %+v, %v", run, err)
			}
			i := slices.IndexFunc(kept.Gate, func(c certificate.Check) bool { return c.Check == "ledger" })
			said := kept.Gate[i].Detail
			if !strings.HasPrefix(said, "1 transactions, head ") || !strings.Contains(said, "; damaged: ") || !strings.Contains(said, " of 4 records can be read") {
				t.Errorf("the gate says %q", said)
			}
			left, err := filepath.Glob(filepath.Join(b.a.at.root, "ledger*"))
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// endless says that the identity would wait for a signed close: the certificate is
// not complete.
func (b *bound) endless(e journal.Event) bool {
	if e.Step != "erase-identity" || e.Moment != journal.Starting {
		return false
	}
	ended, err := b.a.ended()
	return err != nil || !ended
}

// Such a command may be cancelled after the reader was told to let go, and the
// ledger put back where it was: then every acknowledged record can be saved, and
// is in it.
func TestWhatWasAcknowledgedOutlivesACancelledCommand(t *testing.T) {
	for _, name := range []string{"all gone", "end gone", "segment gone"} {
		t.Run(name, func(t *testing.T) {
			b, whole := bereft(t, name)
			c := b.carrier(journal.Plan{Reversible: b.a.plan.Reversible[:6], Gate: func(context.Context, *journal.Note) error {
				l, err := b.a.openLedger(true)
				b.no(err)
				if !b.a.isBeside(l) || l.Last(boundReader) != 6 {
					t.Errorf("%s ends at event %d", l.Dir(), l.Last(boundReader))
				}
				b.no(l.Close())
				_, err = b.a.journal.Cancel()
				b.no(err)
				return giveUp("E22", "test", "cannot go on: the test has seen enough")
			}})
			ctx, stop := context.WithCancel(b.ctx)
			defer stop()
			c.Watch = func(e journal.Event) {
				if envelope.CodeOf(e.Err) == "E22:events-lost" { // it would be waited for
					stop()
				}
			}
			run, err := c.Carry(ctx)
			b.no(err)
			if run.Outcome != journal.Cancelled {
				t.Fatalf("the case is %+v", run)
			}
			if _, err := b.a.openLedger(true); ledger.LossOf(err) != losses[name].loss || !isDamage(err) {
				t.Errorf("after the cancel opening ends with %v", err)
			}
			b.a.close()
			r, err := CheckLedger(b.ctx, b.a.Parts, 1)
			if err != nil || r.Whole != 3 || !r.Complete() {
				t.Errorf("beside it are %+v, %v", r, err)
			}
			if r, err = ExportLedger(b.ctx, b.a.Parts, 1, "rcp-1", filepath.Join(t.TempDir(), "saved")); err != nil || r.Whole != 3 {
				t.Errorf("saved of it are %+v, %v", r, err)
			}
			b.no(exchange(b.a.at.ledger(), whole))
			b.no(b.a.open())
			b.no(b.a.lookAtLedger())
			b.no(b.a.asKnown(b.ctx))
			l, err := b.a.openLedger(false)
			b.no(err)
			if tally := l.Tally(); l.Last(boundReader) != 6 || tally.Count != 3 || tally.Refused != 0 || b.a.isBeside(l) {
				t.Errorf("the ledger ends at event %d: %+v", l.Last(boundReader), tally)
			}
			b.no(l.Verify(b.ctx))
			b.no(l.Close())
			if d := b.a.show.damaged(); d != nil || b.a.show.mode() != local.Trading {
				t.Errorf("with its ledger back the terminal %s: %+v", b.a.show.mode(), d)
			}
		})
	}
}

// A ledger beside the lost one may be lost too: then the next one is begun, and
// the gate counts both.
func TestAnotherBesideTheOneBeside(t *testing.T) {
	b, _ := bereft(t, "cut short")
	b.no(os.Mkdir(b.a.at.beside(1), 0o700))
	b.no(os.WriteFile(filepath.Join(b.a.at.beside(1), "seg-00000001.db"), nil, 0o600))
	l, err := b.a.openLedger(true)
	b.no(err)
	if l.Dir() != b.a.at.beside(2) {
		t.Errorf("it is %s", l.Dir())
	}
	damage := b.a.wholeLedger(b.ctx, l)
	b.no(l.Close())
	c, err := b.a.openCase()
	b.no(err)
	if said, err := b.a.overDamage(b.ctx, c, "x", damage); err != nil || !strings.Contains(said, "; beside it, 1: 0 of 0 records can be read, and whether") {
		t.Errorf("the gate says %q, %v", said, err)
	}
}

// A command that needs a backup is refused with the kind of loss, also in the
// signed answer.
func TestARefusalNamesTheKindOfLoss(t *testing.T) {
	b := newBound(t)
	b.sell(1)
	b.opensOnce()
	b.no(os.RemoveAll(b.a.at.ledger()))
	b.no(b.a.lookAtLedger())
	c, err := b.a.newChallenge()
	b.no(err)
	b.order.Challenge = envelope.ID(c.Challenge)
	e := b.seal(command.Kind, b.order, "ops-1", "sec-1")
	if o := b.a.takeCommand(e.Encode(), e); o.Outcome != "refused" || o.Error.Code != "E26:all-gone" {
		t.Errorf("the command is %s: %+v", o.Outcome, o.Error)
	}
	box, err := b.a.journal.Outbox()
	if err != nil || len(box) == 0 {
		t.Fatalf("no answer: %v", err)
	}
	answer, err := envelope.Parse(box[len(box)-1].Body, envelope.MaxSize)
	b.no(err)
	var word command.Answer
	b.no(envelope.Decode(answer.Payload, &word))
	if word.Outcome != command.Refused || word.Code != "E26:all-gone" {
		t.Errorf("the answer is %+v", word)
	}
}
