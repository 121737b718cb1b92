package trust

import (
	"fmt"
	"slices"
	"testing"

	"unbindd/agent/envelope"
)

// moved makes versions 2 to n, each with the roots' signatures, changed by a test.
func moved(t testing.TB, n int64, change func(*Bundle)) (steps []*envelope.Envelope) {
	t.Helper()
	for version := int64(2); version <= n; version++ {
		b := bundle(version, everyone()...)
		if change != nil {
			change(&b)
		}
		steps = append(steps, sealed(t, Kind, b, roots...))
	}
	return steps
}

// Every way in which a step can be wrong, with the name of its refusal. The
// terminal is at version 3, and version 2 revoked ops-2 and root-4.
func TestEveryWrongStepIsRefusedByName(t *testing.T) {
	root4 := someone("root-4", Root)
	lost := func(b *Bundle) {
		for id, k := range keysOf(root4) {
			b.Keys[id] = k
		}
		if b.Version == 2 {
			b.Revoked = []envelope.KeyID{ops2.id(), root4.id()}
		}
	}
	steps := moved(t, 3, lost)
	at, _, err := first(t).CatchUp(steps)
	if err != nil || at.Version != 3 {
		t.Fatalf("at the start: %v", err)
	}
	step := func(version int64, change func(*Bundle), by ...person) *envelope.Envelope {
		b := bundle(version, append(everyone(), root4)...)
		if change != nil {
			change(&b)
		}
		return sealed(t, Kind, b, by...)
	}
	twice := person{roots[0].holder, Root, someone("another key", Root).sign}
	both := func(b *Bundle) {
		for id, k := range keysOf(twice) {
			b.Keys[id] = k
		}
	}
	newRoots := []person{someone("root-5", Root), someone("root-6", Root), someone("root-7", Root)}
	others := func(b *Bundle) { b.Keys = keysOf(append([]person{ops, sec, rel}, newRoots...)...) }
	back := func(b *Bundle) { b.Keys = keysOf(ops, sec, rel, root4, newRoots[0], newRoots[1]) }
	bent := step(4, nil, roots...)
	bent.Signatures[2].Sig[9] ^= 1
	for _, c := range []struct {
		name  string
		steps []*envelope.Envelope
		want  string
		at    int64
	}{
		{"the next one", []*envelope.Envelope{step(4, nil, roots...)}, "", 4},
		{"known ones before it", append(slices.Clone(steps), step(4, nil, roots...)), "", 4},
		{"nothing new", steps, "", 3},
		{"nothing", nil, "", 3},
		{"all roots exchanged, signed by all", []*envelope.Envelope{step(4, others, append(slices.Clone(roots), newRoots...)...)}, "", 4},
		{"a version is missing", []*envelope.Envelope{step(5, nil, roots...)}, "E16:gap", 3},
		{"a version is missing later", []*envelope.Envelope{step(4, nil, roots...), step(6, nil, roots...)}, "E16:gap", 3},
		{"other bytes of the version in force", []*envelope.Envelope{step(3, func(b *Bundle) { b.Expires++ }, roots...)}, "E16:fork", 3},
		{"other bytes of an older version", []*envelope.Envelope{step(2, func(b *Bundle) { b.Expires++ }, roots...)}, "E16:fork", 3},
		{"other bytes of an older version before a good one", []*envelope.Envelope{step(2, nil, roots...), step(4, nil, roots...)}, "E16:fork", 3},
		{"two bundles of one new version", []*envelope.Envelope{step(4, nil, roots...), step(4, func(b *Bundle) { b.Issued++ }, roots...)}, "E16:fork", 3},
		{"the roots of the version before alone", []*envelope.Envelope{step(4, others, roots...)}, "E16:thresholds", 3},
		{"the roots of the new version alone", []*envelope.Envelope{step(4, others, newRoots...)}, "E16:thresholds", 3},
		{"two of three roots", []*envelope.Envelope{step(4, nil, roots[:2]...)}, "E16:thresholds", 3},
		{"a third signature of another role", []*envelope.Envelope{step(4, nil, roots[0], roots[1], ops)}, "E16:thresholds", 3},
		{"nobody", []*envelope.Envelope{step(4, nil)}, "E16:thresholds", 3},
		{"one person with two keys", []*envelope.Envelope{step(4, both, roots[0], roots[1], twice)}, "E16:thresholds", 3}, // the older rule does not know the second
		{"a revoked key is the third", []*envelope.Envelope{step(4, nil, roots[0], roots[1], root4)}, "E16:revoked-key", 3},
		{"a revoked key stands for the new version's rule", []*envelope.Envelope{step(4, back, append(slices.Clone(roots), root4, newRoots[0], newRoots[1])...)}, "E16:revoked-key", 3},
		{"a signature that does not fit", []*envelope.Envelope{bent}, "E16:bad-signature", 3},
		{"a command", []*envelope.Envelope{sealed(t, "command", order{1}, roots...)}, "E16:type", 3},
		{"a rule left out", []*envelope.Envelope{step(4, func(b *Bundle) { delete(b.Rules, "cancel") }, roots...)}, "E16:content", 3},
		{"another form", []*envelope.Envelope{step(4, func(b *Bundle) { b.V = 2 }, roots...)}, "E16:content", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, taken, err := at.CatchUp(c.steps)
			if envelope.CodeOf(err) != c.want {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if err == nil && (got.Version != c.at || len(taken) != int(c.at-3)) {
				t.Errorf("at version %d with %d steps taken, want %d", got.Version, len(taken), c.at)
			}
			if at.Version != 3 {
				t.Error("a catch-up changed what it began with")
			}
		})
	}
	// Where the version in force knows both keys of one person, it says so by name.
	known, _, err := at.CatchUp([]*envelope.Envelope{step(4, both, roots...)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := known.Next(step(5, both, roots[0], roots[1], twice)); envelope.CodeOf(err) != "E16:same-holder" {
		t.Errorf("one person with two keys: %v", err)
	}
	// What carries no past, because it was journalled, still knows what is older.
	bare, err := Journalled(steps[1], nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bare.Next(steps[0]); envelope.CodeOf(err) != "E16:rollback" {
		t.Errorf("back from a journalled bundle: %v", err)
	}
}

// At most 64 versions are taken at once, however many are known before them; what
// is more comes in a second load.
func TestSeventyVersionsComeInTwoLoads(t *testing.T) {
	steps := moved(t, 70, nil)
	at := first(t)
	if _, _, err := at.CatchUp(steps); envelope.CodeOf(err) != "E16:steps" {
		t.Fatalf("69 versions at once: %v", err)
	}
	at, taken, err := at.CatchUp(steps[:MaxSteps])
	if err != nil || at.Version != 65 || len(taken) != MaxSteps {
		t.Fatalf("the first 64: %v", err)
	}
	at, taken, err = at.CatchUp(steps) // the same file again, now that it fits
	if err != nil || at.Version != 70 || len(taken) != 5 {
		t.Fatalf("the rest: %v", err)
	}
	if _, err := at.Verify(sealed(t, "command", order{1}, ops, sec), "command"); err != nil {
		t.Errorf("a command under version 70: %v", err)
	}
}

// A bundle that expired on the way is a step like another; what the last one says
// of its end is for the caller.
func TestExpiryOfStepsIsNotAsked(t *testing.T) {
	steps := moved(t, 5, func(b *Bundle) { b.Expires = 1_700_000_000 + b.Version })
	at, _, err := first(t).CatchUp(steps)
	if err != nil || at.Expires != 1_700_000_005 {
		t.Fatalf("%v, expires %d", err, at.Expires)
	}
}

// A revocation is for ever, whatever later versions leave out.
func TestRevocationsAreKept(t *testing.T) {
	steps := moved(t, 6, func(b *Bundle) {
		if b.Version == 3 {
			b.Revoked = []envelope.KeyID{sec.id()}
		}
	})
	all, err := Versions(sealed(t, Kind, bundle(1, everyone()...), roots...).Digest(), append([]*envelope.Envelope{sealed(t, Kind, bundle(1, everyone()...), roots...)}, steps...))
	if err != nil || len(all) != 6 {
		t.Fatal(err)
	}
	for i, at := range all {
		t.Run(fmt.Sprint("version ", at.Version), func(t *testing.T) {
			_, err := at.Verify(sealed(t, "command", order{1}, ops, sec), "command")
			if want := map[bool]string{true: "", false: "E05:revoked-key"}[i < 2]; envelope.CodeOf(err) != want {
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
}

// A rule can be met only where every place finds a person of its own.
func TestUnreachableRules(t *testing.T) {
	dual := Rule{Need: map[Role]int{Operations: 1, Security: 1}, Total: 2}
	for name, c := range map[string]struct {
		people  []person
		revoked []person
		rule    Rule
		want    int // roles that are missing
	}{
		"two people":                       {[]person{ops, sec}, nil, dual, 0},
		"one person with both roles":       {[]person{ops, both}, nil, dual, 1},
		"and a second one beside":          {[]person{ops, both, ops2}, nil, dual, 0},
		"the second one is revoked":        {[]person{ops, both, ops2}, []person{ops2}, dual, 1},
		"nobody of a role":                 {[]person{ops, ops2}, nil, dual, 1},
		"three roots":                      {roots, nil, Rule{Need: map[Role]int{Root: 3}, Total: 3}, 0},
		"three roots where four must sign": {roots, nil, Rule{Need: map[Role]int{Root: 4}, Total: 4}, 1},
		"one root with three keys":         {[]person{roots[0], {roots[0].holder, Root, ops.sign}, {roots[0].holder, Root, sec.sign}}, nil, Rule{Need: map[Role]int{Root: 3}, Total: 3}, 2},
		"a total that nobody reaches":      {[]person{ops, sec}, nil, Rule{Need: map[Role]int{Operations: 1, Security: 1}, Total: 3}, 2},
	} {
		b := bundle(1, append([]person{}, c.people...)...)
		e, err := envelope.Seal(envelope.Type(Kind), b)
		if err != nil {
			t.Fatal(err)
		}
		tr, err := read(e)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range c.revoked {
			tr = tr.WithRevoked([]envelope.KeyID{p.id()})
		}
		if got := tr.Unreachable(c.rule); len(got) != c.want {
			t.Errorf("%s: missing %v, want %d", name, got, c.want)
		}
	}
}
