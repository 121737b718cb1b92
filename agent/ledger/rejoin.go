package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"go.etcd.io/bbolt"
)

// After a commit only one of bbolt's two meta pages leads to it. If that page is
// torn by a cut or lost at rest, bbolt goes by the older one without a word, and
// the next commit writes over what was acknowledged. So where one of them is not
// whole, the file is looked through for what follows the end that is left: it
// opens under its seal and the chain leads to it, so it was appended; whether it
// was acknowledged too does no harm, because a reader that sends it again is
// told that it is there.

// openLast opens the last segment for writing, with all that follows its end.
func (l *Ledger) openLast(n uint64) (*segment, *state, error) {
	db, st, err := openSegment(l.dir, l.sealer, n, l.max, false)
	if err != nil {
		return nil, nil, err
	}
	lost, err := oneMetaLost(db.file)
	if err == nil && !lost {
		return db, st, nil
	}
	if err := errors.Join(err, db.close()); err != nil {
		return nil, nil, err
	}
	if err := l.rejoin(n, st); err != nil {
		return nil, nil, err
	}
	return openSegment(l.dir, l.sealer, n, l.max, false)
}

// rejoin commits what follows the state to a copy of the segment, which takes
// its place by a rename. Nothing is written to the segment itself: at every cut
// before the rename it is what it was, and after it all of it is in the other.
func (l *Ledger) rejoin(n uint64, st *state) (err error) {
	path := segmentPath(l.dir, n)
	found, err := carve(context.Background(), path, l.sealer, n, st.running.head.Seq)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, found.close()) }()
	follows, head := found.continuation(st.running.head)
	if found.forks(head) {
		return fmt.Errorf("%w: more than one record follows number %d, and the page that says which is lost", ErrDamaged, head.Seq)
	}
	if len(follows) == 0 {
		return nil
	}
	fresh := path + freshSuffix
	err = found.copyTo(fresh)
	if err == nil {
		err = l.commitBehind(fresh, n, found, follows)
	}
	if err != nil {
		return errors.Join(err, os.Remove(fresh))
	}
	return place(fresh)
}

// forks says that two different records follow head.
func (c *carving) forks(head Head) bool {
	n := 0
	for _, p := range c.of(head.Seq + 1) {
		if _, chain, raw, err := c.open(p); err == nil && link(head.Chain, raw) == chain {
			n++
		}
	}
	return n > 1
}

func (c *carving) copyTo(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, io.NewSectionReader(c.read, 0, c.size))
	return errors.Join(err, f.Sync(), f.Close())
}

// commitBehind puts the records behind the end of the segment in that file as
// they were sealed, and reads back where it ends then.
func (l *Ledger) commitBehind(path string, n uint64, found *carving, follows []piece) error {
	db, st, err := openNumbered(path, l.sealer, n, l.max, false)
	if err != nil {
		return err
	}
	next := &state{segment: n, base: st.base, start: st.start, running: st.running.clone()}
	var sealed [][]byte
	for _, p := range follows {
		value, chain, raw, err := found.open(p)
		if err == nil {
			err = follow(next.running, chain, raw)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("%w: record %d: %w", ErrDamaged, p.seq, err), db.close())
		}
		sealed = append(sealed, value)
	}
	err = guard(func() error {
		return db.Update(func(tx *bbolt.Tx) error { return l.put(tx, next, st.running.head.Seq, sealed) })
	})
	if err == nil {
		err = renewMeta(db)
	}
	if err = errors.Join(err, db.close()); err != nil {
		return err
	}
	if err := fromTheMedium(path); err != nil {
		return err
	}
	db, st, err = openNumbered(path, l.sealer, n, l.max, true)
	if err != nil {
		return err
	}
	if err = guard(func() error { return l.checkEnd(db, st) }); err == nil && !st.running.equal(next.running) {
		err = fmt.Errorf("%w: what was committed anew is not what was read", ErrDamaged)
	}
	return errors.Join(err, db.close())
}
