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
// end or forwards from the base, or if there is no other of its number.
func (c *carving) fit(base, end Head) *line {
	l := &line{first: base.Seq + 1}
	if end.Seq > base.Seq {
		l.pieces = make([]piece, end.Seq-base.Seq)
	}
	c.forwards(l, base, c.backwards(l, base, end))
	for i := range l.pieces {
		if all := c.of(l.first + uint64(i)); l.pieces[i].seq == 0 && len(all) == 1 {
			l.pieces[i] = all[0]
		}
	}
	return l
}

// backwards follows the chain from the end down and returns the lowest number
// that it leads to.
func (c *carving) backwards(l *line, base, end Head) uint64 {
	want := [][32]byte{end.Chain}
	for seq := end.Seq; seq > base.Seq; seq-- {
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
