package desk

import (
	"io"
	"sync"
)

// underway is how many bytes of files were let in and are not on the disk yet. The disk
// does not know of them, and of files that come at once each would find the same room.
type underway struct {
	mu    sync.Mutex
	bytes int64
}

// claim is the room that one file was promised. It shrinks as the file is written, and
// what is left of it is given back at the end.
type claim struct {
	of   *underway
	left int64
}

// roomFor promises so many bytes of the disk to a file, or refuses it where that would
// leave the disk fuller than a file may make it. Its caller gives back what was not used.
func (d *Desk) roomFor(file int64) (*claim, error) {
	u := &d.underway
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := d.leaves(d.Bounds.Free, u.bytes+file); err != nil {
		return nil, err
	}
	u.bytes += file
	return &claim{u, file}, nil
}

// used says that so many bytes of it are on the disk.
func (c *claim) used(n int64) {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	n = min(n, c.left)
	c.left -= n
	c.of.bytes -= n
}

func (c *claim) giveBack() { c.used(c.left) }

// against writes to w what takes the room.
func (c *claim) against(w io.Writer) io.Writer { return claiming{w, c} }

type claiming struct {
	io.Writer
	claim *claim
}

func (w claiming) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.claim.used(int64(n))
	return n, err
}
