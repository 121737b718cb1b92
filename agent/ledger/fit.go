package ledger

import "slices"

// line is what of a carving is the ledger's: for each number from first on the
// one piece that is its record, or none.
type line struct {
	first  uint64
	pieces []piece // seq 0: not there
}

// missing names the numbers without a record.
func (l *line) missing() (spans []Span) {
	for i, p := range l.pieces {
		if p.seq == 0 {
			spans = addTo(spans, l.first+uint64(i))
		}
	}
	return spans
}

// fit decides which pieces are the records from base to end. A file may hold a
// record that a cut commit left and another one of the same number that took
// its place; so a record counts if the chain leads to it, backwards from the
// end or forwards from the base, or if there is no other of its number and it
// fits all that is known around it.
func (c *carving) fit(base, end Head) *line {
	l := &line{first: base.Seq + 1}
	if end.Seq > base.Seq {
		l.pieces = make([]piece, end.Seq-base.Seq)
	}
	low := c.backwards(l, base, end)
	c.forwards(l, base, low)
	c.meet(l, low, end)
	for i := 0; i < len(l.pieces) && c.ctx.Err() == nil; i++ {
		if l.pieces[i].seq == 0 {
			i += len(c.island(l, i, base, end))
		}
	}
	return l
}

// island takes the sole pieces from place i on up to the next hole, if each of
// them follows the one before it and all fit what lies on both sides; a stale one
// among them leaves none. It returns what it looked at.
func (c *carving) island(l *line, i int, base, end Head) (pieces []piece) {
	before, known := base.Chain, i == 0 && base.Chain != [32]byte{}
	if i > 0 && l.pieces[i-1].seq != 0 {
		_, chain, _, err := c.open(l.pieces[i-1])
		before, known = chain, err == nil
	}
	fits := true
	for at := i; at < len(l.pieces); at++ {
		p, placed := l.pieces[at], l.pieces[at].seq != 0
		if all := c.of(l.first + uint64(at)); !placed && len(all) == 1 {
			p = all[0]
		}
		if p.seq == 0 {
			break
		}
		_, chain, raw, err := c.open(p)
		if err != nil || known && link(before, raw) != chain {
			fits = false
		}
		if placed {
			break
		}
		if p.seq == end.Seq && end.Chain != [32]byte{} && chain != end.Chain {
			fits = false
		}
		before, known, pieces = chain, true, append(pieces, p)
	}
	if fits {
		copy(l.pieces[i:], pieces)
	}
	return pieces
}

// backwards follows the chain from the end down and returns the lowest number
// that it leads to.
func (c *carving) backwards(l *line, base, end Head) uint64 {
	want := [][32]byte{end.Chain}
	for seq := end.Seq; seq > base.Seq && c.ctx.Err() == nil; seq-- {
		var before [][32]byte
		for _, p := range c.of(seq) {
			_, chain, raw, err := c.open(p)
			if err != nil || !slices.Contains(want, chain) {
				continue
			}
			l.pieces[seq-l.first] = p
			before = c.linked(seq-1, base, chain, raw)
			break
		}
		if l.pieces[seq-l.first].seq == 0 {
			return seq + 1
		}
		want = before
	}
	return l.first
}

// linked returns the chain values of record seq, or of the base, that raw and
// its chain value follow.
func (c *carving) linked(seq uint64, base Head, after [32]byte, raw []byte) (before [][32]byte) {
	if seq == base.Seq {
		if link(base.Chain, raw) == after {
			return [][32]byte{base.Chain}
		}
		return nil
	}
	for _, p := range c.of(seq) {
		if _, chain, _, err := c.open(p); err == nil && link(chain, raw) == after {
			before = append(before, chain)
		}
	}
	return before
}

// forwards follows the chain from the base up to, and without, record end.
func (c *carving) forwards(l *line, base Head, end uint64) {
	for head := base; head.Seq+1 < end; {
		p, next, ok := c.next(head)
		if !ok {
			return
		}
		l.pieces[next.Seq-l.first] = p
		head = next
	}
}

// meet drops the last piece that the chain led to from the base, where it meets
// what the end vouches for and does not fit it: a cut commit left it, and the
// record that took its place is lost.
func (c *carving) meet(l *line, low uint64, end Head) {
	at := int(low) - int(l.first)
	if at < 1 || l.pieces[at-1].seq == 0 {
		return
	}
	_, chain, _, err := c.open(l.pieces[at-1])
	fits := err == nil && (end.Chain == [32]byte{} || chain == end.Chain)
	if at < len(l.pieces) {
		_, after, raw, failed := c.open(l.pieces[at])
		fits = err == nil && failed == nil && link(chain, raw) == after
	}
	if !fits {
		l.pieces[at-1] = piece{}
	}
}

// next is the one piece that follows head; ok is false if there is none, or
// more than one.
func (c *carving) next(head Head) (found piece, after Head, ok bool) {
	n := 0
	for _, p := range c.of(head.Seq + 1) {
		if _, chain, raw, err := c.open(p); err == nil && link(head.Chain, raw) == chain {
			found, after = p, Head{head.Seq + 1, chain}
			n++
		}
	}
	return found, after, n == 1
}
