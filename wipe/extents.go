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
	fiemapShared   = 0x2000
	fiemapUpToHere = ^uint64(0)
	fiemapBatch    = 64
)

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
			all = append(all, Extent{e.logical, e.physical, e.length, e.flags&fiemapShared != 0})
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
