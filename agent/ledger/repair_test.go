package ledger

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// threeSegments is a closed ledger of three segments, and what it exports.
func threeSegments(t testing.TB) (dir string, want []string) {
	t.Helper()
	l, dir := newLedger(t, small)
	fill(t, l, dir, 3)
	mustAppend(t, l, "PX7-1", sales("PX7-1", l.Last("PX7-1")+1, l.Last("PX7-1")+90)...)
	want, _, _ = export(t, l, 1)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, want
}

func smallOptions() Options {
	o := testOptions()
	small(&o)
	return o
}

func harm(t testing.TB, path string, change func(file []byte) []byte) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(file), 0o600); err != nil {
		t.Fatal(err)
	}
}

func eachPage(kind uint16, change func(page []byte)) func([]byte) []byte {
	return func(file []byte) []byte {
		if pagesOf(file, kind, change) == 0 {
			panic("there is no such page")
		}
		return file
	}
}

// around is damage that harms no record: everything that is bbolt's own.
var around = map[string]func(file []byte) []byte{
	"both meta pages":    func(f []byte) []byte { clear(f[:2*pageSize]); return f },
	"one page of zeros":  func(f []byte) []byte { clear(f[:pageSize]); clear(f[pageSize+16 : pageSize+100]); return f },
	"free list":          eachPage(freelistFlag, func(p []byte) { clear(p) }),
	"branches":           eachPage(branchFlag, func(p []byte) { clear(p) }),
	"branches loop":      eachPage(branchFlag, func(p []byte) { native.PutUint64(p[pageHeader+8:], native.Uint64(p)) }),
	"numbers of leaves":  eachPage(leafFlag, func(p []byte) { native.PutUint64(p, 1<<40) }),
	"kind of all leaves": eachPage(leafFlag, func(p []byte) { native.PutUint16(p[8:], 0x40) }),
	"counts of leaves":   eachPage(leafFlag, func(p []byte) { native.PutUint16(p[10:], 1) }),
	"places in leaves":   eachPage(leafFlag, func(p []byte) { native.PutUint32(p[pageHeader+elementSize+4:], 1<<30) }),
	"heads of leaves":    eachPage(leafFlag, func(p []byte) { clear(p[:pageHeader+2*elementSize]) }),
}

// endKept are those of around that leave it to a last segment to say where it
// ends; a segment that another one follows needs no such word.
var endKept = []string{"free list", "branches", "branches loop"}

// Damage around the records is mended without a loss: the segment is written
// anew, the damaged file is kept as it was, and the ledger is what it was.
func TestRepairOfWhatIsAroundTheRecords(t *testing.T) {
	if withoutDetector(t) {
		return
	}
	dir, want := threeSegments(t)
	for name, change := range around {
		for _, n := range []uint64{1, 2, 3} {
			if n == 1 && name != "both meta pages" || n == 3 && !slices.Contains(endKept, name) {
				continue
			}
			t.Run(name+" of "+string(rune('0'+n)), func(t *testing.T) {
				copied := copyLedger(t, dir)
				path := segmentPath(copied, n)
				harm(t, path, change)
				damaged, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := openAndVerify(copied, smallOptions()); !errors.Is(err, ErrDamaged) {
					t.Fatalf("the damage was not seen: %v", err)
				}
				r, err := Repair(context.Background(), copied, smallOptions())
				if err != nil {
					t.Fatal(err)
				}
				s := r.Segments[n-1]
				if !r.Sound() || !r.Complete() || r.Records != uint64(len(want)) || !s.Mended {
					t.Fatalf("%+v", r)
				}
				if kept, err := os.ReadFile(filepath.Join(copied, s.Kept)); err != nil || !slices.Equal(kept, damaged) {
					t.Errorf("the damaged file is not what it was (%v)", err)
				}
				l := mustOpen(t, copied, smallOptions())
				mustVerify(t, l)
				if got, _, _ := export(t, l, 1); !slices.Equal(got, want) {
					t.Error("the repaired ledger is another one")
				}
				mustAppend(t, l, "PX7-1", sales("PX7-1", l.Last("PX7-1")+1, l.Last("PX7-1")+30)...)
				mustVerify(t, l)
			})
		}
	}
}

// holdsRecord returns the place of a stored record in the file, all its copies.
func holdsRecord(t testing.TB, path string, n, seq uint64) (places []int64, size int) {
	t.Helper()
	c, err := carve(context.Background(), path, &sealer{aead: testOptions().AEAD, binding: testBinding}, n, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	all := c.of(seq)
	if len(all) == 0 {
		t.Fatalf("record %d is not there", seq)
	}
	sealed, _, _, err := c.open(all[0])
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; ; {
		i := strings.Index(string(file[at:]), string(sealed))
		if i < 0 {
			return places, len(sealed)
		}
		places, at = append(places, int64(at+i)), at+i+1
	}
}

// A record that cannot be read is named, and nothing is put in place.
func TestRepairNamesWhatIsMissing(t *testing.T) {
	if withoutDetector(t) {
		return
	}
	dir, want := threeSegments(t)
	base := segmentBase(t, dir, 2)
	for name, lost := range map[string][]uint64{
		"one": {base + 10}, "the first": {base + 1}, "a stretch": {base + 20, base + 21, base + 22}, "two": {base + 30, base + 40},
		"the last": {segmentBase(t, dir, 3)},
	} {
		t.Run(name, func(t *testing.T) {
			copied := copyLedger(t, dir)
			path := segmentPath(copied, 2)
			for _, seq := range lost {
				places, size := holdsRecord(t, path, 2, seq)
				harm(t, path, func(file []byte) []byte {
					for _, at := range places {
						file[int(at)+size/2] ^= 1
					}
					return file
				})
			}
			damaged, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			r, err := Repair(context.Background(), copied, smallOptions())
			if err != nil {
				t.Fatal(err)
			}
			s := r.Segments[1]
			var spans []Span
			for _, seq := range lost {
				spans = addTo(spans, seq)
			}
			if !slices.Equal(s.Missing, spans) || s.Mended || r.Changed() || r.Complete() || r.Whole != uint64(len(want)-len(lost)) {
				t.Fatalf("%+v", s)
			}
			if text := s.Sentence(); !strings.Contains(text, spansText(spans)+" cannot be read") {
				t.Errorf("it says %q", text)
			}
			if after, err := os.ReadFile(path); err != nil || !slices.Equal(after, damaged) {
				t.Errorf("the segment was touched (%v)", err)
			}
			if names := folder(t, copied); len(names) != 3 {
				t.Errorf("in the folder are %v", names)
			}
			if !r.Segments[0].Sound() || !r.Segments[2].Sound() {
				t.Errorf("its neighbours are %+v and %+v", r.Segments[0], r.Segments[2])
			}
		})
	}
}

func segmentBase(t testing.TB, dir string, n uint64) uint64 {
	t.Helper()
	r, err := Check(context.Background(), dir, smallOptions())
	if err != nil {
		t.Fatal(err)
	}
	return r.Segments[n-1].First - 1
}

func folder(t testing.TB, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// What is not there at all, or is another's, is told; nothing is invented.
func TestCheckOfSegmentsThatAreGone(t *testing.T) {
	dir, want := threeSegments(t)
	two, three := segmentBase(t, dir, 2), segmentBase(t, dir, 3)
	cases := map[string]struct {
		harm    func(dir string)
		segment uint64
		says    string
		whole   uint64
	}{
		"middle gone":         {func(d string) { must(os.Remove(segmentPath(d, 2))) }, 2, "cannot be read", uint64(len(want)) - (three - two)},
		"middle of zeros":     {func(d string) { harm(t, segmentPath(d, 2), zeros) }, 2, "cannot be read", uint64(len(want)) - (three - two)},
		"last of zeros":       {func(d string) { harm(t, segmentPath(d, 3), zeros) }, 3, "is not known", three},
		"last cut to nothing": {func(d string) { must(os.Truncate(segmentPath(d, 3), 0)) }, 3, "is not known", three},
		"last without metas":  {func(d string) { harm(t, segmentPath(d, 3), around["both meta pages"]) }, 3, "is not known", uint64(len(want))},
		"a folder":            {func(d string) { must(os.Remove(segmentPath(d, 2))); must(os.Mkdir(segmentPath(d, 2), 0o700)) }, 2, "cannot be read", uint64(len(want)) - (three - two)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			copied := copyLedger(t, dir)
			c.harm(copied)
			r, err := Repair(context.Background(), copied, smallOptions())
			if err != nil {
				t.Fatal(err)
			}
			s := r.Segments[c.segment-1]
			if r.Complete() || r.Changed() || r.Whole != c.whole || !strings.Contains(s.Sentence(), c.says) {
				t.Fatalf("whole %d of %d: %s (%+v)", r.Whole, len(want), s.Sentence(), s)
			}
		})
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func zeros(file []byte) []byte { clear(file); return file }

// Under another key, or somebody else's open ledger, there is no report.
func TestCheckThatCannotBeMade(t *testing.T) {
	l, dir := newLedger(t, small)
	mustAppend(t, l, "PX7-1", sales("PX7-1", 1, 10)...)
	if _, err := Check(context.Background(), dir, smallOptions()); !errors.Is(err, errBusy) {
		t.Errorf("an open ledger: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	other := smallOptions()
	other.AEAD = testAEAD("another")
	if _, err := Check(context.Background(), dir, other); !errors.Is(err, ErrKey) {
		t.Errorf("another key: %v", err)
	}
	if _, err := Check(context.Background(), filepath.Join(dir, "none"), smallOptions()); !errors.Is(err, ErrAbsent) {
		t.Errorf("no ledger: %v", err)
	}
	if r, err := Check(context.Background(), dir, smallOptions()); err != nil || !r.Sound() || r.Whole != 10 {
		t.Errorf("a sound one: %+v, %v", r, err)
	}
}

// A repair that was cut between the second name and the rename leaves the
// segment where it was; the next opening, or the next repair, clears up.
func TestRepairThatWasCut(t *testing.T) {
	dir, _ := threeSegments(t)
	path := segmentPath(dir, 2)
	if _, err := keep(path); err != nil {
		t.Fatal(err)
	}
	again := copyLedger(t, dir) // a copy has two files there, not two names
	mustVerify(t, mustOpen(t, dir, smallOptions()))
	if names := folder(t, dir); len(names) != 3 {
		t.Errorf("the second name is still there: %v", names)
	}
	mustVerify(t, mustOpen(t, again, smallOptions()))
	if names := folder(t, again); len(names) != 4 {
		t.Errorf("a kept file of its own was removed: %v", names)
	}
}

// badSector is a file of which the medium does not give one page.
type badSector struct {
	file io.ReaderAt
	page int64
}

func (b badSector) ReadAt(p []byte, at int64) (int, error) {
	if at < (b.page+1)*pageSize && at+int64(len(p)) > b.page*pageSize {
		return 0, syscall.EIO
	}
	return b.file.ReadAt(p, at)
}

// A sector that cannot be read costs what lies in it, and no more.
func TestBadSectorCostsItsOwnRecords(t *testing.T) {
	dir, _ := threeSegments(t)
	whole, err := carve(context.Background(), segmentPath(dir, 2), &sealer{aead: testOptions().AEAD, binding: testBinding}, 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer whole.close()
	page := whole.pieces[len(whole.pieces)/2].at / pageSize
	in := 0
	for _, p := range whole.pieces {
		if p.at/pageSize <= page && (p.at+int64(p.size)-1)/pageSize >= page {
			in++
		}
	}
	c := *whole
	c.read, c.pieces, c.states = badSector{whole.file, page}, nil, nil
	c.pages()
	c.settle()
	if lost := len(whole.pieces) - len(c.pieces); lost < 1 || lost > 2*in || len(c.unread) != 1 {
		t.Errorf("%d records lost with a page of %d, %d pages unread", lost, in, len(c.unread))
	}
}

// Whatever is changed where, nothing is handed out as a record that was none.
func FuzzSalvage(f *testing.F) {
	x := newHarmed(f)
	for page := range uint32(16) {
		f.Add(page*pageSize+8, uint32(0xffff))    // what it is, and how many entries it has
		f.Add(page*pageSize+16+4, uint32(0xffff)) // where the first one lies
	}
	f.Fuzz(func(t *testing.T, at, change uint32) {
		x.change(t, at, change)
		n := 0
		r, err := Salvage(context.Background(), x.dir, smallOptions(), func(line []byte) error {
			n++
			if !slices.Contains(x.want, string(line)) {
				t.Errorf("nobody wrote %s", line)
			}
			return nil
		})
		if err == nil && (uint64(n) != r.Whole || r.Complete() && n != len(x.want)) {
			t.Errorf("%d lines of %d: %+v", n, len(x.want), r)
		}
	})
}
