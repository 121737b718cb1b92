package ledger

import (
	"errors"
	"fmt"
	"os"
)

// salvage looks for the records of a segment that is not whole.
func (c *checker) salvage(n uint64, why error) (Segment, error) {
	s := Segment{Segment: n, Damage: why.Error(), Loss: LossOf(why)}
	found, err := carve(c.ctx, segmentPath(c.dir, n), c.sealer, n, 0)
	if err != nil && !isDamage(err) {
		return s, err
	}
	if err == nil {
		defer found.close()
	} else {
		found = &carving{ctx: c.ctx, sealer: c.sealer, number: n}
	}
	if errors.Is(err, os.ErrNotExist) {
		s.Damage, s.Loss = fmt.Sprintf("%s: the file of segment %d is gone", ErrDamaged, n), SegmentGone
	}
	c.known = c.known || len(found.pieces) > 0 || len(found.states) > 0
	if found.foreign != 0 && found.best() == nil {
		s.Damage, s.Loss = fmt.Sprintf("%s: under its name lies what was written as segment %d", ErrDamaged, found.foreign), Foreign
	}
	if n := len(found.unread); n > 0 {
		s.Damage += fmt.Sprintf("; the medium did not give %d pages", n)
	}
	if s.Loss == Foreign && len(found.pieces)+len(found.states) > 0 {
		s.Loss = "" // a file of this ledger whose first pages are lost
	}
	base, end, certain := c.bounds(n, found)
	l := found.fit(base, end)
	if missing := l.missing(); len(missing) > 0 && found.file != nil {
		found.byKeys(missing)
		l = found.fit(base, end)
	}
	run, follow := c.totals(found, l, base, end)
	if err := c.ctx.Err(); err != nil {
		return s, err
	}
	certain = certain && follow
	s.First, s.Last, s.Missing, s.Open = base.Seq+1, end.Seq, l.missing(), !certain
	s.Whole = end.Seq - base.Seq - spansCount(s.Missing)
	if err := c.handOutPieces(found, l); err != nil {
		return s, err
	}
	before := c.run
	c.run = run
	s.Mendable = len(s.Missing) == 0 && certain && run != nil && found.file != nil
	if !s.Mendable || !c.mend {
		return s, nil
	}
	s.Kept, err = c.rebuild(n, found, l, before, &state{segment: n, base: base, start: c.startOf(found), running: run})
	s.Mended = err == nil
	return s, err
}

func (c *checker) handOutPieces(found *carving, l *line) error {
	if c.each == nil {
		return nil
	}
	for _, p := range l.pieces {
		if p.seq == 0 {
			continue
		}
		_, chain, raw, err := found.open(p)
		if err == nil {
			err = c.each(chain, raw)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// best is the newest state that was found.
func (c *carving) best() *state {
	if c.newest != nil {
		return c.newest
	}
	if len(c.states) > 0 {
		return c.states[0]
	}
	return nil
}

// bounds are the heads before and at the end of the segment, as its neighbours
// and its own states have them; certain is false if it may have held more.
func (c *checker) bounds(n uint64, found *carving) (base, end Head, certain bool) {
	own := found.best()
	switch {
	case c.run != nil:
		base = c.run.head
	case n == 1:
		base = Head{Chain: c.origin(own)}
	case own != nil:
		base = own.base
	case len(found.pieces) > 0:
		base = Head{Seq: found.pieces[0].seq - 1}
	}
	if n < c.count {
		if next, known := c.baseOf(n + 1); known && next.Seq >= base.Seq {
			return base, next, true
		}
	}
	end, certain = found.ending(base)
	return base, end, certain
}

// ending is where a last segment ends. Both meta pages whole, the state that they
// lead to says it; what lies beyond it, a commit that was cut has left. With one
// of them the last commit may be lost, and it is certain only if all that lies
// beyond the state is its one continuation.
func (c *carving) ending(base Head) (end Head, certain bool) {
	end = base
	if own := c.best(); own != nil && own.running.head.Seq > end.Seq {
		end = own.running.head
	}
	if c.newest != nil && c.metas == 2 {
		return end, true
	}
	seen := end.Seq
	for _, st := range c.states {
		seen = max(seen, st.running.head.Seq)
	}
	high, chain := c.highest()
	if seen = max(seen, high); c.newest != nil {
		if follows, after := c.continuation(end); after.Seq == seen && len(follows) == int(after.Seq-end.Seq) {
			return after, true
		}
	}
	for _, st := range c.states {
		if st.running.head.Seq > max(end.Seq, high) {
			return st.running.head, false
		}
	}
	if high > end.Seq {
		end = Head{Seq: high, Chain: chain}
	}
	return end, false
}

// continuation follows the chain behind head while one record alone goes on from it.
func (c *carving) continuation(head Head) (follows []piece, after Head) {
	for c.ctx.Err() == nil {
		p, next, ok := c.next(head)
		if !ok {
			break
		}
		follows, head = append(follows, p), next
	}
	return follows, head
}

// highest is the highest number found, and its chain value if only one has it.
func (c *carving) highest() (seq uint64, chain [32]byte) {
	if len(c.pieces) == 0 {
		return 0, chain
	}
	seq = c.pieces[len(c.pieces)-1].seq
	if all := c.of(seq); len(all) == 1 {
		if _, only, _, err := c.open(all[0]); err == nil {
			chain = only
		}
	}
	return seq, chain
}

func (c *checker) startOf(found *carving) [32]byte {
	if c.start != nil {
		return *c.start
	}
	return c.origin(found.best())
}

// totals are those at the segment's end: counted from the records if all are
// there, follow one another and the totals before them are known, else what a
// state of that very end says, else not known.
func (c *checker) totals(found *carving, l *line, base, end Head) (run *running, follows bool) {
	run = c.run
	if run == nil && l.first == 1 {
		run = startAt(base)
	}
	if run != nil && len(l.missing()) == 0 {
		run = run.clone()
		for _, p := range l.pieces {
			if c.ctx.Err() != nil {
				return nil, false
			}
			_, chain, raw, err := found.open(p)
			if err == nil {
				err = follow(run, chain, raw)
			}
			if err != nil {
				return nil, false // they are not what was appended: nothing is known of their sums
			}
		}
		return run, true
	}
	for _, st := range append([]*state{found.newest}, found.states...) {
		if st != nil && st.running.head == end {
			return st.running, true
		}
	}
	return nil, true
}

// rebuild writes a segment anew from its pieces, verifies it, and puts it in the
// damaged one's place, which is kept beside it. Until the new one is verified
// and on disk, and at every cut after that, one of the two has the name.
func (c *checker) rebuild(n uint64, found *carving, l *line, before *running, st *state) (kept string, err error) {
	release, err := hold(found.file)
	if err != nil {
		return "", err
	}
	defer release()
	fresh, err := c.refill(found, l, st)
	if err == nil {
		err = c.sameAgain(fresh, n, before, st)
	}
	if err == nil {
		kept, err = keep(segmentPath(c.dir, n))
	}
	if err == nil {
		err = place(fresh)
	}
	if err != nil && fresh != "" {
		if gone := os.Remove(fresh); gone != nil && !errors.Is(gone, os.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return kept, err
}
