package lab

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/sys/unix"

	"unbindd/agent/backup"
	"unbindd/agent/ledger"
	"unbindd/wipe"
)

const (
	lifeReader  = "PX7-1"
	lifeRecords = 3000
	lifeBatch   = 50  // records of one commit
	lifeLook    = 300 // records between two looks into the chips
)

// life is a terminal's records on flash.
type life struct {
	chips  *flash
	g      *ground
	words  []string // that stand in every record
	looks  int
	merely bool // the records are written in the clear: a control
}

func newLife(t *testing.T) *life {
	t.Helper()
	w := newWords()
	l := &life{chips: newFlash(t, 96*mega, false), words: []string{w[content], w[named], `"currency":"CNY"`}}
	l.g = formOf(t, "ext4 ordered").lay(t, attach(t, l.chips.disk()))
	l.chips.tell(t, append([]string{"watch"}, l.words...)...)
	return l
}

// record is the n-th transaction.
func (l *life) record(n uint64) []byte {
	r := ledger.Record{
		Amount: int64(n), Auth: l.words[1], Batch: "000001", Card: &ledger.Card{Brand: "unionpay", Masked: "622848******1234"},
		Currency: "CNY", Entry: "contactless", Evseq: n, Kind: "sale", Method: "card", MID: l.words[0],
		Reader: lifeReader, Result: "approved", RRN: "612345678901", STAN: "000123", TID: "10000001", Time: 1790000000,
	}
	return r.AppendCanonical(nil)
}

// look flushes everything and searches the chips; what was programmed in between
// and erased again was seen by the watch.
func (l *life) look(t *testing.T, moment string) (found int) {
	t.Helper()
	l.g.sync(t)
	must(t, l.g.disk.settle())
	s := newSearch(l.words...)
	must(t, s.file(l.chips.nand()))
	for _, n := range s.found {
		found += n
	}
	seen := l.chips.state(t).seen
	l.looks++
	if !l.merely && found+seen > 0 {
		t.Fatalf("%s: the chips hold %d words of the records, and were given %d pages that did", moment, found, seen)
	}
	return found
}

// A ledger from its first record over its rolls, its export and its backup to its
// erase: at no moment is a word of a record in the chips.
func TestALedgersLifeOnFlash(t *testing.T) {
	needRoot(t)
	l := newLife(t)
	aead, err := chacha20poly1305.NewX([]byte(strings.Repeat("k", chacha20poly1305.KeySize)))
	must(t, err)
	dir := filepath.Join(l.g.root, "ledger")
	book, err := ledger.Open(dir, ledger.Options{AEAD: aead, MaxSegment: 512 << 10})
	must(t, err)
	defer book.Close() // once more, for a test that breaks off
	l.append(t, book)
	l.export(t, book)
	l.seal(t, book, filepath.Join(l.g.root, "spool"))
	must(t, book.Close())
	segments, err := filepath.Glob(filepath.Join(dir, "seg-*.db"))
	must(t, err)
	if len(segments) < 3 {
		t.Errorf("%d segments: it never rolled", len(segments))
	}
	for _, name := range []string{"ledger", "spool"} {
		l.erase(t, name)
	}
	l.g.leave(t)
	s := l.chips.state(t)
	t.Logf("%d records in %d segments, %d looks into the chips, %d pages programmed: words found 0, pages seen with one 0", lifeRecords, len(segments), l.looks, s.programs)
}

func (l *life) append(t *testing.T, book *ledger.Ledger) {
	t.Helper()
	for first := uint64(1); first <= lifeRecords; first += lifeBatch {
		var events []ledger.Event
		for n := first; n < first+lifeBatch; n++ {
			events = append(events, ledger.Event{Seq: n, Body: l.record(n)})
		}
		done, err := book.Append(lifeReader, events)
		if err != nil || len(done.Refused) > 0 {
			t.Fatalf("cannot append: %v, refused %v", err, done.Refused)
		}
		if (first+lifeBatch-1)%lifeLook == 0 {
			l.look(t, fmt.Sprintf("after %d records", first+lifeBatch-1))
		}
	}
}

// export hands the records out in the clear, into memory.
func (l *life) export(t *testing.T, book *ledger.Ledger) {
	t.Helper()
	lines := 0
	_, _, err := book.Export(context.Background(), 1, func(line []byte) error {
		for _, w := range l.words {
			if !strings.Contains(string(line), w) {
				return fmt.Errorf("a record does not hold %q, so nothing could be found of it", w)
			}
		}
		if lines++; lines%1000 == 0 {
			l.look(t, fmt.Sprintf("while line %d is exported", lines))
		}
		return nil
	})
	must(t, err)
}

// seal writes the backup into a spool file that is flushed again and again.
func (l *life) seal(t *testing.T, book *ledger.Ledger, path string) {
	t.Helper()
	_, recipient, err := backup.NewRecipient()
	must(t, err)
	f, err := os.Create(path)
	must(t, err)
	defer f.Close()
	start := ledger.Start([32]byte{})
	header := backup.Header{
		Case: "CASE-1", Command: "sha256:" + strings.Repeat("0", 64), First: 1, Prev: hex.EncodeToString(start[:]), Terminal: "T-1",
	}
	_, err = backup.Seal(f, []string{recipient}, header, func(write func(line []byte) error) (in backup.TrailerInput, err error) {
		head, _, err := book.Export(context.Background(), 1, func(line []byte) error {
			if in.Count++; in.Count%1000 == 0 {
				l.look(t, fmt.Sprintf("while line %d is sealed", in.Count))
			}
			return write(line)
		})
		in.Head, in.Last, in.Sums = head.Digest(), in.Count, json.RawMessage("[]")
		return in, err
	})
	must(t, err)
	must(t, f.Sync())
	l.look(t, "after the backup was sealed")
}

// erase looks into the chips at each step of an erase too.
func (l *life) erase(t *testing.T, name string) {
	t.Helper()
	target := wipe.Target{Name: name, Kind: "data", Path: filepath.Join(l.g.root, name), Root: l.g.root, Requested: wipe.LevelClear, Encrypted: true}
	e := wipe.Erase(context.Background(), wipe.Kernel{}, target, func(op string) {
		if op == "truncate" || op == "unlink" {
			l.look(t, "in the erase of "+name+", before "+op)
		}
	})
	if e.LevelAchieved != wipe.LevelClear || e.Verified != wipe.Pass {
		t.Errorf("%s: %+v", name, e)
	}
	l.look(t, "after the erase of "+name)
}

// The control: the same records in the clear are found, by the search and by the
// watch, and an overwrite that reports Clear takes them out of the disk alone.
func TestRecordsInTheClearAreFoundOnFlash(t *testing.T) {
	needRoot(t)
	l := newLife(t)
	l.merely = true
	f, err := os.Create(filepath.Join(l.g.root, "clear"))
	must(t, err)
	defer f.Close()
	for n := uint64(1); n <= lifeLook; n++ {
		_, err := f.Write(append(l.record(n), '\n'))
		must(t, err)
	}
	must(t, unix.Fsync(int(f.Fd())))
	must(t, f.Close())
	if found := l.look(t, "written"); found < lifeLook*len(l.words)*9/10 {
		t.Errorf("%d records in the clear, and %d words found", lifeLook, found)
	}
	if l.chips.state(t).seen == 0 {
		t.Error("the watch saw nothing")
	}
	e := wipe.Erase(context.Background(), wipe.Kernel{}, wipe.Target{
		Name: "clear", Kind: "data", Path: filepath.Join(l.g.root, "clear"), Root: l.g.root, Requested: wipe.LevelClear,
	}, nil)
	left := l.look(t, "erased")
	t.Logf("erased in the clear: reported %s, residual %v; %d words are left in the chips", e.LevelAchieved, e.Residual, left)
	if left > 0 && !says(e, "stale-flash") && e.LevelAchieved.Rank() >= wipe.LevelClear.Rank() {
		t.Errorf("%d words are left in the chips and nobody says so: %+v", left, e)
	}
	l.g.leave(t)
}
