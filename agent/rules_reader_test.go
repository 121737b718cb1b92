package agent

import (
	"context"
	"slices"
	"strings"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/journal"
	"unbindd/device"
	"unbindd/device/devicesim"
)

// erasing brings a case to where the reader's keys may go, and does there what
// a test wants with one attempt at them.
func (b *bound) erasing(do func(ctx context.Context, e *readerErase)) {
	b.t.Helper()
	b.crossed(func(ctx context.Context, _ *journal.Note) {
		c, err := b.a.openCase()
		b.no(err)
		e := &readerErase{a: b.a, c: c}
		e.seen, err = b.a.inspected()
		b.no(err)
		do(ctx, e)
	})
}

// A good reader's erase: every slot of the scope erased once, probed empty,
// signed for; what is retained stays and is listed.
func TestAGoodReaderIsErasedAndSeenToBe(t *testing.T) {
	b := newBound(t)
	var ev certificate.Reader
	b.erasing(func(ctx context.Context, e *readerErase) {
		var err error
		ev, err = e.run(ctx)
		b.no(err)
	})
	if ev.Outcome != outcomeErased || !ev.Authenticated || len(ev.Slots) == 0 || len(ev.Retained) == 0 {
		t.Errorf("the reader's evidence is %+v", ev)
	}
	for _, s := range b.sim.State().Slots {
		inScope := slices.ContainsFunc(ev.Slots, func(e certificate.Slot) bool { return e.Slot == int64(s.Slot) })
		if (inScope && s.Zeroised != 1) || (!inScope && s.Zeroised != 0) {
			t.Errorf("slot %d, in scope %v, was overwritten %d times", s.Slot, inScope, s.Zeroised)
		}
	}
}

// "Erased" is never believed: the record of a lying reader is signed and says
// that every slot is erased.
func TestAReadersWordIsNotEnough(t *testing.T) {
	for fault, want := range map[string]string{
		"lies-hides-from-list": outcomeIncomplete, "lies-keeps": outcomeIncomplete, "half": outcomeIncomplete, "refuses": outcomeRefused,
	} {
		t.Run(fault, func(t *testing.T) {
			b := newBound(t)
			b.no(b.sim.Fault(devicesim.Fault{Name: fault}))
			b.erasing(func(ctx context.Context, e *readerErase) {
				ev, err := e.run(ctx)
				b.no(err)
				if ev.Outcome != want {
					t.Errorf("the outcome is %s (%s), want %s", ev.Outcome, ev.Detail, want)
				}
			})
		})
	}
}

// Each way of looking finds what no other one would: after a good erase, one
// thing is made to look wrong at a time.
func TestEachLookAtTheReaderFindsItsOwn(t *testing.T) {
	b := newBound(t)
	b.erasing(func(ctx context.Context, e *readerErase) {
		ev, err := e.run(ctx)
		b.no(err)
		record, err := e.erase(ctx)
		b.no(err)
		slot := e.seen.Scope[0]

		if after, err := e.probe(ctx, slot, []device.Slot{{ID: slot, State: device.SlotLoaded}}); err != nil || after != "listed" {
			t.Errorf("a slot that is still in the list is %q, %v", after, err)
		}
		e.seen.EraCnt++
		if problem, err := e.look(ctx, &ev); err != nil || !strings.Contains(problem, "erase counter") {
			t.Errorf("a counter that did not move by one: %q, %v", problem, err)
		}
		e.seen.EraCnt--
		kept := slices.IndexFunc(e.seen.Slots, func(s slotSeen) bool { return s.Retained })
		kcv := e.seen.Slots[kept].KCV
		e.seen.Slots[kept].KCV = "000000"
		if problem, err := e.look(ctx, &ev); err != nil || !strings.Contains(problem, "outside the scope") {
			t.Errorf("a slot outside the scope that changed: %q, %v", problem, err)
		}
		e.seen.Slots[kept].KCV = kcv
		e.nonce[0]++
		if ev, err = e.check(ctx, ev, record); err != nil || ev.Outcome != outcomeUnverified {
			t.Errorf("a record of another commit: %s, %v", ev.Outcome, err)
		}
	})
}

// A reader that did it already is asked, and nothing is committed again; the
// host's nonce outlives a restart, so that the record is still known for ours.
func TestACommitIsNeverRepeatedBlindly(t *testing.T) {
	b := newBound(t)
	b.erasing(func(ctx context.Context, e *readerErase) {
		_, err := e.erase(ctx)
		b.no(err)
		restarted := &readerErase{a: b.a, c: e.c, seen: e.seen}
		ev, err := restarted.run(ctx)
		b.no(err)
		if ev.Outcome != outcomeErased || !ev.Authenticated {
			t.Errorf("after a restart the reader is %s (%s)", ev.Outcome, ev.Detail)
		}
	})
	commits := 0
	for _, name := range b.moments {
		if name == "erase-reader-keys:committing" {
			commits++
		}
	}
	if commits != 1 {
		t.Errorf("%d commits", commits)
	}
}

// The evidence of a reader that was seen to be erased does not outlive a second
// look that finds a key.
func TestTheLastLookCounts(t *testing.T) {
	b := newBound(t)
	b.crossed(func(ctx context.Context, n *journal.Note) {
		c, err := b.a.openCase()
		b.no(err)
		e := &readerErase{a: b.a, c: c}
		e.seen, err = b.a.inspected()
		b.no(err)
		ev, err := e.run(ctx)
		b.no(err)
		b.no(n.Save(noteReader, ev))
		e.seen.EraCnt++ // as if the reader had been erased once more since
		b.no(n.Save(noteInspect, e.seen))
		if outcome, err := b.a.readerAgain(ctx, c, n); err != nil || outcome != outcomeUnverified {
			t.Errorf("the second look says %s, %v", outcome, err)
		}
	})
}

// A reader that hides its keys only until it is restarted is found out before
// the certificate.
func TestARestartBringsHiddenKeysBack(t *testing.T) {
	b := newBound(t)
	b.no(b.sim.Fault(devicesim.Fault{Name: "lies-until-reboot"}))
	b.crossed(func(ctx context.Context, n *journal.Note) {
		c, err := b.a.openCase()
		b.no(err)
		e := &readerErase{a: b.a, c: c}
		e.seen, err = b.a.inspected()
		b.no(err)
		ev, err := e.run(ctx)
		b.no(err)
		b.no(n.Save(noteReader, ev))
		if outcome, err := b.a.readerAgain(ctx, c, n); err != nil || outcome == outcomeErased {
			t.Errorf("a reader that hid its keys is %s, %v", outcome, err)
		}
	})
}
