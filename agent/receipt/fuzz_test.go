package receipt

import (
	"testing"

	"unbindd/agent/envelope"
)

// FuzzSigned: with a signature that is right, nothing is accepted but the good
// receipt, filed and received at whatever place and time.
func FuzzSigned(f *testing.F) {
	tr := believed(f)
	r, want := good()
	payload, err := envelope.Canonical(r)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payload)
	f.Fuzz(func(t *testing.T, payload []byte) {
		e := &envelope.Envelope{PayloadType: envelope.Type(Kind), Payload: payload}
		if err := e.Add(key("receipt-1")); err != nil {
			t.Fatal(err)
		}
		got, err := Check(e, tr, want)
		if err != nil {
			if envelope.CodeOf(err) == "" {
				t.Fatalf("refused without a code: %v", err)
			}
			return
		}
		same := r
		same.Index, same.Received = got.Index, got.Received
		again, err := envelope.Canonical(same)
		if err != nil || string(again) != string(payload) {
			t.Fatalf("%q was accepted", payload)
		}
	})
}
