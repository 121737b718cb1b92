package wipe

import "encoding/binary"

// Where ext4's superblock lies, and what of it is read here (Linux,
// Documentation/filesystems/ext4): the journal's inode is kept there once more.
const (
	ext4SuperAt   = 1024
	ext4Magic     = 0xEF53
	ext4ExtMagic  = 0xF30A
	ext4MaxBlocks = 1 << 20 // of a journal; more is no journal
)

// ext4Journal finds where the journal lies, by the copy of its inode in the
// superblock. It is nothing where there is none, where it is on another device,
// or where it lies in more pieces than the copy tells.
func (w *work) ext4Journal() []Extent {
	raw := aligned(4096)
	if err := w.readAll(w.block, raw, 0); err != nil {
		return nil
	}
	return journalOf(raw[ext4SuperAt : ext4SuperAt+1024])
}

func journalOf(super []byte) []Extent {
	le16 := func(at int) uint16 { return binary.LittleEndian.Uint16(super[at:]) }
	le32 := func(at int) uint32 { return binary.LittleEndian.Uint32(super[at:]) }
	if le16(0x38) != ext4Magic || le32(0x18) > 6 || super[0xFD] != 1 {
		return nil
	}
	block := uint64(1024) << le32(0x18)
	const tree = 0x10C
	if le16(tree) != ext4ExtMagic || le16(tree+6) != 0 || le16(tree+2) > 4 {
		return nil // an old map of blocks, or a tree that is deeper
	}
	var all []Extent
	for i := range int(le16(tree + 2)) {
		at := tree + 12 + 12*i
		logical, length := uint64(le32(at)), uint64(le16(at+4))
		physical := uint64(le16(at+6))<<32 | uint64(le32(at+8))
		if length > 32768 || physical == 0 || logical > ext4MaxBlocks {
			return nil
		}
		all = append(all, Extent{Logical: logical * block, Physical: physical * block, Length: length * block})
	}
	return all
}
