package agent

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/manifest"
)

// prepared carries a case as far as a sealed backup and tells how it ended: at
// the gate, which stays closed here, or undone.
func (b *bound) prepared(before func()) journal.Run {
	b.t.Helper()
	b.accept()
	before()
	run, err := b.carrier(journal.Plan{Reversible: b.a.plan.Reversible[:6], Gate: func(context.Context, *journal.Note) error {
		return giveUp("E22", "test", "cannot go on: the test has seen enough")
	}}).Carry(b.ctx)
	b.no(err)
	if run.Crossed || run.Outcome != journal.Undone {
		b.t.Fatalf("the case is %+v", run)
	}
	return run
}

// An open batch ends the command, whatever else is in order.
func TestAnOpenBatchEndsTheCommand(t *testing.T) {
	b := newBound(t)
	run := b.prepared(func() {
		_, err := b.sim.Sell(1250, "CNY")
		b.no(err)
	})
	if run.Code != "E22:unsettled" {
		t.Errorf("ended by %s %s", run.Code, run.Reason)
	}
}

// Events that a reader lost before they were taken over stand in the way, also
// when the terminal traded on beyond the gap; they are counted once.
func TestLostEventsStandInTheWay(t *testing.T) {
	b := newBound(t)
	b.sell(2)
	_, err := b.sim.CloseBatch("000002")
	b.no(errors.Join(err, b.sim.Lose(1)))
	l, err := b.a.openLedger(true)
	b.no(err)
	b.no(b.a.line().Reopen(b.ctx)) // a reader that misses an event gives the line up
	_, err = b.a.flow(b.ctx, l)
	b.no(err)
	if refused := l.Tally().Refused; refused != 1 {
		t.Errorf("the ledger names %d lost events", refused)
	}
	b.no(l.Close())
	b.sell(1)
	b.accept()
	c, err := b.a.openCase()
	b.no(err)
	if l, err = b.a.openLedger(false); err != nil || l.Tally().Lost != 1 {
		t.Fatalf("%+v lost, %v", l, err)
	}
	b.no(l.Close())
	if err := c.allowsLoss(1); envelope.CodeOf(err) != "E22:events-lost" {
		t.Errorf("one lost event: %v", err)
	}
	c.amends = []amended{{Amend: command.Amend{Lost: 1}}}
	if c.allowsLoss(1) != nil || c.allowsLoss(2) == nil {
		t.Error("an amendment for one allows another number")
	}
}

// The reader is frozen while the case is prepared, and sells again after it was
// undone; of the sealed backup nothing is left.
func TestAnUndoneCaseLeavesATradingTerminal(t *testing.T) {
	b := newBound(t)
	b.sell(2)
	b.accept()
	frozen, sealed := false, false
	_, err := b.carrier(journal.Plan{Reversible: b.a.plan.Reversible[:6], Gate: func(context.Context, *journal.Note) error {
		frozen, sealed = b.sim.State().Frozen, exists(b.a.at.sealed())
		return giveUp("E22", "test", "cannot go on: the test has seen enough")
	}}).Carry(b.ctx)
	b.no(err)
	if !frozen || !sealed {
		t.Errorf("at the gate: frozen %v, sealed %v", frozen, sealed)
	}
	if after := b.sim.State(); after.Frozen || after.Challenged || exists(b.a.at.sealed()) {
		t.Errorf("after the undoing: frozen %v, challenged %v, sealed %v", after.Frozen, after.Challenged, exists(b.a.at.sealed()))
	}
}

// A backup that is sealed anew gets a new number, names the one before, and a new
// challenge of the reader: the old one was shown to the desk with other content.
func TestASecondBackupGetsANewChallenge(t *testing.T) {
	b := newBound(t)
	b.sell(2)
	b.accept()
	var seen []manifest.Manifest
	var digests []envelope.Digest
	_, err := b.carrier(journal.Plan{Reversible: b.a.plan.Reversible[:6], Gate: func(context.Context, *journal.Note) error {
		m, e, err := b.a.manifestNow()
		b.no(err)
		seen, digests = append(seen, m), append(digests, e.Digest())
		if len(seen) == 1 {
			return &journal.Again{Steps: []string{"drain", "seal-backup"}, Why: "the test wants another one"}
		}
		return giveUp("E22", "test", "cannot go on: the test has seen enough")
	}}).Carry(b.ctx)
	b.no(err)
	if len(seen) != 2 || seen[1].N != 2 || seen[1].Supersedes != digests[0] || string(seen[0].Reader.RC) == string(seen[1].Reader.RC) {
		t.Errorf("the manifests are %+v", seen)
	}
}

// What is sealed is what lies on the medium: the manifest's digest is the file's,
// and nothing of it can be read without a recipient's key.
func TestTheManifestNamesTheFileOnTheMedium(t *testing.T) {
	b := newBound(t)
	b.sealed(func(context.Context, *journal.Note) {
		m, _, err := b.a.manifestNow()
		b.no(err)
		text, err := os.ReadFile(b.a.at.sealed())
		b.no(err)
		if envelope.DigestOf(text) != m.Digest || int64(len(text)) != m.Size || m.Count != 3 {
			t.Errorf("the manifest says %s, %d bytes, %d transactions", m.Digest, m.Size, m.Count)
		}
		if !strings.HasPrefix(string(text), "age-encryption.org/v1") || strings.Contains(string(text), boundReader) {
			t.Error("the backup is not sealed")
		}
	})
}
