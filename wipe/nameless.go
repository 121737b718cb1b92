package wipe

import (
	"slices"

	"golang.org/x/sys/unix"
)

// overwriteNameless overwrites content of the target that lost its name before, through
// the descriptor of whoever holds it open: nothing else leads there. Only what has
// no name anywhere is ours to overwrite. The level stays logical, since the holder
// may write it again and the file is still there for it to read. The path that
// the kernel shows does not tell whose it is: a file under another mount, or in
// another tree of files, shows the same. Only what was opened through the
// target's own mount is the target's; the rest has lowered the level, and stays.
func (w *work) overwriteNameless(all []Holding) error {
	done := map[Inode]bool{}
	for _, h := range all {
		if !h.Deleted || h.FD < 0 || h.Mount != w.place.mount || done[h.Inode] {
			continue
		}
		if w.ctx.Err() != nil {
			return w.ctx.Err()
		}
		whole, err := w.overwriteHeld(h)
		if err != nil {
			return err
		}
		if whole {
			done[h.Inode] = true
			w.ghosts++
		}
	}
	return nil
}

// overwriteHeld tells whether the content was overwritten, flushed and read back.
// What cannot be reached was told as less already; an error is one of telling.
func (w *work) overwriteHeld(h Holding) (whole bool, err error) {
	w.note("open-held")
	o := &opened{fd: -1}
	if o.fd, err = w.sys.OpenHeld(h.PID, h.FD); err != nil {
		return false, nil
	}
	defer w.sys.Close(o.fd)
	o.st, err = w.sys.Stat(o.fd)
	if err != nil || !o.st.is(unix.S_IFREG) || o.st.Links > 0 || o.st.Dev != w.place.dev || o.st.inode() != h.Inode {
		return false, nil
	}
	if w.place.sameMount(w.sys, o.fd) != nil {
		return false, nil // the number leads to something else by now
	}
	if err := w.locate(o); err != nil {
		return false, err
	}
	seed, err := w.seed()
	if err != nil || len(o.pieces) == 0 {
		return false, nil
	}
	o.pieces = within(o.pieces, o.st.Size)
	w.note("overwrite")
	if w.write(o, seed) != nil || w.flush(o.fd) != nil {
		return false, nil
	}
	after, err := w.extents(o.fd)
	if err != nil || o.before != nil && !inPlace(o.before, after, uint64(o.st.Size)) {
		return false, nil
	}
	w.note("read-back")
	return w.readHeld(o, seed) == nil, nil
}

// within cuts pieces at the end of the file: its holder sees how long it is.
func within(pieces []stretch, size int64) []stretch {
	for i := range pieces {
		pieces[i].to = min(pieces[i].to, size)
	}
	return slices.DeleteFunc(pieces, func(s stretch) bool { return s.to <= s.from })
}

// readHeld compares past the page cache where that can be, else with an emptied one.
func (w *work) readHeld(o *opened, seed [32]byte) error {
	if o.aligned() && w.sys.Direct(o.fd, true) == nil {
		return w.compare(o.fd, o.pieces, seed)
	}
	if err := w.sys.Forget(o.fd); err != nil {
		return err
	}
	return w.compare(o.fd, o.pieces, seed)
}
