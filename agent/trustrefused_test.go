package agent

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// Trust that a link brings and that is not taken over has a line in the log, once, and
// stands in the status with the step that does not hold, until one is taken over.
func TestTrustThatIsNotTakenOverIsTold(t *testing.T) {
	b := newBound(t)
	clock := time.Unix(1_800_000_000, 0)
	b.a.Now = func() time.Time { return clock }
	steps := b.steps(70, nil)
	forged := b.bundle(1, b.order.Profile.Digest)
	forged.Expires++
	fork := b.seal(trust.Kind, forged, "root-1", "root-2", "root-3")
	alone := b.seal(trust.Kind, b.bundle(2, b.order.Profile.Digest), "root-1")
	revoked := b.bundle(68, b.order.Profile.Digest)
	revoked.Revoked = []envelope.KeyID{wireKey("root-1").Public().ID()}
	late := append(steps[:66:66], b.seal(trust.Kind, revoked, "root-1", "root-2", "root-3"))
	for _, c := range []struct {
		steps []*envelope.Envelope
		step  int
		code  string
		lines int // in the log, all together
	}{
		{[]*envelope.Envelope{fork, steps[0]}, 1, "E16:fork", 1},
		{steps[1:3], 1, "E16:gap", 2},
		{[]*envelope.Envelope{alone}, 1, "E16:thresholds", 3},
		{late, 67, "E16:revoked-key", 4},
		{[]*envelope.Envelope{steps[0], fork}, 2, "E16:fork", 4}, // told as the first of its file
	} {
		text := file(t, c.steps, nil, nil)
		for range 2 {
			clock = clock.Add(time.Minute)
			if got := outcomes(b.a.pulled(text)); got != "trust "+c.code {
				t.Fatalf("%s, want %s", got, c.code)
			}
			s, err := b.a.status()
			b.no(err)
			u := s.Untrusted
			if u == nil || u.Step != c.step || u.Digest != string(c.steps[c.step-1].Digest()) || u.At != clock.UnixMilli() || u.Why.Code != c.code || u.Why.Next == "" {
				t.Errorf("%s: the status says %+v", c.code, u)
			}
		}
		if said := b.log.String(); strings.Count(said, "trust is not taken over") != c.lines {
			t.Errorf("%s: %d lines are wanted, the log says\n%s", c.code, c.lines, said)
		}
	}
	for _, line := range []string{`"code":"E16:fork","step":1,`, `"code":"E16:gap","step":1,`, `"code":"E16:revoked-key","step":67,`} {
		if !strings.Contains(b.log.String(), line) {
			t.Errorf("no line of the log has %s", line)
		}
	}
	if got := outcomes(b.a.pulled(file(t, steps[:1], nil, nil))); got != "trust accepted" {
		t.Fatal(got)
	}
	if s, err := b.a.status(); err != nil || s.Untrusted != nil {
		t.Errorf("after a step was taken over: %+v, %v", s.Untrusted, err)
	}
}

// A step that is no envelope is named by its place, too.
func TestAStepThatCannotBeReadIsTold(t *testing.T) {
	b := newBound(t)
	text, err := json.Marshal(bundle{Trust: []json.RawMessage{b.steps(2, nil)[0].Encode(), []byte(`{}`)}, Orders: []json.RawMessage{}, Profiles: []json.RawMessage{}})
	b.no(err)
	b.a.pulled(text)
	if s, err := b.a.status(); err != nil || s.Untrusted == nil || s.Untrusted.Step != 2 || s.Untrusted.Why.Code != "E02:shape" {
		t.Errorf("the status says %+v, %v", s.Untrusted, err)
	}
}
