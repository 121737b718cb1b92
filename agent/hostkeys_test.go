package agent

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
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

// hardware is a key that says it is gone, and what a probe sees of it.
type hardware struct {
	wipe.Target
	probed wipe.Evidence
}

func (h hardware) Name() string { return h.Target.Name }
func (h hardware) Destroy(context.Context, func(string)) wipe.Evidence {
	return wipe.Evidence{LevelAchieved: wipe.LevelPurgeAsserted, Verified: wipe.Pass}
}
func (h hardware) ProbeGone(context.Context) wipe.Evidence { return h.probed }

// What a probe agrees to is verified in the evidence; one that failed hides no
// other behind it.
func TestWhatAProbeSeesIsTheEvidence(t *testing.T) {
	a, _ := newCopies(t)
	probed := wipe.Evidence{LevelAchieved: wipe.LevelPurgeVerified, Verified: wipe.Pass}
	chip := func(name string, probed wipe.Evidence) target {
		return target{Target: wipe.Target{Name: name}, key: func(_ wipe.Sys, t wipe.Target) wipe.KeyDestroyer { return hardware{t, probed} }}
	}
	targets := []target{chip("failed", probed), chip("agreed", probed)}
	for name, verdict := range map[string]string{"failed": wipe.Fail, "agreed": wipe.Pass, "there": wipe.Pass} {
		if err := a.journal.Save(noteMedia+name, wipe.Evidence{LevelAchieved: wipe.LevelPurgeAsserted, Verified: verdict}); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.probeKeys(t.Context(), keys.Data, targets); err != nil {
		t.Fatal(err)
	}
	if ev := evidenceOf(t, a, "agreed"); ev.LevelAchieved != wipe.LevelPurgeVerified {
		t.Errorf("%+v", ev)
	}
	if ev := evidenceOf(t, a, "failed"); ev.Verified != wipe.Fail {
		t.Errorf("%+v", ev)
	}
	targets = append(targets, chip("there", wipe.Evidence{Verified: wipe.Fail, Reason: "the key still opens"}))
	if err := a.probeKeys(t.Context(), keys.Data, targets); err == nil || !strings.Contains(err.Error(), "there: the key still opens") {
		t.Errorf("behind one that failed: %v", err)
	}
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

// A key that the medium does not give is neither there nor gone: no look at the store
// says that its class is erased, and nobody who enrols is told to empty the directory.
func TestWhatCannotBeReadIsNotErased(t *testing.T) {
	for _, class := range []keys.Class{keys.Data, keys.Identity} {
		b := newBound(t)
		for _, p := range keys.Files(b.a.at.keys(), class) {
			b.no(os.Remove(p))
			b.no(os.Symlink(filepath.Base(p), p)) // it is there, and every call that asks for its bytes fails
		}
		if class == keys.Data {
			if err := b.a.probeKeys(b.ctx, class, nil); err == nil || !strings.Contains(err.Error(), "nobody can tell") {
				t.Errorf("the %s keys: %v", class, err)
			}
			continue
		}
		n := &enrolment{parts: b.a.Parts, at: b.a.at}
		if err := n.makeKeys(); !errors.Is(err, syscall.ELOOP) || strings.Contains(err.Error(), "empty the state directory") {
			t.Errorf("enrolling over %s keys that cannot be read: %v", class, err)
		}
	}
}

// Keys that were read, and are whole nowhere, are lost already: who enrols is told the
// only way on.
func TestDamagedKeysLeaveOneWayOn(t *testing.T) {
	b := newBound(t)
	for _, p := range keys.Files(b.a.at.keys(), keys.Identity)[:1] {
		b.no(os.Truncate(p, 4096))
	}
	n := &enrolment{parts: b.a.Parts, at: b.a.at}
	if err := n.makeKeys(); err == nil || !strings.Contains(err.Error(), "empty the state directory") {
		t.Errorf("enrolling over damaged keys: %v", err)
	}
}

// A request that cannot be read is not made anew: the desk may have the first.
func TestARequestThatCannotBeReadIsNotMadeAnew(t *testing.T) {
	b := newBound(t)
	b.no(os.Mkdir(b.a.at.request(), 0o700))
	n := &enrolment{parts: b.a.Parts, at: b.a.at}
	if err := n.makeRequest(b.ctx); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("it says %v", err)
	}
}
