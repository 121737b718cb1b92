package wipe

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
)

// ext4Super is the superblock of a file system whose journal of 4 MiB lies in one
// piece.
func ext4Super() []byte {
	b := make([]byte, 1024)
	put16 := func(at int, v uint16) { binary.LittleEndian.PutUint16(b[at:], v) }
	put16(ext4Label, ext4Magic)
	put16(ext4Compat, ext4HasJournal)
	b[ext4Block], b[ext4InodeAt], b[ext4Backup] = 2, 8, 1
	put16(ext4Tree, ext4ExtMagic)
	put16(ext4Tree+2, 1)
	put16(ext4Tree+12+4, 1024) // blocks
	put16(ext4Tree+12+8, 9000) // where
	binary.LittleEndian.PutUint32(b[ext4SizeHi+4:], 1024*4096)
	return b
}

// TestJournalOf reads the journal's place from a superblock, and never takes for
// whole what is not known.
func TestJournalOf(t *testing.T) {
	where := []Extent{{Physical: 9000 * 4096, Length: 1024 * 4096}}
	for name, c := range map[string]struct {
		change           func(b []byte)
		want             []Extent
		whole, elsewhere bool
	}{
		"one piece":            {func([]byte) {}, where, true, false},
		"longer than its map":  {func(b []byte) { b[ext4SizeHi+4+1]++ }, where, false, false},
		"without a size":       {func(b []byte) { clear(b[ext4SizeHi:][:8]) }, where, false, false},
		"no journal":           {func(b []byte) { b[ext4Compat] = 0 }, nil, true, false},
		"on another device":    {func(b []byte) { b[ext4InodeAt] = 0 }, nil, false, true},
		"another magic":        {func(b []byte) { b[ext4Label]++ }, nil, false, false},
		"no copy of the inode": {func(b []byte) { b[ext4Backup] = 0 }, nil, false, false},
		"blocks too large":     {func(b []byte) { b[ext4Block] = 40 }, nil, false, false},
		"too many pieces":      {func(b []byte) { b[ext4Tree+2] = 5 }, nil, false, false},
		"no place":             {func(b []byte) { clear(b[ext4Tree+12+8:][:4]) }, nil, false, false},
		"a map of blocks":      {func(b []byte) { b[ext4Tree] = 0 }, nil, false, false},
		"a tree without end":   {func(b []byte) { b[ext4Tree+6] = 6 }, nil, false, false},
	} {
		b := ext4Super()
		c.change(b)
		got := journalOf(b, func([]byte, int64) error { return errors.New("not to be read") })
		if !slices.Equal(got.extents, c.want) || got.whole != c.whole || got.elsewhere != c.elsewhere {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestAJournalInManyPieces follows a map that did not fit the inode, and gives up
// the whole of it where one block cannot be read or is none.
func TestAJournalInManyPieces(t *testing.T) {
	super := ext4Super()
	super[ext4Tree+6] = 1                                             // deeper by one
	binary.LittleEndian.PutUint16(super[ext4Tree+2:], 2)              // two blocks of it
	binary.LittleEndian.PutUint64(super[ext4Tree+12+4:], 77)          // where
	binary.LittleEndian.PutUint64(super[ext4Tree+24+4:], 78)          //
	binary.LittleEndian.PutUint32(super[ext4SizeHi+4:], 2*100*4*4096) // what they come to
	leaf := func(n int) []byte {
		b := make([]byte, 4096)
		binary.LittleEndian.PutUint16(b, ext4ExtMagic)
		binary.LittleEndian.PutUint16(b[2:], 100)
		for i := range 100 {
			e := b[12+12*i:]
			binary.LittleEndian.PutUint32(e, uint32(n*400+i*4))
			binary.LittleEndian.PutUint16(e[4:], 4)
			binary.LittleEndian.PutUint32(e[8:], uint32(5000+n*1000+i*8))
		}
		return b
	}
	for name, c := range map[string]struct {
		spoil func(b []byte, n int64) error
		whole bool
	}{
		"readable":      {func([]byte, int64) error { return nil }, true},
		"unreadable":    {func(_ []byte, n int64) error { return errors.New("no") }, false},
		"another block": {func(b []byte, n int64) error { b[0] += byte(n); return nil }, false},
		"in a circle":   {func(b []byte, n int64) error { b[6] = byte(n); return nil }, false},
	} {
		got := journalOf(super, func(p []byte, at int64) error {
			n := at/4096 - 77
			copy(p, leaf(int(n)))
			return c.spoil(p, n)
		})
		if got.whole != c.whole || c.whole && (len(got.extents) != 200 || got.extents[150].Physical != (6000+50*8)*4096) {
			t.Errorf("%s: whole %v, %d pieces", name, got.whole, len(got.extents))
		}
	}
}
