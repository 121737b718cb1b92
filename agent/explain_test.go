package agent

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/journal"
	"unbindd/agent/local"
	"unbindd/agent/profile"
)

// Behind the point of no return the plan tells what is done and what is left, and
// nothing of what could be undone before.
func TestThePlanBehindTheLine(t *testing.T) {
	b := newBound(t)
	b.crossed(func(context.Context, *journal.Note) {
		b.a.reader = nil // as after the reader's step, when its pairing key is gone
		p, err := b.a.dryRun("no-such-profile")
		b.no(err)
		if !p.Crossed || p.Case != string(b.order.Case) || p.Profile != string(b.order.Profile.ID) || len(p.Blockers) > 0 || len(p.Upload) > 0 {
			t.Errorf("%+v", p)
		}
		if !stepIs(p.Steps, "seal-backup", local.Done) || stepIs(p.Steps, "erase-data", local.Done) {
			t.Errorf("the steps are %+v", p.Steps)
		}
		if p.Erase[0].Class != profile.ReaderKeys || p.Erase[0].Items == 0 {
			t.Errorf("left to erase: %+v", p.Erase)
		}
	})
}

// The plan looks at the open batch, and says what an exception would have to
// name; the sum of a single sale is not shown.
func TestThePlanSeesTheOpenBatch(t *testing.T) {
	b := newBound(t)
	plan := func() (local.Plan, string) {
		l, err := b.a.openLedger(true)
		b.no(err)
		_, err = b.a.flow(b.ctx, l)
		b.no(err)
		_, err = b.a.takeOver(b.ctx, l)
		b.no(err)
		b.a.closeLedger(l)
		p, err := b.a.dryRun("")
		b.no(err)
		text, err := json.Marshal(p)
		b.no(err)
		return p, string(text)
	}
	sell := func() {
		_, err := b.sim.Sell(1250, "CNY")
		b.no(err)
	}
	sell()
	p, text := plan()
	if !blockedBy(p, "E22:unsettled") || len(p.Open) != 1 || p.Open[0].Count != 1 || p.Open[0].Amount != nil || strings.Contains(text, "1250") {
		t.Errorf("one sale: %s", text)
	}
	sell()
	if p, text = plan(); len(p.Open) != 1 || p.Open[0].Count != 2 || p.Open[0].Amount == nil || *p.Open[0].Amount != 2500 {
		t.Errorf("two sales: %s", text)
	}
	_, err := b.sim.CloseBatch("000002")
	b.no(err)
	if p, text = plan(); blockedBy(p, "E22:unsettled") || len(p.Open) > 0 {
		t.Errorf("a closed batch: %s", text)
	}
}

func blockedBy(p local.Plan, code string) bool {
	for _, e := range p.Blockers {
		if e.Code == code {
			return true
		}
	}
	return false
}

// The plan counts the slots that the inspection then puts into the scope.
func TestThePlanCountsWhatTheEraseCovers(t *testing.T) {
	b := newBound(t)
	p, err := b.a.dryRun("")
	b.no(err)
	var seen inspection
	b.sealed(func(_ context.Context, n *journal.Note) {
		_, err := n.Get(noteInspect, &seen)
		b.no(err)
	})
	if p.Erase[0].Class != profile.ReaderKeys || len(seen.Scope) == 0 || p.Erase[0].Items != int64(len(seen.Scope)) {
		t.Errorf("the plan counts %+v, the inspection %v", p.Erase[0], seen.Scope)
	}
	b.a.reader = nil
	if p, err = b.a.dryRun(""); err != nil || p.Erase[0].Items != 0 || len(p.Erase[0].Notes) != 1 || p.Erase[0].Notes[0].Code != "slots-unseen" {
		t.Errorf("a reader that cannot be asked: %+v, %v", p.Erase[0], err)
	}
	for _, e := range p.Blockers {
		if e.Code == "E22:reader" && strings.HasSuffix(e.Message, "is ") {
			t.Errorf("a word is missing in %q", e.Message)
		}
	}
}

// A code is told once, beside the words and not in them.
func TestTheReasonOfAnEndHasNoSecondCode(t *testing.T) {
	b := newBound(t)
	b.prepared(func() {
		_, err := b.sim.Sell(1250, "CNY")
		b.no(err)
	})
	s, err := b.a.status()
	b.no(err)
	if s.Case == nil || s.Case.Problem == nil || s.Case.Problem.Code != "E22:unsettled" || strings.Contains(s.Case.Problem.Message, "[") {
		t.Errorf("%+v", s.Case)
	}
}

// A partial case with an erased reader waits for no reader, and names what fell
// short.
func TestAPartialCaseSaysWhatItWaitsFor(t *testing.T) {
	media := []certificate.Medium{
		{Name: "ledger", LevelRequested: "clear", LevelAchieved: "clear", Verified: certificate.Pass},
		{Name: "logs-1", LevelRequested: "clear", LevelAchieved: "logical", Verified: certificate.Pass},
		{Name: "spool", LevelRequested: "clear", LevelAchieved: "clear", Verified: certificate.Unknown},
	}
	p := &certificate.Predicate{Media: media, Reader: certificate.Reader{Outcome: outcomeErased}}
	if got := endOf(p); got != "a signed close, for less than was asked for: logs-1, spool" {
		t.Error(got)
	}
	if p.Media = media[:1]; endOf(p) != waitsClose {
		t.Error(endOf(p))
	}
	if p.Reader.Outcome = outcomeMissing; endOf(p) != waitsReader {
		t.Error(endOf(p))
	}
}

// The tool has Chinese for every phrase that the daemon says without a code.
func TestTheToolHasWordsForEveryPhrase(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "cmd", "unbindctl", "terms.go"))
	if err != nil {
		t.Fatal(err)
	}
	var p local.Plan
	keptInReader(&p)
	keptHere(&p)
	phrases := []string{readerTarget, readerLevel, recipients, waitsReader, waitsClose, hostNext}
	for _, k := range p.Keep {
		phrases = append(phrases, k.Why)
		if k.Name != "tombstone.json" && k.Name != "told.json" {
			phrases = append(phrases, k.Name)
		}
	}
	for _, phrase := range phrases {
		if !strings.Contains(string(text), "\""+phrase+"\":") {
			t.Errorf("cmd/unbindctl/terms.go has no words for %q", phrase)
		}
	}
}
