package lab

import (
	"bytes"
	"errors"
	"slices"
)

// The shape of the flash. A page is programmed once and then only read, until the
// whole block it lies in is erased.
const (
	pageBytes     = 4096
	pagesPerBlock = 64
	// spareBlocks are kept free for moving pages out of the way.
	spareBlocks = 3
)

const nowhere = -1

// ftl maps the pages of a disk to pages of flash, as a card or a stick does: each
// write goes to a fresh page, and the page before it stays as it is until its block
// is needed. It is a model: greedy about which block to clean, blocks used in turn.
// What it shows is a direction and not some product's behaviour.
type ftl struct {
	nand       []byte
	place      []int // of each page of the disk, or nowhere
	owner      []int // of each page of flash, or nowhere
	valid      []int // pages of each block that somebody owns
	free       []int // erased blocks, the next to be used first
	active     int   // the block that is written to
	next       int   // its next page
	trimErases bool  // a trim erases what it unmaps: a device with secure trim

	// programmed, which may be nil, sees every page that is programmed.
	programmed                func(page []byte)
	programs, moved, erasures int
}

// blocksFor is how many blocks of flash a disk has: 7 % more than it shows.
func blocksFor(pages int) int { return (pages*107/100+pagesPerBlock-1)/pagesPerBlock + spareBlocks }

// newFTL makes an erased disk of so many pages over nand, which must be
// blocksFor(pages) blocks long.
func newFTL(pages int, nand []byte) *ftl {
	blocks := blocksFor(pages)
	if len(nand) != blocks*pagesPerBlock*pageBytes {
		panic("the flash is not as long as its blocks")
	}
	f := &ftl{
		nand: nand, place: make([]int, pages), owner: make([]int, blocks*pagesPerBlock), valid: make([]int, blocks),
	}
	for i := range f.place {
		f.place[i] = nowhere
	}
	for i := range f.owner {
		f.owner[i] = nowhere
	}
	for b := 1; b < blocks; b++ {
		f.free = append(f.free, b)
	}
	return f
}

func (f *ftl) page(at int) []byte { return f.nand[at*pageBytes : (at+1)*pageBytes] }

// read fills b with a page of the disk; what was never written, or was trimmed,
// reads as zeros.
func (f *ftl) read(page int, b []byte) {
	if at := f.place[page]; at != nowhere {
		copy(b, f.page(at))
		return
	}
	clear(b[:pageBytes])
}

var errWornOut = errors.New("there is no block to clean")

// write puts a page of the disk onto a fresh page of flash.
func (f *ftl) write(page int, b []byte) error {
	if err := f.makeRoom(); err != nil {
		return err
	}
	f.unmap(page)
	f.program(page, b)
	return nil
}

func (f *ftl) unmap(page int) {
	if at := f.place[page]; at != nowhere {
		f.place[page], f.owner[at] = nowhere, nowhere
		f.valid[at/pagesPerBlock]--
	}
}

func (f *ftl) program(page int, b []byte) {
	if f.next == pagesPerBlock {
		f.active, f.free, f.next = f.free[0], f.free[1:], 0
	}
	at := f.active*pagesPerBlock + f.next
	f.next++
	copy(f.page(at), b)
	f.place[page], f.owner[at] = at, page
	f.valid[f.active]++
	f.programs++
	if f.programmed != nil {
		f.programmed(f.page(at))
	}
}

// makeRoom cleans blocks until enough are free: the one with the least in it first.
func (f *ftl) makeRoom() error {
	for len(f.free) < spareBlocks-1 {
		best := nowhere
		for b, n := range f.valid {
			if b != f.active && n < pagesPerBlock && !slices.Contains(f.free, b) && (best == nowhere || n < f.valid[best]) {
				best = b
			}
		}
		if best == nowhere {
			return errWornOut
		}
		f.clean(best)
	}
	return nil
}

// clean moves what somebody owns out of a block, and erases it.
func (f *ftl) clean(b int) {
	kept := make([]byte, pageBytes)
	for at := b * pagesPerBlock; at < (b+1)*pagesPerBlock; at++ {
		if page := f.owner[at]; page != nowhere {
			copy(kept, f.page(at))
			f.unmap(page)
			f.program(page, kept)
			f.moved++
		}
	}
	f.blank(b*pagesPerBlock, pagesPerBlock)
	f.erasures++
	f.free = append(f.free, b)
}

// erasedPage is what erased flash reads as.
var erasedPage = bytes.Repeat([]byte{0xff}, pageBytes)

func (f *ftl) blank(at, pages int) {
	for i := at; i < at+pages; i++ {
		copy(f.page(i), erasedPage)
	}
}

// trim forgets a page of the disk. What it held stays in the flash, unless this is
// a device whose trim erases.
func (f *ftl) trim(page int) {
	at := f.place[page]
	f.unmap(page)
	if at != nowhere && f.trimErases {
		f.blank(at, 1)
	}
}

// sanitize erases every page of flash that belongs to no page of the disk.
func (f *ftl) sanitize() {
	for at, page := range f.owner {
		if page == nowhere {
			f.blank(at, 1)
		}
	}
}
