package ledger

import "testing"

// FuzzReadEvent: an event becomes a record that is the reader's own and of its
// number, or a refusal with a code; never both, never neither.
func FuzzReadEvent(f *testing.F) {
	f.Fuzz(func(t *testing.T, seq uint64, lost bool, body []byte) {
		rec, refused := readEvent("PX7-1", Event{Seq: seq, Lost: lost, Body: body})
		if refused != nil {
			if !isID(refused.Code) {
				t.Fatalf("refused with %q", refused.Code)
			}
			return
		}
		if lost || rec.Evseq != seq || rec.Reader != "PX7-1" || rec.Seq != 0 || rec.IsRefused() {
			t.Fatalf("%q was taken as %+v", body, rec)
		}
		if got := string(rec.AppendCanonical(nil)); got != string(body) {
			t.Fatalf("%q is kept as %q", body, got)
		}
	})
}
