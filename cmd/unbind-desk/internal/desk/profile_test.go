package desk

import (
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/profile"
	"unbindd/agent/trust"
)

// Whether the bundle in force names a stored profile is found out once, whatever was
// asked before of another bundle.
func TestAProfileIsOpenedOnceABundle(t *testing.T) {
	body, digest := sealedProfile(t)
	for name, of := range map[string]envelope.Digest{"named": digest, "not named": envelope.DigestOf(nil)} {
		b := &belief{trust: &trust.Trust{Bundle: trust.Bundle{Profiles: map[envelope.ID]envelope.Digest{"P": of}}}}
		first, err := b.names(body)
		if err != nil || first != "" { // nobody has signed it
			t.Errorf("%s: %q, %v", name, first, err)
		}
		b.trust = nil // whoever looked at it again would end here
		if again, err := b.names(body); err != nil || again != first {
			t.Errorf("%s, again: %q, %v", name, again, err)
		}
	}
}

func sealedProfile(t *testing.T) ([]byte, envelope.Digest) {
	t.Helper()
	e, err := envelope.Seal(envelope.Type(profile.Kind), map[string]any{"id": "P"})
	if err != nil {
		t.Fatal(err)
	}
	return e.Encode(), e.Digest()
}
