package ledger

import (
	"bytes"
	"encoding/binary"
)

// mostOpened is how many bytes are tried in all where a length is not known: seconds
// of work, whatever false keys are in the file.
const mostOpened = 1 << 30

// byKeys looks for records whose leaf does not lead to them any more: for their
// keys, anywhere. A value ends where the next record's key begins, or where its
// seal opens.
func (c *carving) byKeys(missing []Span) {
	if len(missing) == 0 {
		return
	}
	window, opened, found := make([]byte, carveStep+carveMore), 0, map[uint64]bool{}
	for at := int64(0); at < c.size; at += carveStep {
		b := c.bytesAt(window, at)
		for i := 0; i < carveStep && i+8+minRecord <= len(b) && c.ctx.Err() == nil; i++ {
			seq := binary.BigEndian.Uint64(b[i:])
			if b[i] != 0 || !spansHold(missing, seq) || found[seq] {
				continue
			}
			found[seq] = c.endOf(seq, b[i+8:min(i+8+maxRecord, len(b))], at+int64(i)+8, &opened)
		}
	}
	c.settle()
}

func (c *carving) endOf(seq uint64, b []byte, at int64, opened *int) bool {
	for from := minRecord; from+8 <= len(b) && c.ctx.Err() == nil; {
		n := bytes.Index(b[from:], seqKey(seq+1))
		if n < 0 {
			break
		}
		if *opened += from + n; *opened > mostOpened {
			return false
		}
		if c.record(seq, b[:from+n], at) {
			return true
		}
		from += n + 1
	}
	for n := minRecord; n <= len(b) && c.ctx.Err() == nil; n++ {
		if *opened += n; *opened > mostOpened {
			return false
		}
		if c.record(seq, b[:n], at) {
			return true
		}
	}
	return false
}
