package device

import (
	"bytes"
	"testing"
)

// FuzzMposBody: fields give their bytes back, and no more of them than there are.
func FuzzMposBody(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		readEverything(data)
		b := &mposBody{rest: data}
		var again []byte
		for len(b.rest) > 0 && b.err == nil {
			if field := b.ll(); b.err == nil {
				again = appendLL(again, field)
			}
		}
		if !bytes.HasPrefix(data, again) || b.err == nil && len(again) != len(data) {
			t.Fatalf("%x is read as %x", data, again)
		}
		id, err := parseMposInfo("PED-0001", &mposBody{rest: data})
		if err == nil && (!isID([]byte(id.Model)) || !isID([]byte(id.Firmware)) || !isID([]byte(id.Hardware))) {
			t.Fatalf("identity %+v", id)
		}
		s, err := parseMposSlot(&mposBody{rest: data}, Slot{State: SlotEmpty})
		if err == nil && s.State == SlotLoaded && (s.Alg == "" || len(s.KCV) != 8) {
			t.Fatalf("slot %+v", s)
		}
	})
}
