package agent

import (
	"context"
	"strings"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/keys"
	"unbindd/wipe"
)

// Evidence that says pass does not end a class of keys that is still there: the
// place and the store are asked, and with the files gone they agree.
func TestAClassThatStillOpensIsNotCalledErased(t *testing.T) {
	b := newBound(t)
	targets := b.a.keyTargets(keys.Data, "data-key")
	for _, target := range targets {
		b.no(b.a.journal.Save(noteMedia+target.Name, wipe.Evidence{Verified: certificate.Pass}))
	}
	if err := b.a.probeKeys(b.ctx, keys.Data, nil); err == nil || !strings.Contains(err.Error(), "still opens") {
		t.Errorf("the store that opens the class was not asked: %v", err)
	}
	if err := b.a.probeKeys(b.ctx, keys.Data, targets); err == nil || !strings.Contains(err.Error(), "data-key-k1") {
		t.Errorf("the file that is there was not seen: %v", err)
	}
	for _, target := range targets {
		if ev := target.erase(b.ctx, b.a.Sys, nil); ev.Verified != certificate.Pass {
			t.Fatalf("%s: %+v", target.Name, ev)
		}
	}
	b.no(b.a.probeKeys(b.ctx, keys.Data, targets))
}

// A class of keys whose erasing failed for good is told as failed; probing does
// not stand in the way of the plan.
func TestAFailedKeyIsToldAndPassed(t *testing.T) {
	b := newBound(t)
	targets := b.a.keyTargets(keys.Data, "data-key")
	b.no(b.a.journal.Save(noteMedia+targets[0].Name, wipe.Evidence{Verified: certificate.Fail}))
	b.no(b.a.probeKeys(b.ctx, keys.Data, targets))
}

// A process that held keys begins anew when they are gone; one that never did
// goes on.
func TestOnlyAProcessThatHeldKeysBeginsAnew(t *testing.T) {
	b := newBound(t)
	ctx, end := context.WithCancel(b.ctx)
	renewed := 0
	b.a.Renew = func() { renewed++; end() }
	if err := b.a.leaveImage(ctx); err == nil || renewed != 1 {
		t.Errorf("with keys: %v, asked %d times", err, renewed)
	}
	store := b.a.keys
	b.a.keys = nil
	if err := b.a.leaveImage(ctx); err != nil || renewed != 1 {
		t.Errorf("without keys: %v, asked %d times", err, renewed)
	}
	b.a.keys = store
}
