package card

import (
	"bytes"
	"testing"
)

// FuzzTPDU: every answer ends in a status and is no longer than was asked for,
// by T=0 and whole. tpdus are commands of a length that their first byte says.
func FuzzTPDU(f *testing.F) {
	f.Fuzz(func(t *testing.T, tpdus []byte) {
		byT0, whole := New(Options{}), New(Options{Protocol: T1})
		for len(tpdus) > 0 {
			n := min(int(tpdus[0]), len(tpdus)-1)
			tpdu := tpdus[1 : 1+n]
			tpdus = tpdus[1+n:]
			if got := byT0.T0(tpdu); len(got) < 2 || len(got) > 256+2 {
				t.Fatalf("%x is answered by %x", tpdu, got)
			}
			r, ok := readRequest(tpdu)
			if got := whole.APDU(tpdu); len(got) < 2 || len(got) > r.ne+2 {
				t.Fatalf("%x is answered by %x", tpdu, got)
			}
			if ok && (len(r.data) > 255 || r.ne > 256 || !bytes.Contains(tpdu, r.data)) {
				t.Fatalf("%x is read as %+v", tpdu, r)
			}
		}
	})
}

// FuzzPlace: a place that is read as full is one that was written.
func FuzzPlace(f *testing.F) {
	f.Fuzz(func(t *testing.T, harmed []byte) {
		b := make([]byte, placeSize)
		copy(b, harmed)
		kept, sound := readPlace(b)
		if kept.full && (!sound || !bytes.Equal(placeOf(kept.id, kept.key)[keyAt:keyAt+len(kept.key.bytes())], kept.key.bytes())) {
			t.Fatalf("%x is read as full", b)
		}
		if !kept.full && sound && !bytes.Equal(b, make([]byte, placeSize)) {
			t.Fatalf("%x is read as empty", b)
		}
	})
}
