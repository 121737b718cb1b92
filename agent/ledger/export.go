package ledger

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"go.etcd.io/bbolt"
)

// Export hands every record from number from (at least 1) to each, as the line
//
//	{"c":"<chain value, 64 hex digits>","t":{<record>}}
//
// with its newline; the slice is valid during the call only. It returns the
// head and the tally of what was handed out. Everything is re-verified on the
// way, but lines are handed out before the end is seen: they may be relied on
// only once Export has returned nil. It sees the ledger as it was at the call;
// each must not call the ledger itself, because rolling to the next segment
// waits for readers.
func (l *Ledger) Export(ctx context.Context, from uint64, each func(line []byte) error) (Head, Tally, error) {
	x := &exporter{sealer: l.sealer, ctx: ctx, from: max(from, 1), each: each}
	if err := l.walk(x.visit); err != nil {
		return Head{}, Tally{}, fmt.Errorf("cannot export the ledger: %w", err)
	}
	if x.run == nil {
		return Head{}, Tally{}, fmt.Errorf("cannot export the ledger: record %d does not exist", x.from)
	}
	return x.run.head, x.run.tally, nil
}

// walk visits all segments in order, each read in sequence first: bbolt's map
// is read at random, which on cold flash is several times slower.
func (l *Ledger) walk(visit func(tx *bbolt.Tx, st *state, last bool) error) error {
	err := guard(func() error {
		db, tx, segment, err := l.snapshot()
		if err != nil {
			return err
		}
		defer db.end(tx)
		for n := uint64(1); n < segment; n++ {
			if err := l.walkSealed(n, visit); err != nil {
				return err
			}
		}
		if err := readAhead(tx, db.file); err != nil {
			return err
		}
		st, err := readState(tx, l.sealer, segment)
		if err != nil {
			return err
		}
		return visit(tx, st, true)
	})
	if errors.Is(err, ErrDamaged) {
		l.harmed.Store(true)
	}
	return err
}

// snapshot begins reading the last segment and returns its number.
func (l *Ledger) snapshot() (*segment, *bbolt.Tx, uint64, error) {
	l.files.RLock()
	defer l.files.RUnlock()
	if l.db == nil {
		return nil, nil, 0, ErrClosed
	}
	tx, err := l.db.begin(false)
	return l.db, tx, l.current.Load().segment, err
}

func (l *Ledger) walkSealed(n uint64, visit func(tx *bbolt.Tx, st *state, last bool) error) error {
	db, st, err := openSegment(l.dir, l.sealer, n, l.max, true)
	if err != nil {
		return err
	}
	err = db.View(func(tx *bbolt.Tx) error {
		if err := readAhead(tx, db.file); err != nil {
			return err
		}
		return visit(tx, st, false)
	})
	return errors.Join(err, db.close())
}

// readAhead reads the segment once through its open file and looks at all its
// pages; opening it a second time would drop bbolt's lock on Android.
func readAhead(tx *bbolt.Tx, file io.ReaderAt) error {
	if _, err := tx.WriteTo(struct{ io.Writer }{io.Discard}); err != nil {
		return fmt.Errorf("cannot read a segment: %w", ofTheMedium(ofShort(err)))
	}
	return checkPages(tx, file, true)
}

type exporter struct {
	sealer *sealer
	ctx    context.Context
	from   uint64
	each   func(line []byte) error

	run  *running
	line []byte
}

// visit exports one segment; run is nil until the first record is found.
func (x *exporter) visit(tx *bbolt.Tx, st *state, last bool) error {
	end := st.running.head
	if x.run == nil {
		if end.Seq < x.from && !(last && x.from == end.Seq+1) {
			return nil
		}
		before, err := x.before(tx, st)
		if err != nil {
			return err
		}
		x.run = startAt(before)
	} else if x.run.head != st.base {
		return fmt.Errorf("%w: segment %d does not follow the one before it", ErrDamaged, st.segment)
	}
	if err := scan(x.ctx, tx, x.sealer, x.run, x.emit); err != nil {
		return err
	}
	if x.run.head != end {
		return fmt.Errorf("%w: segment %d ends at record %d of %d", ErrDamaged, st.segment, x.run.head.Seq, end.Seq)
	}
	return nil
}

// before returns the head as it was before record from.
func (x *exporter) before(tx *bbolt.Tx, st *state) (Head, error) {
	if x.from <= st.base.Seq+1 {
		return st.base, nil
	}
	seq := x.from - 1
	chain, _, err := x.sealer.openRecord(nil, seq, tx.Bucket(recordBucket).Get(seqKey(seq)))
	if err != nil {
		return Head{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return Head{Seq: seq, Chain: chain}, nil
}

func (x *exporter) emit(chain [32]byte, raw []byte) error {
	x.line = append(x.line[:0], `{"c":"`...)
	x.line = hex.AppendEncode(x.line, chain[:])
	x.line = append(x.line, `","t":`...)
	x.line = append(x.line, raw...)
	x.line = append(x.line, "}\n"...)
	return outside(func() error { return x.each(x.line) })
}

// scan carries run along over the segment's records that follow its head,
// opening and checking each: number, chain, order, allow-list.
func scan(ctx context.Context, tx *bbolt.Tx, s *sealer, run *running, each func(chain [32]byte, raw []byte) error) error {
	var plain []byte
	cursor := tx.Bucket(recordBucket).Cursor()
	for key, sealed := cursor.Seek(seqKey(run.head.Seq + 1)); key != nil; key, sealed = cursor.Next() {
		seq := run.head.Seq + 1
		if seq%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if !bytes.Equal(key, seqKey(seq)) {
			return fmt.Errorf("%w: record %d is missing", ErrDamaged, seq)
		}
		plain = slices.Grow(plain[:0], len(sealed))
		chain, raw, err := s.openRecord(plain, seq, sealed)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		if err := follow(run, chain, raw); err != nil {
			return fmt.Errorf("%w: record %d: %w", ErrDamaged, seq, err)
		}
		if err := each(chain, raw); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// follow takes one stored record into run if it gives the chain value that was
// stored with it. An error changes nothing.
func follow(run *running, chain [32]byte, raw []byte) error {
	rec, err := ParseRecord(raw)
	if err != nil {
		return err
	}
	if link(run.head.Chain, raw) != chain {
		return errChain
	}
	return run.take(&rec, chain)
}
