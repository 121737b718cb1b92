package ledger

import (
	"context"
	"fmt"

	"go.etcd.io/bbolt"
)

// Verify reads everything that is stored and checks it: every seal, number and
// chain value, every reader's order, the totals each segment remembers, that
// the segments follow one another and that nothing else is in them. nil means
// that it is what Append wrote; ErrDamaged that it is not. After
// that this Ledger writes nothing more.
func (l *Ledger) Verify(ctx context.Context) error {
	v := &verifier{sealer: l.sealer, ctx: ctx}
	if err := l.walk(v.visit); err != nil {
		return fmt.Errorf("cannot verify the ledger: %w", err)
	}
	return nil
}

type verifier struct {
	sealer *sealer
	ctx    context.Context

	run   *running
	start [32]byte
}

func (v *verifier) visit(tx *bbolt.Tx, st *state, _ bool) error {
	if err := v.begin(tx, st); err != nil {
		return err
	}
	nothing := func([32]byte, []byte) error { return nil }
	if err := scan(v.ctx, tx, v.sealer, v.run, nothing); err != nil {
		return err
	}
	return v.end(st)
}

// begin says that the segment follows the one before it, and holds no more than
// it should.
func (v *verifier) begin(tx *bbolt.Tx, st *state) error {
	if v.run == nil {
		v.start = st.start
		v.run = startAt(Head{Chain: st.start})
	}
	if st.base != v.run.head || st.start != v.start {
		return fmt.Errorf("%w: segment %d does not follow the one before it", ErrDamaged, st.segment)
	}
	return onlyOurs(tx, st)
}

// end says that the records give the totals that the segment remembers.
func (v *verifier) end(st *state) error {
	if !v.run.equal(st.running) {
		return fmt.Errorf("%w: the totals of segment %d are not those of its records", ErrDamaged, st.segment)
	}
	return nil
}

// onlyOurs checks that the segment holds the two buckets, the two entries of
// the second, and no record before its base.
func onlyOurs(tx *bbolt.Tx, st *state) error {
	buckets := 0
	err := tx.ForEach(func([]byte, *bbolt.Bucket) error { buckets++; return nil })
	if err != nil {
		return err
	}
	entries := 0
	err = tx.Bucket(stateBucket).ForEach(func(_, _ []byte) error { entries++; return nil })
	if err != nil {
		return err
	}
	first, _ := tx.Bucket(recordBucket).Cursor().First()
	early := first != nil && string(first) != string(seqKey(st.base.Seq+1))
	if buckets != 2 || entries != 2 || early {
		return fmt.Errorf("%w: segment %d holds more than its records", ErrDamaged, st.segment)
	}
	return nil
}
