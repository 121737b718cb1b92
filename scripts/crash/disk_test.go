//go:build (amd64 || arm64) && !android

package crash

import (
	"maps"
	"slices"
)

// block is in what pieces a medium keeps or loses what was not flushed; sector
// is the least that it writes whole.
const (
	block  = 4096
	sector = 512
)

// piece is a write within one block, or a truncate, that was not flushed yet.
type piece struct {
	off      int64
	data     []byte
	truncate bool
}

type file struct {
	durable []byte
	pending []piece
}

// nameOp is a change of names that was not flushed yet; with ino 0 the name goes.
type nameOp struct {
	kind     kind
	dir, to  int
	name     string
	second   string
	ino      int
	isFolder bool
}

// disk is what a medium has for certain, and what it may have besides. Content
// is certain by a sync of the file, a name by a sync of its folder, and nothing
// else is: no sync makes another's bytes durable, and closing is none.
type disk struct {
	files   map[int]*file
	folders map[int]map[string]int // durable names
	names   []nameOp               // pending, in order
}

func newDisk() *disk {
	return &disk{files: map[int]*file{}, folders: map[int]map[string]int{0: {}}}
}

func (d *disk) apply(o op) {
	switch o.Kind {
	case write:
		d.files[o.Ino].write(o.Off, o.Data)
	case truncate:
		f := d.files[o.Ino]
		f.pending = append(f.pending, piece{off: o.Off, truncate: true})
	case sync:
		d.files[o.Ino].flush()
	case create:
		if o.Folder {
			d.folders[o.Ino] = map[string]int{}
		} else {
			d.files[o.Ino] = &file{}
		}
		d.names = append(d.names, nameOp{kind: create, dir: o.Dir, to: o.Dir, name: o.Name, ino: o.Ino})
	case link:
		d.names = append(d.names, nameOp{kind: create, dir: o.Dir, to: o.Dir, name: o.Name, ino: o.Ino})
	case remove:
		d.names = append(d.names, nameOp{kind: remove, dir: o.Dir, to: o.Dir, name: o.Name})
	case rename:
		d.names = append(d.names, nameOp{kind: rename, dir: o.Dir, to: o.To, name: o.Name, second: o.Second, ino: o.Ino})
	case syncFolder:
		d.flushFolder(o.Ino)
	}
}

func (f *file) write(off int64, data []byte) {
	for len(data) > 0 {
		n := min(block-int(off%block), len(data))
		f.pending = append(f.pending, piece{off: off, data: data[:n]})
		off, data = off+int64(n), data[n:]
	}
}

func (f *file) flush() {
	for _, p := range f.pending {
		f.durable = p.on(f.durable)
	}
	f.pending = nil
}

// on puts the piece on content, which it may change.
func (p piece) on(content []byte) []byte {
	end := int(p.off)
	if !p.truncate {
		end = max(len(content), int(p.off)+len(p.data))
	}
	if end <= len(content) {
		clear(content[end:])
		content = content[:end]
	} else {
		content = append(content, make([]byte, end-len(content))...)
	}
	copy(content[p.off:], p.data)
	return content
}

func (d *disk) flushFolder(ino int) {
	d.names = slices.DeleteFunc(d.names, func(n nameOp) bool {
		if n.dir != ino && n.to != ino {
			return false
		}
		n.on(d.folders)
		return true
	})
}

// on makes the change in folders.
func (n nameOp) on(folders map[int]map[string]int) {
	from, to := folders[n.dir], folders[n.to]
	switch n.kind {
	case create:
		from[n.name] = n.ino
	case remove:
		delete(from, n.name)
	case rename:
		delete(from, n.name)
		to[n.second] = n.ino
	}
}

// tree is the names with some of the pending changes made.
func (d *disk) tree(chosen func(i int) bool) map[int]map[string]int {
	folders := make(map[int]map[string]int, len(d.folders))
	for ino, names := range d.folders {
		folders[ino] = maps.Clone(names)
	}
	for i, n := range d.names {
		if chosen(i) {
			n.on(folders)
		}
	}
	return folders
}

// unsure lists the files that have pieces pending, in a fixed order.
func (d *disk) unsure() (inos []int) {
	for ino, f := range d.files {
		if len(f.pending) > 0 {
			inos = append(inos, ino)
		}
	}
	slices.Sort(inos)
	return inos
}
