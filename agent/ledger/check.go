package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"

	"go.etcd.io/bbolt"
)

// Check reads a ledger that nobody has open and says of every segment what is
// whole. It changes nothing. Of a damaged segment every record is looked for,
// wherever in the file it lies; one that is found has opened under its seal and
// its number, and the chain leads to it. An error says that the check itself
// could not be made; damage is in the report.
func Check(ctx context.Context, dir string, o Options) (Report, error) {
	r, err := examine(ctx, dir, o, checker{})
	if err != nil {
		return Report{}, fmt.Errorf("cannot check the ledger: %w", err)
	}
	return r, nil
}

// Salvage is Check, and hands every record that is whole to each, in the form of
// Export's lines and in order. The lines of a damaged ledger do not fit together
// where the report names a hole.
func Salvage(ctx context.Context, dir string, o Options, each func(line []byte) error) (Report, error) {
	x := &exporter{each: each}
	r, err := examine(ctx, dir, o, checker{each: x.emit})
	if err != nil {
		return Report{}, fmt.Errorf("cannot salvage the ledger: %w", err)
	}
	return r, nil
}

// examine goes through all segments with what how is set to do besides.
func examine(ctx context.Context, dir string, o Options, how checker) (Report, error) {
	l, err := prepare(dir, o)
	if err != nil {
		return Report{}, err
	}
	count, err := highestSegment(dir)
	if gone := errors.Is(err, os.ErrNotExist) || err == nil && count == 0; gone && o.Known == 0 {
		return Report{}, ErrAbsent
	} else if gone {
		count, err = 0, nil
	}
	if err != nil {
		return Report{}, err
	}
	c := &how
	c.ctx, c.dir, c.sealer, c.max, c.prev, c.count = ctx, dir, l.sealer, l.max, o.Prev, count
	for n := uint64(1); n <= count; n++ {
		s, err := c.segment(n)
		if err != nil {
			return Report{}, fmt.Errorf("segment %d: %w", n, err)
		}
		c.report.add(s)
	}
	if !c.known && c.alien != nil {
		return Report{}, c.alien
	}
	c.report.endAt(o.Known)
	return c.report, nil
}

// highestSegment is the highest number that a segment here has.
func highestSegment(dir string) (highest uint64, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	files := uint64(0)
	for _, e := range entries {
		var n uint64
		if _, err := fmt.Sscanf(e.Name(), "seg-%d.db", &n); err != nil || n == 0 || "seg-"+fmt.Sprintf("%08d", n)+".db" != e.Name() {
			continue
		}
		highest, files = max(highest, n), files+1
	}
	if highest > 2*files+64 {
		return 0, fmt.Errorf("%w: of %d segments there are %d", ErrDamaged, highest, files)
	}
	return highest, nil
}

// checker goes through the segments in order and carries along what is known.
type checker struct {
	ctx    context.Context
	dir    string
	sealer *sealer
	max    int64
	prev   *[32]byte
	count  uint64
	mend   bool                                   // write anew what can be
	each   func(chain [32]byte, raw []byte) error // take every record that is whole

	run    *running // at the end of the last segment; nil if not known
	start  *[32]byte
	known  bool  // something opened under this key
	alien  error // ErrKey or ErrBinding, if a segment said so
	report Report
}

// segment checks one, and looks into it if it is not whole.
func (c *checker) segment(n uint64) (Segment, error) {
	s, err := c.sound(n)
	if err == nil {
		c.known = true
		return s, c.handOut(n)
	}
	if errors.Is(err, ErrKey) || errors.Is(err, ErrBinding) {
		c.alien = err
	} else if !isDamage(err) {
		return s, err
	}
	return c.salvage(n, err)
}

// handOut hands the records of a sound segment to each: after it was found
// sound, so that none is handed out twice.
func (c *checker) handOut(n uint64) error {
	if c.each == nil {
		return nil
	}
	db, st, err := openSegment(c.dir, c.sealer, n, c.max, true)
	if err != nil {
		return err
	}
	err = guard(func() error {
		return db.View(func(tx *bbolt.Tx) error { return scan(c.ctx, tx, c.sealer, startAt(st.base), c.each) })
	})
	return errors.Join(err, db.close())
}

// isDamage tells what is wrong with the file from what is wrong with this call.
func isDamage(err error) bool {
	return errors.Is(ofTheMedium(err), ErrDamaged) || errors.Is(err, os.ErrNotExist)
}

// sound verifies a segment as Verify does, and that the next one follows it.
func (c *checker) sound(n uint64) (s Segment, err error) {
	if err := fromTheMedium(segmentPath(c.dir, n)); err != nil {
		return s, err
	}
	db, st, err := openSegment(c.dir, c.sealer, n, c.max, true)
	if err != nil {
		return s, err
	}
	run := startAt(st.base)
	if c.run != nil {
		run = c.run.clone()
	} else if n == 1 {
		run = startAt(Head{Chain: c.origin(st)})
	}
	totals := c.run != nil || n == 1
	err = guard(func() error {
		if lost, err := oneMetaLost(db.file); err != nil || lost {
			return errors.Join(err, fmt.Errorf("%w: one of its two meta pages", ErrDamaged))
		}
		return db.View(func(tx *bbolt.Tx) error {
			if err := readAhead(tx, db.file); err != nil {
				return err
			}
			return c.compare(tx, st, run, totals)
		})
	})
	if err := errors.Join(err, db.close()); err != nil {
		return s, err
	}
	if n < c.count {
		if next, known := c.baseOf(n + 1); known && next != st.running.head {
			return s, fmt.Errorf("%w: it ends at record %d, and the next segment follows record %d", ErrDamaged, st.running.head.Seq, next.Seq)
		}
	}
	c.run, c.start = st.running, &st.start
	return Segment{Segment: n, First: st.base.Seq + 1, Last: st.running.head.Seq, Whole: st.running.head.Seq - st.base.Seq}, nil
}

// origin is the chain value that the ledger starts from, if nobody said it yet.
func (c *checker) origin(st *state) [32]byte {
	if c.prev != nil {
		return *c.prev
	}
	if st != nil {
		return st.start
	}
	return origin(c.sealer.binding, nil)
}

func (c *checker) compare(tx *bbolt.Tx, st *state, run *running, totals bool) error {
	if st.base != run.head || c.start != nil && st.start != *c.start {
		return fmt.Errorf("%w: it does not follow the segment before it", ErrDamaged)
	}
	if err := onlyOurs(tx, st); err != nil {
		return err
	}
	if err := scan(c.ctx, tx, c.sealer, run, func([32]byte, []byte) error { return nil }); err != nil {
		return err
	}
	if run.head != st.running.head || totals && !run.equal(st.running) {
		return fmt.Errorf("%w: its totals are not those of its records", ErrDamaged)
	}
	return nil
}

// baseOf is the head before segment n, from whatever state of it can be read:
// it never changes in the segment's life.
func (c *checker) baseOf(n uint64) (Head, bool) {
	if fromTheMedium(segmentPath(c.dir, n)) == nil {
		if db, st, err := openSegment(c.dir, c.sealer, n, c.max, true); err == nil {
			return st.base, db.close() == nil
		}
	}
	found, err := carve(c.ctx, segmentPath(c.dir, n), c.sealer, n, 0)
	if err != nil {
		return Head{}, false
	}
	defer found.close()
	if st := found.best(); st != nil {
		return st.base, true
	}
	return Head{}, false
}
