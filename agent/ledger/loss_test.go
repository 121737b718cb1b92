package ledger

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// lost is a way in which a ledger of 1,240 records in three segments is cut short,
// taken away or exchanged, and what is said of it.
type lost struct {
	harm    func(dir string)
	opening Loss // how opening ends; "" if it opens
	loss    Loss // what the check says
	missing []Span
	says    string
	chinese string
}

var losing = map[string]lost{
	"last of nothing": {
		func(d string) { must(os.Truncate(segmentPath(d, 3), 0)) }, CutShort, CutShort, []Span{{1101, 1240}},
		"segment 3: the file is cut short; 0 of 140 records are whole; 1101-1240 cannot be read; what came after record 1240 is not known",
		"账本段 3：文件被截短；完整 0 条，共 140 条；无法读取：1101-1240；记录 1240 之后的内容未知",
	},
	"last cut in half": {
		func(d string) { must(os.Truncate(segmentPath(d, 3), sizeOf(segmentPath(d, 3))/2)) }, CutShort, CutShort, []Span{{1236, 1240}},
		"segment 3: the file is cut short; 135 of 140 records are whole; 1236-1240 cannot be read; what came after record 1240 is not known",
		"账本段 3：文件被截短；完整 135 条，共 140 条；无法读取：1236-1240；记录 1240 之后的内容未知",
	},
	"last one page short": {
		func(d string) { cutPage(segmentPath(d, 3)) }, CutShort, CutShort, nil,
		"segment 3: the file is cut short; all 140 records are whole; the file around them is damaged and can be written anew",
		"账本段 3：文件被截短；全部 140 条记录完整；其外围文件已损坏，可以重写",
	},
	"first cut to nothing": {
		func(d string) { must(os.Truncate(segmentPath(d, 1), 0)) }, "", CutShort, []Span{{1, 550}},
		"segment 1: the file is cut short; 0 of 550 records are whole; 1-550 cannot be read",
		"账本段 1：文件被截短；完整 0 条，共 550 条；无法读取：1-550",
	},
	"last gone": {
		func(d string) { must(os.Remove(segmentPath(d, 3))) }, EndGone, EndGone, []Span{{1101, 1240}},
		"segment 3: the end of the ledger is gone; 0 of 140 records are whole; 1101-1240 cannot be read; what came after record 1240 is not known",
		"账本段 3：账本末尾缺失；完整 0 条，共 140 条；无法读取：1101-1240；记录 1240 之后的内容未知",
	},
	"first gone": {
		func(d string) { must(os.Remove(segmentPath(d, 1))) }, SegmentGone, SegmentGone, []Span{{1, 550}},
		"segment 1: the file is gone; 0 of 550 records are whole; 1-550 cannot be read",
		"账本段 1：文件不存在；完整 0 条，共 550 条；无法读取：1-550",
	},
	"all files gone": {
		func(d string) { must(os.RemoveAll(d)); must(os.Mkdir(d, 0o700)) }, AllGone, AllGone, []Span{{1, 1240}},
		"segment 1: the whole ledger is gone; 0 of 1240 records are whole; 1-1240 cannot be read; what came after record 1240 is not known",
		"账本段 1：整个账本不存在；完整 0 条，共 1240 条；无法读取：1-1240；记录 1240 之后的内容未知",
	},
	"folder gone": {
		func(d string) { must(os.RemoveAll(d)) }, AllGone, AllGone, []Span{{1, 1240}},
		"segment 1: the whole ledger is gone; 0 of 1240 records are whole; 1-1240 cannot be read; what came after record 1240 is not known",
		"账本段 1：整个账本不存在；完整 0 条，共 1240 条；无法读取：1-1240；记录 1240 之后的内容未知",
	},
	"a foreign file": {
		func(d string) { must(os.WriteFile(segmentPath(d, 3), make([]byte, 1<<16), 0o600)) }, Foreign, Foreign, []Span{{1101, 1240}},
		"segment 3: the file is no part of this ledger; 0 of 140 records are whole; 1101-1240 cannot be read; what came after record 1240 is not known",
		"账本段 3：该文件不属于本账本；完整 0 条，共 140 条；无法读取：1101-1240；记录 1240 之后的内容未知",
	},
}

// A ledger that is cut short, that lacks a file, all of them, or has another's in
// its place, is told by its kind of loss with the numbers of what is lost, when it
// is opened and when it is checked; nothing is made anew over it.
func TestLosses(t *testing.T) {
	dir, want := threeSegments(t)
	if len(want) != 1240 || segmentBase(t, dir, 2) != 550 || segmentBase(t, dir, 3) != 1100 {
		t.Fatalf("%d records, the segments follow %d and %d: the table is of another ledger", len(want), segmentBase(t, dir, 2), segmentBase(t, dir, 3))
	}
	o := smallOptions()
	o.Known = 1240
	for name, c := range losing {
		t.Run(name, func(t *testing.T) {
			copied := copyLedger(t, dir)
			c.harm(copied)
			l, err := Open(copied, o)
			if LossOf(err) != c.opening || c.opening != "" && !errors.Is(err, ErrDamaged) {
				t.Errorf("opening ends with %v", err)
			}
			if l != nil {
				if err := errors.Join(l.Verify(context.Background()), l.Close()); LossOf(err) != c.loss {
					t.Errorf("verifying ends with %v", err)
				}
			}
			r, err := Check(context.Background(), copied, o)
			if err != nil || r.Loss() != c.loss || r.Sound() || !slices.Equal(r.Missing(), c.missing) && len(c.missing) > 0 || r.Records != 1240 {
				t.Fatalf("%v: %+v", err, r)
			}
			for _, s := range r.Segments {
				if !s.Sound() && (s.Sentence() != c.says || s.ChineseSentence() != c.chinese) {
					t.Errorf("it says\n%s\n%s", s.Sentence(), s.ChineseSentence())
				}
			}
		})
	}
}

// A ledger from before anything was known of it, and one that never was, are not
// damaged.
func TestNothingIsLostOfWhatNeverWas(t *testing.T) {
	o := smallOptions()
	dir := t.TempDir()
	if _, err := Check(context.Background(), dir, o); !errors.Is(err, ErrAbsent) {
		t.Errorf("%v", err)
	}
	l, err := Open(dir, o)
	if err != nil || l.Lacks(0) != nil || LossOf(l.Lacks(1)) != EndGone {
		t.Errorf("%v", err)
	}
	must(l.Close())
}

func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	must(err)
	return info.Size()
}

// cutPage takes the last page that is in use from a file.
func cutPage(path string) {
	db, err := openFile(path, minMaxSegment, true)
	must(err)
	var used int64
	must(db.View(func(tx *bbolt.Tx) error { used = tx.Size(); return nil }))
	must(db.close())
	must(os.Truncate(path, used-pageSize))
}

// A file that is cut short under an open ledger is told in words of the ledger,
// not of pointers; and nobody waits for a lock that a fault left held.
func TestFileCutUnderTheLedger(t *testing.T) {
	for name, read := range map[string]func(l *Ledger) error{
		"patrol": func(l *Ledger) error { return l.Patrol(context.Background()) },
		"verify": func(l *Ledger) error { return l.Verify(context.Background()) },
		"map": func(l *Ledger) error {
			return guard(func() error { return l.checkEnd(l.db, l.current.Load()) })
		},
		"append": func(l *Ledger) error { _, err := l.Append("PX7-1", sales("PX7-1", 91, 91)); return err },
	} {
		for _, pages := range []int64{2, 0} {
			// Not by newLedger, which closes at the end what may never close.
			dir := filepath.Join(t.TempDir(), "ledger")
			l, err := Open(dir, smallOptions())
			must(err)
			mustAppend(t, l, "PX7-1", sales("PX7-1", 1, 90)...)
			must(os.Truncate(segmentPath(dir, 1), pages*pageSize))
			err = ends(t, func() error { return read(l) })
			if !errors.Is(err, ErrDamaged) || strings.Contains(err.Error(), "pointer") || strings.Contains(err.Error(), "EOF") {
				t.Errorf("%s: %v", name, err)
			}
			if err := ends(t, l.Close); err != nil && !errors.Is(err, ErrDamaged) {
				t.Errorf("%s: closing: %v", name, err)
			}
		}
	}
}

// ends fails the test where a call waits for what nobody will let go of.
func ends(t *testing.T, call func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		return err
	case <-time.After(time.Minute):
		t.Fatal("it waits for ever")
		return nil
	}
}
