package trust

import (
	"testing"

	"unbindd/agent/envelope"
)

// One key is one person: it stands in a bundle under its own id alone, so that nobody
// signs with it under two names, and however often it has signed it counts once.
func TestOneKeyIsOnePerson(t *testing.T) {
	b := bundle(1, everyone()...)
	b.Keys["ed25519:0000000000000000"] = Key{Alg: envelope.Ed25519, Holder: "sec-9", Pub: ops.sign.Public().Pub, Role: Security}
	e := sealed(t, Kind, b, roots...)
	if _, err := Anchor(e, e.Digest()); envelope.CodeOf(err) != "E16:content" {
		t.Errorf("a key under a second id and name: %v", err)
	}
	tr := first(t)
	order := sealed(t, "command", map[string]int{"v": 1}, ops)
	order.Signatures = append(order.Signatures, order.Signatures[0])
	if _, err := tr.Verify(order, "command"); envelope.CodeOf(err) != "E05:missing-role" {
		t.Errorf("one key, twice: %v", err)
	}
	double := order.Signatures[1]
	double.KeyID = sec.id()
	order.Signatures[1] = double
	if _, err := tr.Verify(order, "command"); envelope.CodeOf(err) != "E05:bad-signature" {
		t.Errorf("one key, the second time under another's id: %v", err)
	}
}
