package agent

import (
	"errors"
	"strings"
)

// The disk of the model. It is a set of cells, each of which changes as a whole:
// a block of a file, the content of the journal (a commit of bbolt is all or
// nothing), or what a name leads to. A cell becomes durable by the sync of its
// own file, a name by the sync of its folder, and by nothing else: one sync for
// all would hide a sync that is missing.

type cell[T any] struct {
	kept    T
	pending []T
}

func (c *cell[T]) now() T {
	if n := len(c.pending); n > 0 {
		return c.pending[n-1]
	}
	return c.kept
}

func (c *cell[T]) set(v T) { c.pending = append(c.pending, v) }

func (c *cell[T]) sync() { c.kept, c.pending = c.now(), c.pending[:0] }

// cut keeps the durable value or any one of those that were not synced.
func (c *cell[T]) cut(choose func(n int) int) {
	if len(c.pending) == 0 {
		return
	}
	if i := choose(len(c.pending) + 1); i > 0 {
		c.kept = c.pending[i-1]
	}
	c.pending = c.pending[:0]
}

// noise is what an overwritten block holds.
const noise = "noise"

type inode struct{ blocks []*cell[string] }

func (i *inode) texts(durable bool) (all []string) {
	for _, b := range i.blocks {
		text := b.now()
		if durable {
			text = b.kept
		}
		if text != "" {
			all = append(all, text)
		}
	}
	return all
}

type disk struct {
	w     *world
	names []string // in the order they were made, so that a history can be repeated
	leads map[string]*cell[*inode]
	pages cell[*page] // the journal
	// changes counts the calls that took effect, so that nobody looks twice.
	changes int
	// deaf are files whose sync does nothing: a seeded bug.
	deaf func(name string) bool
}

var errIO = errors.New("input/output error")

func newDisk(w *world) *disk { return &disk{w: w, leads: map[string]*cell[*inode]{}} }

// find is the file that a name leads to for whoever looks now; nil where none.
func (d *disk) find(name string) *inode {
	if c := d.leads[name]; c != nil {
		return c.now()
	}
	return nil
}

func (d *disk) name(name string) *cell[*inode] {
	c := d.leads[name]
	if c == nil {
		c = &cell[*inode]{}
		d.leads[name] = c
		d.names = append(d.names, name)
	}
	return c
}

// lay puts a file there that was durable before the history begins.
func (d *disk) lay(name string, texts ...string) {
	f := &inode{}
	for _, text := range texts {
		f.blocks = append(f.blocks, &cell[string]{kept: text})
	}
	d.name(name).kept = f
}

// create makes an empty file under a new name.
func (d *disk) create(name string) (*inode, error) {
	f := &inode{}
	err := d.call("create", func() { d.name(name).set(f) })
	return f, err
}

// write writes one block; the one past the end makes the file longer.
func (d *disk) write(f *inode, block int, text string) error {
	return d.call("write", func() {
		for len(f.blocks) <= block {
			f.blocks = append(f.blocks, &cell[string]{})
		}
		f.blocks[block].set(text)
	})
}

func (d *disk) sync(name string, f *inode) error {
	return d.call("sync", func() {
		if d.deaf != nil && d.deaf(name) {
			return
		}
		for _, b := range f.blocks {
			b.sync()
		}
	})
}

func (d *disk) unlink(name string) error {
	return d.call("unlink", func() { d.name(name).set(nil) })
}

func (d *disk) rename(from, to string) error {
	return d.call("rename", func() {
		f := d.find(from)
		d.name(from).set(nil)
		d.name(to).set(f)
	})
}

// syncDir makes the names of a folder durable.
func (d *disk) syncDir(folder string) error {
	return d.call("sync-folder", func() {
		for _, name := range d.names {
			if strings.HasPrefix(name, folder) {
				d.leads[name].sync()
			}
		}
	})
}

// call is one call to the kernel: the power may go before it and after it, and
// it may fail. Whether a call that failed took effect nobody knows.
func (d *disk) call(what string, do func()) error {
	d.w.step(what)
	d.changes++
	if d.w.fails(what) {
		if d.w.choose(2) == 1 {
			do()
		}
		return errIO
	}
	do()
	d.w.step("done")
	return nil
}

// cut is the power going: every unsynced change is kept or lost, one by one.
func (d *disk) cut(choose func(n int) int) {
	d.changes++
	d.pages.cut(choose)
	for _, name := range d.names {
		c := d.leads[name]
		for _, f := range append([]*inode{c.kept}, c.pending...) {
			if f != nil {
				for _, b := range f.blocks {
					b.cut(choose)
				}
			}
		}
		c.cut(choose)
	}
}
