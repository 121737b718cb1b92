package wipe

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// room is the memory that large files are written from and read into. It is
// mapped at most once an Erase and in large pages where the kernel has them: the
// kernel pins each page of what goes past its cache, and there are over a
// hundred small ones to a chunk.
type room struct {
	mapped []byte // as the kernel gave it
	pages  []byte // the part of it that begins on a large page
}

// The pieces of a room, each of the size of a chunk.
const (
	roomPattern = iota
	roomRead
	roomReadNext
	roomPieces

	largePage = 2 << 20
)

// piece is one of them, cut to size. What is small is not worth a mapping, and
// where none can be had ordinary memory does.
func (r *room) piece(which, size int) []byte {
	if size < chunk/4 || !r.open() {
		return aligned(size)
	}
	return r.pages[which*chunk:][:size:size]
}

func (r *room) open() bool {
	const size = (roomPieces*chunk + largePage - 1) / largePage * largePage
	if r.pages != nil {
		return true
	}
	all, err := unix.Mmap(-1, 0, size+largePage, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return false
	}
	r.mapped, r.pages = all, all[skip(all, largePage):][:size]
	_ = unix.Madvise(r.pages, unix.MADV_HUGEPAGE) // a kernel without them has small ones
	return true
}

// close gives the memory back; nobody may hold a piece of it any more.
func (r *room) close() {
	if r.mapped != nil {
		_ = unix.Munmap(r.mapped) // it goes with the process at the latest
	}
	*r = room{}
}

// aligned is a buffer that begins on a page, as O_DIRECT wants it.
func aligned(size int) []byte {
	const page = 4096
	b := make([]byte, size+page)
	return b[skip(b, page):][:size:size]
}

// skip is how far it is to the next page.
func skip(b []byte, page int) int {
	return (page - int(uintptr(unsafe.Pointer(&b[0]))%uintptr(page))) % page
}
