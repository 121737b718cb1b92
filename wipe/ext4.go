package wipe

import "encoding/binary"

// Where ext4's superblock lies, and what of it is read here (Linux,
// Documentation/filesystems/ext4): the journal's inode is kept there once more.
const (
	ext4SuperAt    = 1024
	ext4Magic      = 0xEF53
	ext4ExtMagic   = 0xF30A
	ext4HasJournal = 0x4     // among the compatible features
	ext4MaxBlocks  = 1 << 20 // of a journal; more is no journal
	ext4MaxDepth   = 5       // of a tree of extents

	ext4Label    = 0x38
	ext4Block    = 0x18 // its size, as a power of two above 1024
	ext4Compat   = 0x5C
	ext4Incompat = 0x60
	ext4Inline   = 0x8000 // among the incompatible features: small files lie in their inodes
	ext4InodeAt  = 0xE0   // the number of the journal's inode; 0: it is on another device
	ext4Backup   = 0xFD   // 1: there is a copy of that inode's map
	ext4Tree     = 0x10C  // the copy: a tree of extents, then the size in two halves, the upper first
	ext4SizeHi   = ext4Tree + 15*4
)

// journal is what is known of where a file system's journal lies on its device.
type journal struct {
	extents   []Extent
	whole     bool // these are all of it; nothing at all where there is none
	elsewhere bool // it is on another device
	inline    bool // it may hold what lay in an inode once
}

// size is how much of it there is to be read.
func (j journal) size() (n int64) {
	for _, e := range j.extents {
		n += int64(e.Length)
	}
	return n
}

// ext4Journal reads where the journal lies, once.
func (w *work) ext4Journal() journal {
	if w.journal != nil {
		return *w.journal
	}
	w.journal = new(journal)
	raw := aligned(4096)
	if w.readAll(w.block, raw, 0) == nil {
		*w.journal = journalOf(raw[ext4SuperAt:ext4SuperAt+1024], func(p []byte, at int64) error { return w.readAll(w.block, p, at) })
	}
	return *w.journal
}

// journalOf follows the copy of the journal's map in the superblock; read reads
// the device. A map of blocks, as older file systems have, is not followed: then
// nothing is known.
func journalOf(super []byte, read func(p []byte, at int64) error) journal {
	j := journalPlace(super, read)
	j.inline = binary.LittleEndian.Uint16(super[ext4Label:]) == ext4Magic && binary.LittleEndian.Uint32(super[ext4Incompat:])&ext4Inline != 0
	return j
}

func journalPlace(super []byte, read func(p []byte, at int64) error) (j journal) {
	le16 := func(at int) uint16 { return binary.LittleEndian.Uint16(super[at:]) }
	le32 := func(at int) uint32 { return binary.LittleEndian.Uint32(super[at:]) }
	switch {
	case le16(ext4Label) != ext4Magic || le32(ext4Block) > 6:
		return j
	case le32(ext4Compat)&ext4HasJournal == 0:
		return journal{whole: true}
	case le32(ext4InodeAt) == 0:
		return journal{elsewhere: true}
	case super[ext4Backup] != 1:
		return j
	}
	t := ext4Extents{block: uint64(1024) << le32(ext4Block), read: read}
	if !t.node(super[ext4Tree:ext4Tree+15*4], ext4MaxDepth) {
		return j
	}
	size := uint64(le32(ext4SizeHi))<<32 | uint64(le32(ext4SizeHi+4))
	return journal{extents: t.found, whole: t.length >= size && size > 0}
}

// ext4Extents gathers the extents of one inode.
type ext4Extents struct {
	block  uint64
	read   func(p []byte, at int64) error
	found  []Extent
	length uint64
}

// node reads a node of the tree: the one in the inode, or one in a block of its own.
func (t *ext4Extents) node(raw []byte, deepest uint16) bool {
	le16 := func(at int) uint16 { return binary.LittleEndian.Uint16(raw[at:]) }
	le32 := func(at int) uint32 { return binary.LittleEndian.Uint32(raw[at:]) }
	entries, depth := int(le16(2)), le16(6)
	if le16(0) != ext4ExtMagic || depth > deepest || 12+12*entries > len(raw) {
		return false
	}
	for i := range entries {
		at := 12 + 12*i
		if depth > 0 {
			if !t.below(uint64(le16(at+8))<<32|uint64(le32(at+4)), depth-1) {
				return false
			}
			continue
		}
		logical, length := uint64(le32(at)), uint64(le16(at+4))
		physical := uint64(le16(at+6))<<32 | uint64(le32(at+8))
		if length == 0 || length > 32768 || physical == 0 || logical+length > ext4MaxBlocks {
			return false
		}
		t.length += length * t.block
		t.found = append(t.found, Extent{Logical: logical * t.block, Physical: physical * t.block, Length: length * t.block})
	}
	return true
}

func (t *ext4Extents) below(place uint64, depth uint16) bool {
	size := max(t.block, 4096) // what a device can be asked for
	if place == 0 || place > 1<<48 || len(t.found) > ext4MaxBlocks {
		return false
	}
	raw, at := aligned(int(size)), place*t.block
	if t.read(raw, int64(at/size*size)) != nil {
		return false
	}
	raw = raw[at%size:][:t.block]
	return binary.LittleEndian.Uint16(raw[6:]) == depth && t.node(raw, depth)
}
