package ledger

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// A damaged segment is not opened: its bytes are read, and every value in them
// whose seal opens in its own place is taken. So nothing of bbolt's own, meta
// page, tree or list of free pages, has to be whole, and what is taken is proven
// one by one.

const (
	minRecord = nonceSize + chainSize + 16    // sealed
	maxRecord = minRecord + maxBody + 64      // with the number that the ledger adds
	carveStep = 1 << 20                       // read at a time
	carveMore = maxRecord + 2*8               // read beyond, so that no record is cut in two
	_         = uint(carveStep - 4*carveMore) // it has to be much more
)

// piece is a sealed record in a file that opened as record seq.
type piece struct {
	seq  uint64
	at   int64
	size uint32
	mark uint64 // of its chain value: the same record is in the file many times
}

// carving is what was found in one segment's file.
type carving struct {
	ctx    context.Context
	file   *os.File
	read   io.ReaderAt // file
	size   int64
	sealer *sealer
	number uint64

	after   uint64         // only records behind this one are looked for
	metas   int            // of bbolt's two meta pages, how many are whole
	newest  *state         // the state that bbolt's own pages lead to, if they do
	pieces  []piece        // by number, each different one once
	states  []*state       // the newest first
	plain   []byte         // empty; room to open one in
	unread  map[int64]bool // pages that the medium did not give
	foreign uint64         // the segment whose state is in the file, if it is another's
}

// carve reads a segment's file, whatever is in it. The memory it takes is
// bounded by the size of one segment: 32 bytes a record. Records up to number
// after are passed over.
func carve(ctx context.Context, path string, s *sealer, number, after uint64) (*carving, error) {
	if info, err := os.Lstat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: segment %d is no file", ErrDamaged, number)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	c := &carving{ctx: ctx, after: after, file: file, read: file, size: info.Size(), sealer: s, number: number, unread: map[int64]bool{}, plain: make([]byte, 0, maxRecord)}
	c.newest = c.live()
	c.pages()
	c.settle()
	if err := ctx.Err(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return c, nil
}

func (c *carving) close() error { return c.file.Close() }

// settle sorts what was found and drops what was found twice.
func (c *carving) settle() {
	slices.SortFunc(c.pieces, func(a, b piece) int { return cmp.Or(cmp.Compare(a.seq, b.seq), cmp.Compare(a.mark, b.mark)) })
	c.pieces = slices.CompactFunc(c.pieces, func(a, b piece) bool { return a.seq == b.seq && a.mark == b.mark })
	c.pieces = slices.Clip(c.pieces)
	slices.SortStableFunc(c.states, func(a, b *state) int { return cmp.Compare(b.running.head.Seq, a.running.head.Seq) })
}

// bytesAt reads without an end: what the medium does not give is zeros.
func (c *carving) bytesAt(b []byte, at int64) []byte {
	n, err := c.read.ReadAt(b, at)
	if err == nil || err == io.EOF {
		return b[:n]
	}
	clear(b[n:])
	for from := 0; from < len(b); from += pageSize {
		part := b[from:min(from+pageSize, len(b))]
		if _, err := c.read.ReadAt(part, at+int64(from)); err != nil && err != io.EOF {
			clear(part)
			c.unread[(at+int64(from))/pageSize] = true
		}
	}
	return b[:min(int64(len(b)), max(0, c.size-at))]
}

// pages looks at every page as if it were a leaf, in use or not.
func (c *carving) pages() {
	window := make([]byte, carveStep+maxRun*pageSize)
	for at := int64(0); at < c.size; at += carveStep {
		b := c.bytesAt(window, at)
		for from := 0; c.ctx.Err() == nil && from < carveStep && from+pageHeader <= len(b); from += pageSize {
			if native.Uint16(b[from+8:]) == leafFlag {
				c.leaf(b[from:], at+int64(from))
			}
		}
	}
}

// leaf takes the entries of what may be a leaf; b goes on beyond its end.
func (c *carving) leaf(b []byte, at int64) {
	count := min(int(native.Uint16(b[10:])), (len(b)-pageHeader)/elementSize)
	for i := range count {
		e := pageHeader + i*elementSize
		flags, pos, ksize, vsize := native.Uint32(b[e:]), native.Uint32(b[e+4:]), native.Uint32(b[e+8:]), native.Uint32(b[e+12:])
		if !within(b, e, pos, ksize, vsize) {
			continue
		}
		key := b[e+int(pos) : e+int(pos)+int(ksize)]
		value := b[e+int(pos)+int(ksize):][:vsize]
		switch {
		case flags&bucketEntry != 0:
			if len(value) > bucketSize+pageHeader && native.Uint64(value) == 0 {
				c.leaf(value[bucketSize:], at+int64(e)+int64(pos)+int64(ksize)+bucketSize)
			}
		case len(key) == 8:
			c.record(binary.BigEndian.Uint64(key), value, at+int64(e)+int64(pos)+8)
		case bytes.Equal(key, stateKey):
			c.state(value)
		}
	}
}

// record takes a value that opens as record seq.
func (c *carving) record(seq uint64, value []byte, at int64) bool {
	if seq <= c.after || seq > maxInt || len(value) < minRecord || len(value) > maxRecord {
		return false
	}
	chain, _, err := c.sealer.openRecord(c.plain, seq, value)
	if err != nil {
		return false
	}
	c.pieces = append(c.pieces, piece{seq, at, uint32(len(value)), binary.BigEndian.Uint64(chain[:])})
	return true
}

// state takes a value that opens as this segment's state, of any age.
func (c *carving) state(value []byte) {
	if st, err := c.sealer.openState(c.number, value); err == nil {
		c.states = append(c.states, st)
		return
	}
	for n := uint64(1); n <= c.number+8 && c.foreign == 0; n++ {
		if _, err := c.sealer.openState(n, value); err == nil {
			c.foreign = n
		}
	}
}

// open reads a piece again and opens it.
func (c *carving) open(p piece) (sealed []byte, chain [32]byte, raw []byte, err error) {
	sealed = make([]byte, p.size)
	if n := len(c.bytesAt(sealed, p.at)); n != len(sealed) {
		return nil, chain, nil, fmt.Errorf("record %d: %w", p.seq, io.ErrUnexpectedEOF)
	}
	chain, raw, err = c.sealer.openRecord(nil, p.seq, sealed)
	return sealed, chain, raw, err
}

// of returns the different pieces that opened as record seq.
func (c *carving) of(seq uint64) []piece {
	from, _ := slices.BinarySearchFunc(c.pieces, seq, func(p piece, seq uint64) int { return cmp.Compare(p.seq, seq) })
	to := from
	for to < len(c.pieces) && c.pieces[to].seq == seq {
		to++
	}
	return c.pieces[from:to]
}
