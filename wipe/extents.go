package wipe

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The FIEMAP request (Linux, include/uapi/linux/fiemap.h).
const (
	fiemapRequest  = 0xC020660B
	fiemapSync     = 0x1
	fiemapLast     = 0x1
	fiemapUpToHere = ^uint64(0)
	fiemapBatch    = 64
)

// Extent is one stretch of a file and its place on the medium, in bytes.
type Extent struct {
	Logical, Physical, Length uint64
	Shared                    bool   // with another file or a snapshot
	Flags                     uint32 // what FIEMAP says besides
}

// What FIEMAP says of an extent.
const (
	extentUnknown   = 0x2 // no place yet
	extentDelayed   = 0x4
	extentEncoded   = 0x8
	extentEncrypted = 0x80
	extentUnaligned = 0x100
	extentInline    = 0x200 // inside the file system's own blocks
	extentTail      = 0x400
	extentUnwritten = 0x800 // has a place, reads as zeros
	extentShared    = 0x2000

	// With any of these the place is not one that holds the file's bytes and
	// nothing else.
	extentElsewhere = extentUnknown | extentDelayed | extentEncoded | extentEncrypted |
		extentUnaligned | extentInline | extentTail | extentShared
)

func (e Extent) plain() bool { return !e.Shared && e.Flags&extentElsewhere == 0 && e.Physical != 0 }

type fiemap struct {
	start, length                uint64
	flags, mapped, room, ignored uint32
	extents                      [fiemapBatch]fiemapExtent
}

type fiemapExtent struct {
	logical, physical, length uint64
	_                         [2]uint64
	flags                     uint32
	_                         [3]uint32
}

// Extents asks where the file's blocks lie, flushing first so that all of them
// have a place.
func (Kernel) Extents(fd int) ([]Extent, error) {
	var all []Extent
	for start := uint64(0); ; {
		m := fiemap{start: start, length: fiemapUpToHere - start, flags: fiemapSync, room: fiemapBatch}
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), fiemapRequest, uintptr(unsafe.Pointer(&m)))
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return nil, errno
		}
		for _, e := range m.extents[:min(m.mapped, fiemapBatch)] {
			all = append(all, Extent{e.logical, e.physical, e.length, e.flags&extentShared != 0, e.flags &^ fiemapLast})
			start = e.logical + e.length
			if e.flags&fiemapLast != 0 {
				return all, nil
			}
		}
		if m.mapped == 0 || m.start == start {
			return all, nil // nothing more, or a file system that runs in a circle
		}
	}
}

// joined joins neighbours, because writing may join what lay in two pieces
// without moving either.
func joined(extents []Extent) []Extent {
	var all []Extent
	for _, e := range extents {
		if last := len(all) - 1; last >= 0 && !e.Shared && !all[last].Shared &&
			all[last].Logical+all[last].Length == e.Logical && all[last].Physical+all[last].Length == e.Physical {
			all[last].Length += e.Length
			continue
		}
		all = append(all, e)
	}
	return all
}

// inPlace tells whether the first size bytes lie after an overwrite where they
// lay before it, in blocks that belonged to nobody else. Both lists are in the
// order of the file.
func inPlace(before, after []Extent, size uint64) bool {
	after = joined(after)
	for _, b := range before {
		if b.Logical >= size {
			return true // room kept for growing, it may come and go
		}
		b.Length = min(b.Length, size-b.Logical)
		for len(after) > 0 && after[0].Logical+after[0].Length < b.Logical+b.Length {
			after = after[1:]
		}
		if b.Shared || len(after) == 0 || !b.within(after[0]) {
			return false
		}
	}
	return true
}

func (e Extent) within(outer Extent) bool {
	return outer.Logical <= e.Logical && outer.Physical-outer.Logical == e.Physical-e.Logical
}
