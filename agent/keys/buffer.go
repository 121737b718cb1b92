package keys

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// newBuffer returns zeroed memory outside of Go's heap, so that no collector
// copies it: whole pages of its own, locked against swapping, left out of core
// dumps, and empty in a forked child. A kernel that refuses the locking (a small
// RLIMIT_MEMLOCK, a container) is no reason not to trade; it is told.
func newBuffer(size int) (b []byte, locked bool) {
	if size == 0 {
		return []byte{}, true
	}
	page := os.Getpagesize()
	whole := (size + page - 1) / page * page
	b, err := unix.Mmap(-1, 0, whole, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return make([]byte, size), false
	}
	locked = unix.Mlock(b) == nil
	locked = unix.Madvise(b, unix.MADV_DONTDUMP) == nil && locked
	// Linux before 4.14 does not know it. Nothing here forks without an exec.
	_ = unix.Madvise(b, unix.MADV_WIPEONFORK)
	return b[:size], locked
}

// releaseBuffer clears a buffer and hands its pages back to the kernel. The
// addresses stay taken, as zeros that cost no memory: a slice that somebody
// still has reads zeros then, where unmapping would end the daemon. They are
// mapped anew, not only emptied: fresh neighbours are one mapping to the kernel,
// and a process may have no more than some 65,000 of them in all its years.
func releaseBuffer(b []byte) {
	clear(b)
	whole := b[:cap(b)]
	if len(whole) == 0 || len(whole)%os.Getpagesize() != 0 {
		return // it was never mapped
	}
	// Cleared already; what these refuse costs a page and no secret.
	_ = unix.Munlock(whole)
	if mapAnew(whole, unix.PROT_READ|unix.PROT_WRITE) != nil {
		// Before Linux 6.12 a mapping that is refused may have taken the old one away.
		// One that is only read is never refused for want of memory.
		_ = mapAnew(whole, unix.PROT_READ)
	}
}

// mapAnew puts fresh zeros where b lies.
func mapAnew(b []byte, prot int) error {
	_, err := unix.MmapPtr(-1, 0, unsafe.Pointer(&b[0]), uintptr(len(b)), prot, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_FIXED)
	return err
}
