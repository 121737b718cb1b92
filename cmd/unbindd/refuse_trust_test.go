package main

import (
	"crypto/ed25519"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/local"
	"unbindd/agent/trust"
)

// bundleNow reads the desk's first trust bundle.
func (w *world) bundleNow() trust.Bundle {
	w.t.Helper()
	text, err := os.ReadFile(w.path("desk", "trust.json"))
	if err != nil {
		w.t.Fatal(err)
	}
	var all []json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		w.t.Fatal(err)
	}
	var b trust.Bundle
	payload(w.t, w.keep("trust-1.json", all[0]), &b)
	return b
}

var roots = []string{"root-1", "root-2", "root-3"}

// nextBundle is the following version, with a second key of holder ops-1 that
// stands for role security.
func (w *world) nextBundle(second ed25519.PublicKey) trust.Bundle {
	w.t.Helper()
	b := w.bundleNow()
	b.Version++
	key := envelope.PublicKey{Alg: envelope.Ed25519, Pub: second}
	b.Keys[key.ID()] = trust.Key{Alg: key.Alg, Holder: "ops-1", Pub: key.Pub, Role: trust.Security}
	return b
}

// file is what a courier carries: trust steps, then orders.
func (w *world) file(steps, orders [][]byte) []byte {
	w.t.Helper()
	f := struct {
		Orders []json.RawMessage `json:"orders"`
		Trust  []json.RawMessage `json:"trust"`
	}{Orders: []json.RawMessage{}, Trust: []json.RawMessage{}}
	for _, o := range orders {
		f.Orders = append(f.Orders, o)
	}
	for _, s := range steps {
		f.Trust = append(f.Trust, s)
	}
	text, err := json.Marshal(f)
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

// Two keys of one person are one person, also when the trust bundle gives them
// two roles.
func TestTwoKeysOfOneHolderChangeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{sales: 20, open: true})
	w.startDaemon()
	w.traded(20)
	w.until("a trusted clock", trusted)
	public, second, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	next := w.sealed(trust.Kind, w.nextBundle(public), roots...)
	w.accepts(w.file([][]byte{next}, nil)) // before the desk offers it
	w.publish(w.keep("trust-2.json", next))
	before := w.until("trust version 2", func(s local.Status) bool { return s.Trust == 2 })
	right := w.draft()
	both, err := envelope.Parse(w.sealed(command.Kind, right, "ops-1"), envelope.MaxCommand)
	if err == nil {
		err = both.Add(envelope.NewSigner(second))
	}
	if err != nil {
		t.Fatal(err)
	}
	w.refuses(both.Encode(), "E05:same-holder")
	w.toolRefuses(w.keep("one-person.json", both.Encode()), "E05:same-holder")
	w.untouched(before)
	w.completes(21)
}

// Trust moves one version at a time, forwards, with the signatures of both; a
// file whose trust does not hold is refused whole, with the orders in it.
func TestATrustStepThatDoesNotHoldChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{sales: 20, open: true})
	w.startDaemon()
	w.traded(20)
	before := w.until("a trusted clock", trusted)
	first := w.bundleNow()
	step := func(version int64, change func(*trust.Bundle), holders ...string) []byte {
		b := first
		b.Version = version
		if change != nil {
			change(&b)
		}
		return w.sealed(trust.Kind, b, holders...)
	}
	right := w.order(w.draft())
	two := step(2, nil, roots...)
	for _, c := range []struct {
		code  string
		steps [][]byte
	}{
		{"E16:gap", [][]byte{step(3, nil, roots...)}},
		{"E16:gap", [][]byte{two, step(4, nil, roots...)}},
		{"E16:fork", [][]byte{step(1, func(b *trust.Bundle) { b.Expires++ }, roots...)}},
		{"E16:thresholds", [][]byte{step(2, nil, "root-1", "root-2")}},
		{"E16:thresholds", [][]byte{step(2, nil, "root-1", "root-2", "ops-1")}},
		{"E16:content", [][]byte{step(2, func(b *trust.Bundle) { b.V = 2 }, roots...)}},
		{"E16:not-canonical", [][]byte{w.signed(envelope.Type(trust.Kind), []byte(`{"v": 1}`), roots...)}},
		{"E16:type", [][]byte{right}},
	} {
		for _, o := range w.items(w.file(c.steps, [][]byte{right})) {
			if o.Outcome != "refused" || o.Error.Code != c.code {
				t.Errorf("%s %s %s, want %s", o.Kind, o.Outcome, told(o), c.code)
			}
		}
	}
	w.toolRefuses(w.keep("gap.json", w.file([][]byte{step(3, nil, roots...)}, nil)), "E16:gap")
	w.untouched(before)
	// Version 2 is good by itself; then another one is a fork, and the first no way at all.
	w.accepts(two)
	other := step(2, func(b *trust.Bundle) { b.Expires++ }, roots...)
	w.refuses(other, "E16:fork")
	w.items(w.file([][]byte{step(1, nil, roots...)}, nil))
	w.until("trust version 2", func(s local.Status) bool { return s.Trust == 2 })
	w.refuses(right, "E08") // made for version 1
	w.publish(w.keep("trust-2.json", two))
	w.draft()
	w.completes(21)
}

// A step that is believed may take a key away: what it signed is dead at once.
func TestARevokedKeyChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{sales: 20, open: true})
	w.startDaemon()
	w.traded(20)
	w.until("a trusted clock", trusted)
	b := w.bundleNow()
	b.Version++
	b.Revoked = []envelope.KeyID{envelope.NewSigner(w.key("ops-2")).Public().ID()}
	next := w.sealed(trust.Kind, b, roots...)
	w.accepts(next) // before the desk offers it
	w.publish(w.keep("trust-2.json", next))
	before := w.until("trust version 2", func(s local.Status) bool { return s.Trust == 2 })
	w.refuses(w.sealed(command.Kind, w.draft(), "ops-2", "sec-1"), "E05:revoked-key")
	w.untouched(before)
	w.completes(21)
}

// items hands text in and returns what became of everything in it.
func (w *world) items(text []byte) []local.Object {
	w.t.Helper()
	l, err := w.client().Load(w.t.Context(), text)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(l.Items) == 0 || strings.TrimSpace(l.Items[0].Outcome) == "" {
		w.t.Fatal("the daemon says of nothing what became of it")
	}
	return l.Items
}
