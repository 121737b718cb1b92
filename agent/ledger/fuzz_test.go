package ledger

import (
	"os"
	"slices"
	"testing"
)

// harmed is a closed ledger of forty records in one segment, a few bytes of which
// a fuzzer changes.
type harmed struct {
	dir      string
	want     []string // what it exports as it was written
	pristine []byte
}

func newHarmed(f *testing.F) *harmed {
	f.Helper()
	l, dir := newLedger(f, small)
	for n := uint64(1); n <= 40; n++ {
		mustAppend(f, l, "PX7-1", sale("PX7-1", n))
	}
	x := &harmed{dir: dir}
	x.want, _, _ = export(f, l, 1)
	if err := l.Close(); err != nil {
		f.Fatal(err)
	}
	var err error
	if x.pristine, err = os.ReadFile(segmentPath(dir, 1)); err != nil {
		f.Fatal(err)
	}
	return x
}

// change writes the file anew with four bytes changed from place at on.
func (x *harmed) change(t *testing.T, at, change uint32) {
	t.Helper()
	file := slices.Clone(x.pristine)
	for i := range uint32(4) {
		file[(at+i)%uint32(len(file))] ^= byte(change >> (8 * i))
	}
	if err := os.WriteFile(segmentPath(x.dir, 1), file, 0o600); err != nil {
		t.Fatal(err)
	}
}

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
