package ledger

import (
	"bytes"
	"hash/fnv"
	"io"
)

const metaSize = 64

// wholeMeta tells a meta page, header and all, that bbolt wrote to its end.
func wholeMeta(page []byte) bool {
	if len(page) < pageHeader+metaSize {
		return false
	}
	m := page[pageHeader:][:metaSize]
	sum := fnv.New64a()
	sum.Write(m[:metaSize-8])
	return sum.Sum64() == native.Uint64(m[metaSize-8:])
}

// oneMetaLost says that one of the two meta pages is not whole: the one that is
// may be the older, and bbolt takes it for the end without a word.
func oneMetaLost(file io.ReaderAt) (bool, error) {
	page := make([]byte, pageHeader+metaSize)
	for _, at := range []int64{0, pageSize} {
		if _, err := file.ReadAt(page, at); err != nil {
			return false, err
		}
		if !wholeMeta(page) {
			return true, nil
		}
	}
	return false, nil
}

// live follows the newest meta page that is whole to the state. Where both are
// whole, nothing was committed after it.
func (c *carving) live() *state {
	var root, newest uint64
	c.metas = 0
	for _, at := range []int64{0, pageSize} {
		m := c.bytesAt(make([]byte, pageHeader+metaSize), at)
		if !wholeMeta(m) {
			continue
		}
		c.metas++
		m = m[pageHeader:]
		if tx := native.Uint64(m[metaSize-16:]); tx >= newest {
			root, newest = native.Uint64(m[16:]), tx
		}
	}
	bucket := c.entry(c.page(root), stateBucket)
	if len(bucket) < bucketSize {
		return nil
	}
	leaf := bucket[bucketSize:]
	if at := native.Uint64(bucket); at != 0 {
		leaf = c.page(at)
	}
	st, err := c.sealer.openState(c.number, c.entry(leaf, stateKey))
	if err != nil {
		return nil
	}
	return st
}

// page reads one node, or nothing.
func (c *carving) page(id uint64) []byte {
	if id < 2 || id >= uint64(c.size/pageSize) {
		return nil
	}
	b := c.bytesAt(make([]byte, maxRun*pageSize), int64(id)*pageSize)
	if native.Uint64(b) != id {
		return nil
	}
	return b
}

// entry returns a leaf's value under a key, or nothing.
func (c *carving) entry(b []byte, key []byte) []byte {
	if len(b) < pageHeader || native.Uint16(b[8:]) != leafFlag {
		return nil
	}
	for i := range min(int(native.Uint16(b[10:])), (len(b)-pageHeader)/elementSize) {
		e := pageHeader + i*elementSize
		pos, ksize, vsize := native.Uint32(b[e+4:]), native.Uint32(b[e+8:]), native.Uint32(b[e+12:])
		if !within(b, e, pos, ksize, vsize) {
			continue
		}
		k := e + int(pos)
		if v := k + int(ksize); bytes.Equal(b[k:v], key) {
			return b[v : v+int(vsize)]
		}
	}
	return nil
}
