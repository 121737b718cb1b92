package wipe

import "encoding/binary"

// What of xfs's superblock is read here (Linux, fs/xfs/libxfs/xfs_format.h). It lies
// at the very beginning, the upper bytes first.
const (
	xfsMagic     = 0x58465342
	xfsBlock     = 4
	xfsLogStart  = 48 // 0: it is on another device
	xfsGroup     = 84 // blocks of an allocation group
	xfsGroups    = 88
	xfsLogBlocks = 96
	xfsGroupLog  = 124 // in how many bits of a block's number its place in the group stands
)

// xfsLog is what the kernel told of the log; without a map of owners (rmapbt) it
// tells nothing, and the superblock is asked.
func (w *work) xfsLog(told []Extent) []Extent {
	raw := aligned(4096)
	if len(told) > 0 || w.readAll(w.block, raw, 0) != nil {
		return told
	}
	if e, ok := xfsLogOf(raw); ok {
		return []Extent{e}
	}
	return nil
}

// xfsLogOf is where the log lies, if it is on this device.
func xfsLogOf(super []byte) (Extent, bool) {
	be32 := func(at int) uint64 { return uint64(binary.BigEndian.Uint32(super[at:])) }
	start, bits := binary.BigEndian.Uint64(super[xfsLogStart:]), super[xfsGroupLog]
	block, length := be32(xfsBlock), be32(xfsLogBlocks)
	if be32(0) != xfsMagic || start == 0 || bits == 0 || bits > 32 || block < 512 || block > 65536 || length == 0 {
		return Extent{}, false
	}
	group, within := start>>bits, start&(1<<bits-1)
	if group >= be32(xfsGroups) || within+length > be32(xfsGroup) {
		return Extent{}, false
	}
	return Extent{Physical: (group*be32(xfsGroup) + within) * block, Length: length * block}, true
}
