package device

import (
	"bytes"
	"testing"
)

// FuzzAnswers: whatever fields an answer has, what is read from it keeps its promises, or nothing is read.
func FuzzAnswers(f *testing.F) {
	for name, raw := range golden(f) {
		d := decoder{}
		d.feed(raw)
		if x, v := d.next(); v == whole && len(x.payload) > 4+macLen {
			f.Add(x.payload[4 : len(x.payload)-macLen])
			if name == "frame-info-answer" {
				f.Add(x.payload[4:])
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		fields := parseFields(b)
		if fields.err != nil {
			return
		}
		if s, err := parseSocket(b); err == nil && (s.Powered != (len(s.ATR) >= 2) || len(s.ATR) > longestATR) {
			t.Errorf("socket %+v", s)
		}
		if id, err := parseIdentity(parseFields(b)); err == nil && (!isID([]byte(id.Serial)) || len(id.RecordKey) != 32) {
			t.Errorf("identity %+v", id)
		}
		offers := parseFields(b)
		if can := offered(offers); offers.err == nil && len(can) > len(pedlinkOffers) {
			t.Errorf("capabilities %v", can)
		}
		slots, err := parseSlots(parseFields(b), 0)
		for i := 1; err == nil && i < len(slots); i++ {
			if slots[i-1].ID >= slots[i].ID {
				t.Errorf("slots %+v", slots)
			}
		}
	})
}

// FuzzSession: nothing is authentic but what the reader said, once and as the next.
func FuzzSession(f *testing.F) {
	g := golden(f)
	f.Fuzz(func(t *testing.T, typ, seq byte, payload, sealed []byte) {
		s, err := newSession(goldenSecret(t, g["session-link-key"]), g["session-host-nonce"], g["session-reader-nonce"])
		if err != nil {
			t.Fatal(err)
		}
		mac := s.reader.sum(macInput(fromReader, 0, typ, seq, payload))
		good := append(bytes.Clone(payload), mac[:macLen]...)
		if _, err := s.open(typ, seq, sealed); (err == nil) != bytes.Equal(sealed, good) {
			t.Fatalf("%x: %v", sealed, err)
		}
		if s.received == 0 {
			if got, err := s.open(typ, seq, good); err != nil || !bytes.Equal(got, payload) {
				t.Fatalf("what the reader said is refused: %v", err)
			}
		}
		if _, err := s.open(typ, seq, good); err == nil {
			t.Fatal("the same again is authentic again")
		}
	})
}
