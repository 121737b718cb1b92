package enrol

import (
	"testing"

	"unbindd/agent/envelope"
)

// FuzzOpenRequest: nothing is opened but what the key inside it has signed.
func FuzzOpenRequest(f *testing.F) {
	f.Fuzz(func(t *testing.T, payload []byte) {
		e := &envelope.Envelope{PayloadType: envelope.Type("enrol-request"), Payload: payload}
		if _, err := OpenRequest(e); err == nil {
			t.Fatal("opened without a signature")
		}
		if err := e.Add(key("device")); err != nil {
			t.Fatal(err)
		}
		r, err := OpenRequest(e)
		if err == nil && (r.V != 1 || r.Device.ID() != key("device").Public().ID()) {
			t.Fatalf("opened %+v", r)
		}
	})
}
