package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"

	"go.etcd.io/bbolt"
)

// bbolt follows its own pages without looking: a child that points back at its
// parent, or a length of a gigabyte, takes all memory there is. So the pages are
// looked at before bbolt is let loose on them: all of them before records are
// read through, the ends of every tree when a segment is opened.
//
// Layout (bbolt v1.5.0, internal/common; native byte order):
//
//	page    id u64 | flags u16 | count u16 | overflow u32
//	branch  (pos u32 | ksize u32 | child u64)...
//	leaf    (flags u32 | pos u32 | ksize u32 | vsize u32)...   pos from the element itself
//	bucket  root u64 | sequence u64 | a leaf page, if root is 0
//	meta    magic u32 | version u32 | page size u32 | flags u32 | root u64 | sequence u64 | freelist u64 | end u64 | ...
const (
	pageHeader  = 16
	elementSize = 16
	bucketSize  = 16
	maxDepth    = 16
	maxRun      = 64 // pages of one node; two records of the largest size take three

	branchFlag   = 0x01
	leafFlag     = 0x02
	freelistFlag = 0x10
	bucketEntry  = 0x01
)

var native = binary.NativeEndian

// pageWalk is one look at the pages behind a transaction.
type pageWalk struct {
	file io.ReaderAt
	end  uint64                  // number of the first page that does not exist
	full bool                    // every child, not only the first and the last
	seen []uint64                // a bit for each page that was met
	room [2][maxDepth + 1][]byte // a node of the upper tree and of the lower one, at each depth: read again and again
}

// checkPages answers ErrDamaged if the tree that tx reads, or the list of free
// pages, cannot be what bbolt wrote. In a full walk no page may be used twice.
func checkPages(tx *bbolt.Tx, file io.ReaderAt, full bool) error {
	w := &pageWalk{file: file, end: uint64(tx.Size() / pageSize), full: full}
	w.seen = make([]uint64, w.end/64+1)
	meta := metaOf(tx)
	root, free := native.Uint64(meta[pageHeader+16:]), native.Uint64(meta[pageHeader+32:])
	err := w.node(root, 0, true)
	if err == nil {
		err = w.freelist(free)
	}
	var errno syscall.Errno
	if err = ofTheMedium(err); errors.As(err, &errno) {
		return err // bytes that were not given are not wrong ones, unless the medium has lost them
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}

// metaOf returns the meta page of this very transaction, which a copy of the
// file begins with.
func metaOf(tx *bbolt.Tx) []byte {
	first := &firstPage{}
	_, _ = tx.WriteTo(first) // firstPage breaks it off, on purpose
	return first.page[:]
}

type firstPage struct{ page [pageSize]byte }

func (f *firstPage) Write(p []byte) (int, error) {
	copy(f.page[:], p)
	return 0, errors.New("one page is enough")
}

// run reads the pages of one node into b, whose header must name itself.
func (w *pageWalk) run(id uint64, limit uint64, b []byte) ([]byte, error) {
	if id < 2 || id >= w.end {
		return nil, fmt.Errorf("page %d does not exist", id)
	}
	var head [pageHeader]byte
	if _, err := w.file.ReadAt(head[:], int64(id)*pageSize); err != nil {
		return nil, ofShort(err)
	}
	more := uint64(native.Uint32(head[12:]))
	if native.Uint64(head[:]) != id || more >= w.end-id || more >= limit {
		return nil, fmt.Errorf("the header of page %d", id)
	}
	for n := id; n <= id+more; n++ {
		if w.met(n) {
			return nil, fmt.Errorf("page %d is used twice", n)
		}
		w.seen[n/64] |= 1 << (n % 64)
	}
	b = slices.Grow(b[:0], int(more+1)*pageSize)[:(more+1)*pageSize]
	_, err := w.file.ReadAt(b, int64(id)*pageSize)
	return b, ofShort(err)
}

func (w *pageWalk) met(page uint64) bool { return w.seen[page/64]&(1<<(page%64)) != 0 }

func (w *pageWalk) node(id uint64, depth int, top bool) error {
	tree := 0
	if top {
		tree = 1
	}
	b, err := w.run(id, maxRun, w.room[tree][depth])
	if err != nil {
		return err
	}
	w.room[tree][depth] = b
	switch flags := native.Uint16(b[8:]); {
	case flags == leafFlag:
		return w.leaf(b, top)
	case flags == branchFlag && depth < maxDepth:
		return w.branch(b, depth, top)
	}
	return fmt.Errorf("page %d is no node here", id)
}

func (w *pageWalk) branch(b []byte, depth int, top bool) error {
	count := int(native.Uint16(b[10:]))
	if count == 0 || pageHeader+count*elementSize > len(b) {
		return errors.New("the length of a branch")
	}
	for i := range count {
		at := pageHeader + i*elementSize
		if !within(b, at, native.Uint32(b[at:]), native.Uint32(b[at+4:]), 0) {
			return errors.New("a key outside its page")
		}
		if !w.full && i != 0 && i != count-1 {
			continue
		}
		if err := w.node(native.Uint64(b[at+8:]), depth+1, top); err != nil {
			return err
		}
	}
	return nil
}

// leaf checks one leaf; at the top its entries are buckets, below they are none.
func (w *pageWalk) leaf(b []byte, top bool) error {
	count := int(native.Uint16(b[10:]))
	if pageHeader+count*elementSize > len(b) {
		return errors.New("the length of a leaf")
	}
	for i := range count {
		at := pageHeader + i*elementSize
		flags, pos, key, value := native.Uint32(b[at:]), native.Uint32(b[at+4:]), native.Uint32(b[at+8:]), native.Uint32(b[at+12:])
		if !within(b, at, pos, key, value) {
			return errors.New("an entry outside its page")
		}
		if (flags == bucketEntry) != top || flags > bucketEntry {
			return errors.New("the kind of an entry")
		}
		if top {
			start := at + int(pos) + int(key)
			if err := w.bucket(b[start : start+int(value)]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *pageWalk) bucket(b []byte) error {
	if len(b) < bucketSize {
		return errors.New("the length of a bucket")
	}
	if root := native.Uint64(b); root != 0 {
		return w.node(root, 0, false)
	}
	if b = b[bucketSize:]; len(b) < pageHeader || native.Uint16(b[8:]) != leafFlag {
		return errors.New("an inline bucket")
	}
	return w.leaf(b, false)
}

// within reports whether key and value of the element at that place lie in b.
func within(b []byte, at int, pos, key, value uint32) bool {
	return uint64(at)+uint64(pos)+uint64(key)+uint64(value) <= uint64(len(b)) && pos >= elementSize
}

// freelist checks the list of free pages: rising, existing, and in no use that
// this walk has seen.
func (w *pageWalk) freelist(id uint64) error {
	b, err := w.run(id, w.end, nil)
	if err != nil {
		return err
	}
	count, at := uint64(native.Uint16(b[10:])), pageHeader
	if count == 0xffff {
		count, at = native.Uint64(b[at:]), at+8
	}
	if native.Uint16(b[8:]) != freelistFlag || count > uint64(len(b)-at)/8 {
		return errors.New("the list of free pages")
	}
	before := uint64(1)
	for ; count > 0; count, at = count-1, at+8 {
		free := native.Uint64(b[at:])
		if free <= before || free >= w.end || w.met(free) {
			return errors.New("the list of free pages")
		}
		before = free
	}
	return nil
}
