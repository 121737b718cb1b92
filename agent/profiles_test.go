package agent

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/trust"
)

// joins puts a person's key into a bundle.
func joins(v *trust.Bundle, name string, role trust.Role) {
	pub := wireKey(name).Public()
	v.Keys[pub.ID()] = trust.Key{Alg: pub.Alg, Holder: envelope.ID(name), Pub: pub.Pub, Role: role}
}

// signedAnew is the same payload with other people's signatures: the digest stays.
func (b *bound) signedAnew(e *envelope.Envelope, by ...string) *envelope.Envelope {
	b.t.Helper()
	out := &envelope.Envelope{PayloadType: e.PayloadType, Payload: e.Payload}
	for _, name := range by {
		b.no(out.Add(wireKey(name)))
	}
	return out
}

// Who signed the profile has left. The same profile, signed by those who are there
// now, is taken beside the one before, and commands for it are obeyed again.
func TestAProfileSignedAnewIsTaken(t *testing.T) {
	b := newBound(t)
	first := b.a.identity().stored[0]
	steps := b.steps(2, func(v *trust.Bundle) {
		delete(v.Keys, wireKey("ops-1").Public().ID())
		joins(v, "ops-2", trust.Operations)
	})
	c, err := b.a.newChallenge()
	b.no(err)
	o := b.order
	o.Challenge, o.Root = envelope.ID(c.Challenge), 2
	order := []*envelope.Envelope{b.seal(command.Kind, o, "ops-2", "sec-1")}
	if got := outcomes(b.a.take(file(t, steps, order, []*envelope.Envelope{first}))); got != "trust accepted, command E17:profile" {
		t.Fatalf("with the profile of somebody who has left: %s", got)
	}
	anew := b.signedAnew(first, "ops-2", "sec-1")
	if anew.Digest() != first.Digest() {
		t.Fatal("the test signs another profile")
	}
	if got := outcomes(b.a.take(file(t, nil, order, []*envelope.Envelope{first, anew}))); got != "command accepted" {
		t.Fatalf("with the profile signed anew: %s", got)
	}
	for range 2 {
		again, _, err := loadIdentity(b.a.at)
		b.no(err)
		if len(again.stored) != 2 {
			t.Fatalf("%d profiles are kept, want the one before and the one signed anew", len(again.stored))
		}
		if _, err := again.profile(b.order.Profile.ID, first.Digest()); err != nil {
			t.Fatalf("after a start: %v", err)
		}
		b.a.take(file(t, nil, nil, []*envelope.Envelope{first, anew})) // is held now
	}
}

// Somebody else signed the profile than the command. Until the line he counts as the
// command's people do: revoked ends the case, instead of leaving it at the gate for ever;
// gone, or with the same profile signed by others, it goes on.
func TestWhoSignedTheProfileIsRevokedAtTheGate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*trust.Bundle)
		anew   bool
		code   string
	}{
		"revoked":                         {func(v *trust.Bundle) { v.Revoked = []envelope.KeyID{wireKey("ops-2").Public().ID()} }, false, "E17:profile"},
		"revoked, and signed anew":        {func(v *trust.Bundle) { v.Revoked = []envelope.KeyID{wireKey("ops-2").Public().ID()} }, true, ""},
		"removed, as somebody who leaves": {func(v *trust.Bundle) { delete(v.Keys, wireKey("ops-2").Public().ID()) }, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBound(t)
			next := b.signedAnew(b.newProfile(), "ops-2", "sec-2")
			step := func(version int64, change func(*trust.Bundle)) *envelope.Envelope {
				v := b.bundle(version, next.Digest())
				joins(&v, "ops-2", trust.Operations)
				joins(&v, "sec-2", trust.Security)
				change(&v)
				return b.seal(trust.Kind, v, "root-1", "root-2", "root-3")
			}
			two := step(2, func(*trust.Bundle) {})
			if got := outcomes(b.a.take(file(t, []*envelope.Envelope{two}, nil, []*envelope.Envelope{next}))); got != "trust accepted" {
				t.Fatalf("version 2: %s", got)
			}
			b.order.Profile.Digest, b.order.Root = next.Digest(), 2
			said, kept := b.atTheGate(func() {
				var brought []*envelope.Envelope
				if c.anew {
					brought = append(brought, b.signedAnew(next, "ops-1", "sec-1"))
				}
				if got := outcomes(b.a.take(file(t, []*envelope.Envelope{step(3, c.change)}, nil, brought))); got != "trust accepted" {
					t.Fatalf("version 3: %s", got)
				}
			})
			var end *journal.GiveUp
			switch {
			case c.code == "" && said != nil:
				t.Fatalf("the gate says %v", said)
			case c.code == "" && !slices.Contains(kept.Profile.Reasons, "device-swap"):
				t.Errorf("it crossed with another profile: %+v", kept.Profile)
			case c.code != "" && (!errors.As(said, &end) || envelope.CodeOf(said) != c.code):
				t.Errorf("the gate says %v, want the end of the case with %s", said, c.code)
			}
		})
	}
}

// Over a link more than 64 versions come at once. A command that waited among the
// first is found all the same, and judged with what the very last one revokes.
func TestACommandThatWaitedIsFoundAmongSeventyVersions(t *testing.T) {
	b := newBound(t)
	steps := b.steps(70, func(v *trust.Bundle) {
		if v.Version == 70 {
			v.Revoked = []envelope.KeyID{wireKey("sec-1").Public().ID()}
		}
	})
	if got := outcomes(b.a.pulled(file(t, steps, []*envelope.Envelope{b.challenged(3)}, nil))); got != "trust accepted, command E05:revoked-key" {
		t.Fatalf("got %s", got)
	}
	again, _, err := loadIdentity(b.a.at)
	if err != nil || again.trust.Version != 70 {
		t.Fatalf("after a start: %v", err)
	}
}

// The identity goes while the API is still asked: that is a refusal, and no fault.
func TestNothingFailsWhileTheIdentityGoes(t *testing.T) {
	b := newBound(t)
	papers := b.seal("papers", command.Papers{Case: b.order.Case, Papers: []command.Paper{}, V: 1}, "ops-1")
	b.order.Papers = papers.Digest()
	b.accept()
	id := b.a.identity()
	set := func(to *identity) {
		b.a.mu.Lock()
		defer b.a.mu.Unlock()
		b.a.id = to
	}
	set(nil)
	if o := b.a.takePapers(papers); o.Error == nil || o.Error.Code != "E28:not-bound" {
		t.Errorf("papers: %s %+v", o.Outcome, o.Error)
	}
	if _, err := b.a.ledgerOptions(); envelope.CodeOf(err) != "E28:not-bound" {
		t.Errorf("the ledger: %v", err)
	}
	set(id)
	if o := b.a.takePapers(papers); o.Outcome != "accepted" {
		t.Errorf("papers, with the identity there: %s %+v", o.Outcome, o.Error)
	}
	var done atomic.Bool
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for !done.Load() {
			set(nil)
			set(id)
		}
	}()
	defer func() {
		done.Store(true)
		<-ended
	}()
	for range 1000000 { // between two looks it goes and comes back
		if serial := b.a.boundSerial(); serial != "" && serial != boundReader {
			t.Fatalf("the bound reader is %q", serial)
		}
	}
}

// A bundle that came by itself stands without the profile it names; the desk is then
// asked for everything, and not only for what is newer.
func TestABundleWithoutItsProfileIsAskedForWhole(t *testing.T) {
	b := newBound(t)
	if tag := b.a.identity().firstTag(); tag != trust.Tag(b.a.identity().trust) {
		t.Fatalf("with everything there it asks with %q", tag)
	}
	next := b.newProfile()
	if o := b.a.takeStep(b.seal(trust.Kind, b.bundle(2, next.Digest()), "root-1", "root-2", "root-3")); o.Outcome != "accepted" {
		t.Fatalf("the bundle is %s: %+v", o.Outcome, o.Error)
	}
	if tag := b.a.identity().firstTag(); tag != "" {
		t.Errorf("without the profile it asks with %s", tag)
	}
	b.a.take(file(t, nil, nil, []*envelope.Envelope{next}))
	if tag := b.a.identity().firstTag(); tag != trust.Tag(b.a.identity().trust) {
		t.Errorf("with the profile it asks with %q", tag)
	}
}
