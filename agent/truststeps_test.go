package agent

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/local"
	"unbindd/agent/profile"
	"unbindd/agent/trust"
)

// steps are versions 2 to n, each changed by a test.
func (b *bound) steps(n int64, change func(*trust.Bundle)) (steps []*envelope.Envelope) {
	b.t.Helper()
	for version := int64(2); version <= n; version++ {
		v := b.bundle(version, b.order.Profile.Digest)
		if change != nil {
			change(&v)
		}
		steps = append(steps, b.seal(trust.Kind, v, "root-1", "root-2", "root-3"))
	}
	return steps
}

// file is what a courier carries.
func file(t *testing.T, steps, orders, profiles []*envelope.Envelope) []byte {
	t.Helper()
	raw := func(all []*envelope.Envelope) (out []json.RawMessage) {
		for _, e := range all {
			out = append(out, e.Encode())
		}
		return out
	}
	text, err := json.Marshal(bundle{Orders: raw(orders), Profiles: raw(profiles), Trust: raw(steps)})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// challenged is the command as an answer to a challenge, for a version of trust.
func (b *bound) challenged(root int64) *envelope.Envelope {
	b.t.Helper()
	c, err := b.a.newChallenge()
	b.no(err)
	o := b.order
	o.Challenge, o.Root = envelope.ID(c.Challenge), root
	return b.seal(command.Kind, o, "ops-1", "sec-1")
}

// outcomes is what became of the objects of a file: kind and outcome, or its code.
func outcomes(items []local.Object) string {
	var all []string
	for _, o := range items {
		word := o.Outcome
		if o.Error != nil {
			word = o.Error.Code
		}
		all = append(all, o.Kind+" "+word)
	}
	return strings.Join(all, ", ")
}

// A terminal that slept while forty versions were published obeys a command of the
// last one after a single file, and reads what it wrote down when it begins anew.
func TestOneFileBringsFortyVersions(t *testing.T) {
	b := newBound(t)
	text := file(t, b.steps(40, nil), []*envelope.Envelope{b.challenged(40)}, nil)
	if got := outcomes(b.a.take(text)); got != "trust accepted, command accepted" {
		t.Fatalf("the file: %s", got)
	}
	again, ok, err := loadIdentity(b.a.at)
	if err != nil || !ok || again.trust.Version != 40 || len(again.bundles) != 40 {
		t.Fatalf("after a start: %v", err)
	}
}

// More than 64 versions want more than one file, and are told so; over a link they
// are taken at once, and a command that waited among the first is not passed over.
func TestSeventyVersions(t *testing.T) {
	b := newBound(t)
	steps := b.steps(70, nil)
	order := b.challenged(70)
	items := b.a.take(file(t, steps, []*envelope.Envelope{order}, nil))
	if got := outcomes(items); got != "trust E16:steps, order E16:steps" || !strings.Contains(items[0].Error.Message, "up to version 65 first") {
		t.Fatalf("70 versions in one file: %s: %+v", got, items[0].Error)
	}
	if v := b.a.identity().trust.Version; v != 1 {
		t.Fatalf("at version %d after a refused file", v)
	}
	if got := outcomes(b.a.take(file(t, steps[:64], nil, nil))); got != "trust accepted" {
		t.Fatalf("the first file: %s", got)
	}
	if got := outcomes(b.a.take(file(t, steps, []*envelope.Envelope{b.challenged(70)}, nil))); got != "trust accepted, command accepted" {
		t.Fatalf("the second file: %s", got)
	}
	linked := newBound(t)
	if got := outcomes(linked.a.pulled(file(t, linked.steps(70, nil), []*envelope.Envelope{linked.challenged(3)}, nil))); got != "trust accepted, command accepted" {
		t.Fatalf("over a link: %s", got)
	}
}

// Bundles that were published while a command waited do not pass it over: it is
// judged by the version it was made for, and by what was revoked since.
func TestACommandThatWaitedIsJudgedByItsVersion(t *testing.T) {
	for name, c := range map[string]struct {
		at     int64 // where the terminal is
		root   int64 // what the command was made for
		change func(*trust.Bundle)
		want   string
		left   int64
	}{
		"published while it waited":        {1, 1, nil, "trust accepted, command accepted", 4},
		"made for one on the way":          {1, 3, nil, "trust accepted, command accepted", 4},
		"the approver has left since":      {1, 1, func(v *trust.Bundle) { delete(v.Keys, wireKey("sec-1").Public().ID()) }, "trust accepted, command accepted", 4},
		"the approver was revoked since":   {1, 1, func(v *trust.Bundle) { v.Revoked = []envelope.KeyID{wireKey("sec-1").Public().ID()} }, "trust accepted, command E05:revoked-key", 4},
		"the profile was replaced since":   {1, 1, func(v *trust.Bundle) { v.Profiles["rebind-standard"] = envelope.DigestOf(nil) }, "trust accepted, command accepted", 4},
		"the terminal was past it already": {2, 1, nil, "trust accepted, command E08", 4},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBound(t)
			steps := b.steps(4, c.change)
			b.a.take(file(t, steps[:c.at-1], nil, nil))
			if got := outcomes(b.a.take(file(t, steps, []*envelope.Envelope{b.challenged(c.root)}, nil))); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if v := b.a.identity().trust.Version; v != c.left {
				t.Errorf("at version %d, want %d", v, c.left)
			}
			if _, _, err := loadIdentity(b.a.at); err != nil {
				t.Errorf("it does not begin again: %v", err)
			}
			if strings.Contains(c.want, "command accepted") {
				kept, err := b.a.openCase()
				b.no(err)
				if _, err := kept.profile(b.a.identity()); err != nil || kept.trust.Version != c.root {
					t.Errorf("the case stands on version %d, profile: %v", kept.trust.Version, err)
				}
			}
		})
	}
}

// An older version with other bytes is refused, and not written down beside the
// true one: with it on disk the terminal could not begin again.
func TestOtherBytesOfAnOlderVersionAreNotKept(t *testing.T) {
	b := newBound(t)
	forged := b.bundle(1, b.order.Profile.Digest)
	forged.Expires++
	steps := append([]*envelope.Envelope{b.seal(trust.Kind, forged, "root-1", "root-2", "root-3")}, b.steps(3, nil)...)
	if got := outcomes(b.a.take(file(t, steps, nil, nil))); got != "trust E16:fork" {
		t.Fatalf("the file: %s", got)
	}
	again, _, err := loadIdentity(b.a.at)
	if err != nil || again.trust.Version != 1 {
		t.Fatalf("after a start: %v", err)
	}
	if got := outcomes(b.a.take(file(t, steps[1:], nil, nil))); got != "trust accepted" {
		t.Fatalf("the true ones: %s", got)
	}
	if again, _, err = loadIdentity(b.a.at); err != nil || again.trust.Version != 3 {
		t.Fatalf("after a start: %v", err)
	}
}

// Wherever the power is cut while steps are taken over, what is on disk is a whole
// version, with the profiles it names, and the same file leads on from there.
func TestAPowerCutBetweenStepsLeavesWholeSteps(t *testing.T) {
	b := newBound(t)
	next := b.newProfile()
	steps := b.steps(5, func(v *trust.Bundle) { v.Profiles["rebind-standard"] = next.Digest() })
	text := file(t, steps, []*envelope.Envelope{b.challenged(1)}, []*envelope.Envelope{next})
	cut := map[string]string{} // moment: where a copy of the state is
	b.every = func(moment string) {
		if !strings.HasPrefix(moment, "trust:") {
			return
		}
		to := filepath.Join(t.TempDir(), "state")
		b.no(os.CopyFS(to, os.DirFS(b.a.at.trust())))
		cut[fmt.Sprintf("%02d %s", len(cut), moment)] = to
	}
	if got := outcomes(b.a.take(text)); got != "trust accepted, command accepted" {
		t.Fatalf("the file: %s", got)
	}
	b.every = nil
	if len(cut) != 4 { // the early move, then profiles, bundles and the end of the late one
		t.Fatalf("cut at %v", cut)
	}
	whole, err := os.ReadFile(b.a.at.bundles())
	b.no(err)
	for moment, dir := range cut {
		for n, torn := range []int{0, 1, len(whole) / 2, len(whole)} {
			// The file beside its place may hold any part of the new bytes.
			b.no(os.WriteFile(filepath.Join(dir, "bundles.json.new"), whole[:torn], 0o600))
			id, ok, err := loadFrom(t, dir)
			if err != nil || !ok || (id.trust.Version != 1 && id.trust.Version != 5) {
				t.Fatalf("cut at %s, torn %d: %v", moment, n, err)
			}
			if p := id.profiles["rebind-standard"]; p == nil || p.Digest() != id.trust.Profiles["rebind-standard"] {
				t.Errorf("cut at %s: version %d without its profile", moment, id.trust.Version)
			}
			if _, _, err := id.trust.CatchUp(steps); err != nil {
				t.Errorf("cut at %s: the same file again: %v", moment, err)
			}
		}
	}
}

// loadFrom reads an identity from a copy of trust/.
func loadFrom(t *testing.T, dir string) (*identity, bool, error) {
	t.Helper()
	root := t.TempDir()
	if err := os.CopyFS(filepath.Join(root, filepath.Base(places{root}.trust())), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return loadIdentity(places{root})
}

// newProfile is another form of the terminal's profile.
func (b *bound) newProfile() *envelope.Envelope {
	b.t.Helper()
	p, err := b.a.identity().profile(b.order.Profile.ID, b.order.Profile.Digest)
	b.no(err)
	p.Reasons = append(slices.Clone(p.Reasons), "device-swap")
	return b.seal(profile.Kind, p, "ops-1", "sec-1")
}

// A profile that was published after the enrolment comes with the bundle that names
// it; one that no bundle names is passed over.
func TestANewProfileComesWithItsBundle(t *testing.T) {
	b := newBound(t)
	next := b.newProfile()
	b.order.Profile.Digest, b.order.Reason = next.Digest(), "device-swap"
	steps := b.steps(2, nil)
	if got := outcomes(b.a.take(file(t, nil, nil, []*envelope.Envelope{next}))); got != "trust known" || len(b.a.identity().stored) != 1 {
		t.Fatalf("a profile that is not named: %s", got)
	}
	if got := outcomes(b.a.take(file(t, steps, []*envelope.Envelope{b.challenged(2)}, []*envelope.Envelope{next}))); got != "trust accepted, command accepted" {
		t.Fatalf("the file: %s", got)
	}
	again, _, err := loadIdentity(b.a.at)
	if err != nil || len(again.stored) != 2 || again.profiles["rebind-standard"].Digest() != next.Digest() {
		t.Fatalf("after a start: %v", err)
	}
}

// A recipient that was replaced while a case runs gets nothing new; where the whole
// set is gone, the backup is sealed as it was ordered.
func TestABackupIsSealedForTheRecipientsOfNow(t *testing.T) {
	b := newBound(t)
	b.accept()
	c, err := b.a.openCase()
	b.no(err)
	before := c.recipients(b.a.identity())
	steps := b.steps(2, nil) // with a recipient of its own in the same set
	b.a.take(file(t, steps, nil, nil))
	now := c.recipients(b.a.identity())
	if len(now) != 1 || now[0] == before[0] {
		t.Fatalf("sealed for %v, as before the rotation", now)
	}
	gone := b.bundle(3, b.order.Profile.Digest)
	gone.Recipients = map[envelope.ID][]trust.Recipient{"rcp-2": gone.Recipients["rcp-1"]}
	b.a.take(file(t, []*envelope.Envelope{b.seal(trust.Kind, gone, "root-1", "root-2", "root-3")}, nil, nil))
	if got := c.recipients(b.a.identity()); !slices.Equal(got, before) || b.a.identity().trust.Version != 3 {
		t.Errorf("with the set gone it is sealed for %v", got)
	}
}
