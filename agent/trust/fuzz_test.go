package trust

import (
	"testing"

	"unbindd/agent/envelope"
)

// FuzzSigned: with the signatures of all roots, a bundle is taken only as the
// next version, whole and with rules that somebody can keep.
func FuzzSigned(f *testing.F) {
	tr := first(f)
	f.Add(sealed(f, Kind, bundle(2, everyone()...), roots...).Payload)
	f.Fuzz(func(t *testing.T, payload []byte) {
		e := &envelope.Envelope{PayloadType: envelope.Type(Kind), Payload: payload}
		for _, who := range roots {
			if err := e.Add(who.sign); err != nil {
				t.Fatal(err)
			}
		}
		next, err := tr.Next(e)
		if err != nil {
			if envelope.CodeOf(err) == "" {
				t.Fatalf("refused without a code: %v", err)
			}
			return
		}
		again, err := envelope.Canonical(next.Bundle)
		if err != nil || string(again) != string(payload) || next.Version != 2 && next.Version != 1 {
			t.Fatalf("%q was taken as version %d (%v)", payload, next.Version, err)
		}
	})
}
