package wipe

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The GETFSMAP request (Linux, include/uapi/linux/fsmap.h), the same on every
// architecture.
const (
	fsmapRequest = 0xC0C0583B
	fsmapSpecial = 0x10 // the owner is no file
	fsmapLast    = 0x20
	fsmapFree    = 1
	fsmapLog     = 'X'<<32 | 2
	fsmapBatch   = 128
)

type fsmapRecord struct {
	device, flags                   uint32
	physical, owner, offset, length uint64
	_                               [3]uint64
}

type fsmap struct {
	iflags, oflags, count, entries uint32
	_                              [6]uint64
	keys                           [2]fsmapRecord
	records                        [fsmapBatch]fsmapRecord
}

// Unused asks ext4 and xfs where their free blocks are, and their log where they
// tell; only with CAP_SYS_ADMIN is it told which is which.
func (Kernel) Unused(fd int, dev uint64) (free, log []Extent, err error) {
	m := new(fsmap)
	m.count = fsmapBatch
	m.keys[1] = fsmapRecord{device: ^uint32(0), flags: ^uint32(0), physical: ^uint64(0), owner: ^uint64(0), offset: ^uint64(0)}
	want := encoded(dev)
	for {
		if err := ioctl(fd, fsmapRequest, unsafe.Pointer(m)); err != nil {
			return nil, nil, err
		}
		n := min(m.entries, fsmapBatch)
		for _, r := range m.records[:n] {
			e := Extent{Physical: r.physical, Length: r.length}
			switch {
			case r.device != want || r.flags&fsmapSpecial == 0:
			case r.owner == fsmapFree:
				free = append(free, e)
			case r.owner == fsmapLog:
				log = append(log, e)
			}
		}
		if n == 0 || m.records[n-1].flags&fsmapLast != 0 {
			return free, log, nil
		}
		m.keys[0] = m.records[n-1]
	}
}

// encoded is how the kernel writes a device's number in 32 bits.
func encoded(dev uint64) uint32 {
	major, minor := unix.Major(dev), unix.Minor(dev)
	return minor&0xff | major<<8 | minor&^0xff<<12
}
