package wipe

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// opened is one file under way.
type opened struct {
	dir   int
	name  string
	fd    int
	st    Stat
	flags uint32 // attribute flags; 0 where the file system does not tell

	pieces []stretch
	before []Extent // where it lay before anything was written; nil where nobody tells
	shown  []bool   // which of them were seen to be its place on the medium
	window needles  // what was sampled of it
	rungs  []string // that were climbed, in order
}

// file overwrites one file, reads it back and unlinks it. A file that could not
// be overwritten keeps its name, so that it can be tried again, unless the
// target says otherwise.
func (w *work) file(dir int, name string) error {
	o := &opened{dir: dir, name: name, fd: -1}
	err := w.overwritten(o)
	if err != nil {
		if !w.target.Anyway || w.ctx.Err() != nil {
			return err
		}
		if err := w.lower(LevelLogical, residualUnread); err != nil {
			return err
		}
	}
	if err := w.unlink(dir, name); err != nil {
		return err
	}
	w.climbed(o, err != nil)
	return nil
}

// overwritten goes as far as the empty file. Everything it learns of the file
// it learns from the opened one, since a name may be exchanged in between.
func (w *work) overwritten(o *opened) error {
	w.note("open")
	var err error
	if o.fd, err = w.open(o); err != nil {
		return fmt.Errorf("cannot open a file: %w", asLink(err))
	}
	defer w.sys.Close(o.fd)
	if o.st, err = w.sys.Stat(o.fd); err != nil {
		return fmt.Errorf("cannot examine a file: %w", err)
	}
	if err := w.mayOverwrite(o); err != nil {
		return err
	}
	if err := w.swapOff(o); err != nil {
		return err
	}
	if err := w.bare(o.fd); err != nil {
		return err
	}
	if err := w.overwrite(o); err != nil {
		return err
	}
	w.note("truncate")
	if err := w.sys.Truncate(o.fd); err != nil {
		return fmt.Errorf("cannot truncate a file: %w", err)
	}
	if err := w.flush(o.fd); err != nil {
		return err
	}
	return w.sameName(o)
}

func (w *work) mayOverwrite(o *opened) error {
	if !o.st.is(unix.S_IFREG) {
		return errExchanged
	}
	if err := w.place.foreign(w.sys, o.fd, o.st); err != nil {
		return fmt.Errorf("cannot overwrite a file: %w", err)
	}
	var err error
	if o.flags, err = w.flags(o.fd); err != nil {
		return err
	}
	if o.st.Links > 1 {
		w.residual[residualLinks] = true
	}
	return w.heldBy(o.st.inode())
}

var errExchanged = errors.New("cannot overwrite a file: it was exchanged for something else")

// sameName looks once more, before the name goes, that it still leads to the
// file that was overwritten.
func (w *work) sameName(o *opened) error {
	st, err := w.sys.StatAt(o.dir, o.name)
	if err != nil {
		return fmt.Errorf("cannot examine a file: %w", err)
	}
	if st.inode() != o.st.inode() {
		w.residual[residualOther] = true
		return errExchanged
	}
	return nil
}

// overwrite replaces the content by random bytes, once, and reads them back.
// More passes would only wear the medium. What the device is told to forget it
// is told before: after an overwrite in flash the old page is somewhere else,
// and no discard of the place reaches it any more.
func (w *work) overwrite(o *opened) error {
	if err := w.locate(o); err != nil || len(o.pieces) == 0 {
		return err
	}
	if err := w.sample(o); err != nil {
		return err
	}
	if w.searches() {
		w.target.Samples.take(o.window)
		w.unsampled = w.unsampled || o.window.count == 0
	}
	w.discard(o)
	seed, err := w.seed()
	if err != nil {
		return err
	}
	w.note("overwrite")
	if err := w.write(o, seed); err != nil {
		return fmt.Errorf("cannot overwrite a file: %w", err)
	}
	if err := w.flush(o.fd); err != nil {
		return err
	}
	o.climb(rungOverwrite)
	after, err := w.extents(o.fd)
	if err != nil {
		return err
	}
	stayed := inPlace(o.before, after, uint64(o.st.Size))
	if o.before != nil && !stayed {
		if err := w.lower(LevelLogical, residualMoved); err != nil {
			return err
		}
	}
	w.note("read-back")
	if stayed && o.allShown() {
		if err = w.readMedium(o, after, seed); err == nil {
			w.zeroOut(o)
		}
	} else {
		err = w.readBack(o, seed)
	}
	if err != nil {
		return fmt.Errorf("cannot read a file back: %w", err)
	}
	w.bytes += o.st.Size
	return nil
}

func (w *work) seed() (seed [32]byte, err error) {
	if err := w.sys.Random(seed[:]); err != nil {
		return seed, fmt.Errorf("cannot draw random bytes: %w", err)
	}
	return seed, nil
}

// locate finds what to overwrite and where it lies, and notes what an overwrite
// cannot reach.
func (w *work) locate(o *opened) error {
	var err error
	if o.before, err = w.extents(o.fd); err != nil {
		return err
	}
	if o.pieces, err = w.stretches(o); err != nil || len(o.pieces) == 0 {
		return err
	}
	// Blocks that another file shares stay whatever is written here, and after
	// the write nobody can see any more that they were shared.
	if slices.ContainsFunc(o.before, func(e Extent) bool { return e.Shared }) {
		if err := w.lower(LevelLogical, residualMoved); err != nil {
			return err
		}
	}
	if w.inJournal(o) && (!w.emptiesJournal() || w.journalElsewhere()) || w.wasInJournal() {
		return w.lower(LevelLogical, residualJournal)
	}
	return nil
}

// wasInJournal tells whether what is a file of blocks now may have lain in its inode
// before, and was written with that to a journal that is not emptied.
func (w *work) wasInJournal() bool {
	return w.place.fs.name == "ext4" && !w.emptiesJournal() && w.place.probe.CanRaw && w.openBlock() && w.ext4Journal().inline
}

// journalElsewhere tells whether the journal is on a device of its own, which is
// neither looked at nor known: what content it took is then not called cleared,
// though it is emptied like any.
func (w *work) journalElsewhere() bool {
	return w.place.probe.CanRaw && w.openBlock() && w.ext4Journal().elsewhere
}

// inJournal tells whether ext4 wrote the content through its journal: all of it,
// this file's, or what is so small that it lies in the inode.
func (w *work) inJournal(o *opened) bool {
	return w.place.fs.name == "ext4" && (w.place.probe.Journal == "data" || o.flags&(flagJournal|flagInline) != 0 ||
		slices.ContainsFunc(o.before, func(e Extent) bool { return e.Flags&extentInline != 0 }))
}

// stretches finds what of the file holds data, or has a place that may hold some
// although it reads as zeros. A hole has nothing to overwrite, and filling one
// could fill the disk.
func (w *work) stretches(o *opened) ([]stretch, error) {
	block := o.st.Block
	if block <= 0 || block > 1<<20 {
		block = 4096
	}
	if slices.ContainsFunc(o.before, func(e Extent) bool { return e.Flags&extentInline != 0 }) {
		return []stretch{{0, o.st.Size}}, nil // whole blocks would drive it out of the inode
	}
	whole := func(from, to int64) stretch { return stretch{from / block * block, (to + block - 1) / block * block} }
	var all []stretch
	for at := int64(0); at < o.st.Size; {
		from, to, err := w.sys.Data(o.fd, at)
		switch {
		case errors.Is(err, unix.ENXIO):
			from, to = o.st.Size, o.st.Size
		case errors.Is(err, unix.EINVAL):
			from, to = at, o.st.Size
		case err != nil:
			return nil, fmt.Errorf("cannot find a file's data: %w", err)
		case to <= at:
			return nil, errors.New("cannot find a file's data: the file system runs in a circle")
		}
		if from < to {
			all = append(all, whole(from, to))
		}
		at = to
	}
	size := uint64(max(o.st.Size, 0))
	for _, e := range o.before {
		if e.Logical < size && e.Length > 0 {
			all = append(all, whole(int64(e.Logical), int64(min(e.Logical+e.Length, size))))
		}
	}
	return united(all), nil
}

// united sorts stretches and joins those that touch.
func united(all []stretch) (out []stretch) {
	slices.SortFunc(all, func(a, b stretch) int { return cmp.Compare(a.from, b.from) })
	for _, s := range all {
		if last := len(out) - 1; last >= 0 && s.from <= out[last].to {
			out[last].to = max(out[last].to, s.to)
			continue
		}
		out = append(out, s)
	}
	return out
}

// extents is nil where the file system does not tell.
func (w *work) extents(fd int) ([]Extent, error) {
	all, err := w.sys.Extents(fd)
	switch {
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOTTY), errors.Is(err, unix.EBADR):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("cannot find a file's blocks: %w", err)
	}
	return all, nil
}

func (w *work) flush(fd int) error {
	w.note("sync")
	if err := w.sys.Sync(fd); err != nil {
		return fmt.Errorf("cannot flush a file: %w", err)
	}
	return nil
}
