package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"go.etcd.io/bbolt"
)

// keptMark stands between a segment's name and the count in the name under
// which a damaged one is kept. It is in the ledger's folder, and goes with it.
const keptMark = ".damaged-"

// Repair is Check, and after it every damaged segment of which all records are
// there is written anew and put in place of the damaged one, which is kept
// beside it and never written to. A segment that lacks a record is left as it
// is. What was put in place was read back through Verify's own checks. Repair may
// be cut anywhere and called again.
func Repair(ctx context.Context, dir string, o Options) (Report, error) {
	mended, err := examine(ctx, dir, o, checker{mend: true})
	if err != nil {
		return Report{}, fmt.Errorf("cannot repair the ledger: %w", err)
	}
	if !mended.Changed() {
		return mended, nil
	}
	after, err := examine(ctx, dir, o, checker{})
	if err != nil {
		return Report{}, fmt.Errorf("cannot check the repaired ledger: %w", err)
	}
	for i := range after.Segments {
		after.Segments[i].Mended, after.Segments[i].Kept = mended.Segments[i].Mended, mended.Segments[i].Kept
	}
	return after, nil
}

// hold takes the lock that bbolt takes, so that nobody opens the segment
// meanwhile. Android's bbolt takes another kind; there the journal's lock, which
// the caller has, is what keeps the daemon out.
func hold(file *os.File) (release func(), err error) {
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errBusy
		}
		return nil, err
	}
	return func() { _ = syscall.Flock(int(file.Fd()), syscall.LOCK_UN) }, nil // it goes with the file too
}

// refillStep is how many records are written in one commit.
const refillStep = 1000

// refill makes the segment's new file, under its temporary name.
func (c *checker) refill(found *carving, l *line, st *state) (fresh string, err error) {
	fresh, err = buildSegment(c.dir, c.sealer, st, c.max)
	if err != nil {
		return fresh, err
	}
	db, err := openFile(fresh, c.max, false)
	if err != nil {
		return fresh, err
	}
	for from := 0; from < len(l.pieces) && err == nil; from += refillStep {
		part := l.pieces[from:min(from+refillStep, len(l.pieces))]
		err = guard(func() error {
			return db.Update(func(tx *bbolt.Tx) error { return copyPieces(tx, found, part) })
		})
	}
	if err == nil {
		err = renewMeta(db)
	}
	return fresh, errors.Join(err, db.close())
}

// copyPieces puts the sealed records in as they are: nothing is sealed anew.
func copyPieces(tx *bbolt.Tx, found *carving, part []piece) error {
	records := tx.Bucket(recordBucket)
	records.FillPercent = 1
	for _, p := range part {
		sealed, _, _, err := found.open(p)
		if err != nil {
			return err
		}
		if err := records.Put(seqKey(p.seq), sealed); err != nil {
			return err
		}
	}
	return nil
}

// sameAgain reads the new file as Verify would.
func (c *checker) sameAgain(fresh string, n uint64, before *running, want *state) error {
	if err := fromTheMedium(fresh); err != nil {
		return err
	}
	db, st, err := openNumbered(fresh, c.sealer, n, c.max, true)
	if err != nil {
		return err
	}
	run, totals := startAt(want.base), n == 1
	if before != nil {
		run, totals = before.clone(), true
	}
	err = guard(func() error {
		return db.View(func(tx *bbolt.Tx) error {
			if err := readAhead(tx, db.file); err != nil {
				return err
			}
			return c.compare(tx, st, run, totals)
		})
	})
	if err == nil && !st.running.equal(want.running) {
		err = fmt.Errorf("%w: what was written anew is not what was read", ErrDamaged)
	}
	return errors.Join(err, db.close())
}

// keep gives a damaged segment a second name, on disk before the first one is
// taken from it. A second name that a cut repair left is used again.
func keep(path string) (kept string, err error) {
	for i := 1; ; i++ {
		kept = fmt.Sprintf("%s%s%d", path, keptMark, i)
		err := os.Link(path, kept)
		if errors.Is(err, os.ErrExist) {
			if sameFile(path, kept) {
				break
			}
			continue
		}
		if err != nil {
			return "", err
		}
		break
	}
	return filepath.Base(kept), syncDirectory(filepath.Dir(path))
}

func sameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

// segmentOf is the segment that a kept file's name was made from, or "".
func segmentOf(path string) string {
	segment, _, found := strings.Cut(path, keptMark)
	if !found {
		return ""
	}
	return segment
}
