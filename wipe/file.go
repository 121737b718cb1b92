package wipe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

const chunk = 64 << 10

// stretch is one piece of a file that holds data, in whole blocks.
type stretch struct{ from, to int64 }

// file overwrites one file, reads it back and unlinks it. A file that could not
// be overwritten keeps its name, so that it can be tried again, unless the
// target says otherwise.
func (w *work) file(dir int, name string) error {
	if err := w.overwritten(dir, name); err != nil {
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
	w.files = true
	return nil
}

// overwritten goes as far as the empty file. Everything it learns of the file
// it learns from the opened one, since a name may be exchanged in between.
func (w *work) overwritten(dir int, name string) error {
	w.note("open")
	fd, err := w.sys.OpenFile(dir, name)
	if err != nil {
		return fmt.Errorf("cannot open a file: %w", asLink(err))
	}
	defer w.sys.Close(fd)
	st, err := w.sys.Stat(fd)
	if err != nil {
		return fmt.Errorf("cannot examine a file: %w", err)
	}
	if err := w.mayOverwrite(fd, st); err != nil {
		return err
	}
	if err := w.overwrite(dir, name, fd, st); err != nil {
		return err
	}
	w.note("truncate")
	if err := w.sys.Truncate(fd); err != nil {
		return fmt.Errorf("cannot truncate a file: %w", err)
	}
	return w.flush(fd)
}

func (w *work) mayOverwrite(fd int, st Stat) error {
	if !st.is(unix.S_IFREG) {
		return errors.New("cannot overwrite a file: it was exchanged for something else")
	}
	foreign, err := w.place.foreign(w.sys, fd, st)
	if foreign && err == nil {
		err = errForeign
	}
	if err != nil {
		return fmt.Errorf("cannot overwrite a file: %w", err)
	}
	if st.Links > 1 {
		w.residual[residualLinks] = true
	}
	return nil
}

// overwrite replaces the content by random bytes, once, and reads them back.
// More passes would only wear the medium.
func (w *work) overwrite(dir int, name string, fd int, st Stat) error {
	pieces, err := w.stretches(fd, st)
	if err != nil || len(pieces) == 0 {
		return err
	}
	before, err := w.extents(fd)
	if err != nil {
		return err
	}
	// Blocks that another file shares stay whatever is written here, and after
	// the write nobody can see any more that they were shared.
	if slices.ContainsFunc(before, func(e Extent) bool { return e.Shared }) {
		if err := w.lower(LevelLogical, residualMoved); err != nil {
			return err
		}
	}
	var seed [32]byte
	if err := w.sys.Random(seed[:]); err != nil {
		return fmt.Errorf("cannot draw random bytes: %w", err)
	}
	w.note("overwrite")
	if err := w.write(fd, pieces, seed); err != nil {
		return fmt.Errorf("cannot overwrite a file: %w", err)
	}
	if err := w.flush(fd); err != nil {
		return err
	}
	after, err := w.extents(fd)
	if err != nil {
		return err
	}
	if before != nil && !inPlace(before, after, uint64(st.Size)) {
		if err := w.lower(LevelLogical, residualMoved); err != nil {
			return err
		}
	}
	w.note("read-back")
	if err := w.readBack(dir, name, fd, pieces, seed); err != nil {
		return fmt.Errorf("cannot read a file back: %w", err)
	}
	w.bytes += st.Size
	return nil
}

// stretches finds what of the file holds data. A hole has nothing to overwrite,
// and filling one could fill the disk.
func (w *work) stretches(fd int, st Stat) ([]stretch, error) {
	block := st.Block
	if block <= 0 || block > 1<<20 {
		block = 4096
	}
	var all []stretch
	for at := int64(0); at < st.Size; {
		from, to, err := w.sys.Data(fd, at)
		switch {
		case errors.Is(err, unix.ENXIO):
			return all, nil
		case errors.Is(err, unix.EINVAL):
			from, to = at, st.Size
		case err != nil:
			return nil, fmt.Errorf("cannot find a file's data: %w", err)
		case to <= at:
			return nil, errors.New("cannot find a file's data: the file system runs in a circle")
		}
		all = append(all, stretch{from / block * block, (to + block - 1) / block * block})
		at = to
	}
	return all, nil
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

// write writes a stream that its seed can bring back, so that nothing of it
// has to be kept for the comparison.
func (w *work) write(fd int, pieces []stretch, seed [32]byte) error {
	stream, buf := rand.NewChaCha8(seed), make([]byte, chunk)
	return w.each(pieces, func(at int64, n int) error {
		_, _ = stream.Read(buf[:n]) // cannot fail
		for done := 0; done < n; {
			k, err := w.sys.WriteAt(fd, buf[done:n], at+int64(done))
			if err != nil {
				return err
			}
			if k <= 0 {
				return io.ErrShortWrite
			}
			done += k
		}
		return nil
	})
}

// readBack compares past the page cache, which would only repeat what it was
// given. Where that is not possible the cache is emptied first. If the name was
// exchanged for another file's, the bytes will not be the ones written.
func (w *work) readBack(dir int, name string, fd int, pieces []stretch, seed [32]byte) error {
	direct, err := w.sys.OpenDirect(dir, name)
	if err == nil {
		defer w.sys.Close(direct)
		err = w.compare(direct, pieces, seed)
	}
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EOPNOTSUPP) {
		return err
	}
	if err := w.sys.Forget(fd); err != nil {
		return err
	}
	return w.compare(fd, pieces, seed)
}

func (w *work) compare(fd int, pieces []stretch, seed [32]byte) error {
	stream, want, got := rand.NewChaCha8(seed), make([]byte, chunk), aligned(chunk)
	return w.each(pieces, func(at int64, n int) error {
		_, _ = stream.Read(want[:n]) // cannot fail
		for done := 0; done < n; {
			k, err := w.sys.ReadAt(fd, got[done:n], at+int64(done))
			if err != nil {
				return err
			}
			if k <= 0 {
				return io.ErrUnexpectedEOF
			}
			done += k
		}
		if !bytes.Equal(got[:n], want[:n]) {
			return errors.New("it holds other bytes than were written")
		}
		return nil
	})
}

// each calls do for every chunk of the pieces, until the work is stopped.
func (w *work) each(pieces []stretch, do func(at int64, n int) error) error {
	for _, p := range pieces {
		for at := p.from; at < p.to; at += chunk {
			if w.ctx.Err() != nil {
				return w.ctx.Err()
			}
			if err := do(at, int(min(chunk, p.to-at))); err != nil {
				return err
			}
		}
	}
	return nil
}

// aligned is a buffer that begins on a page, as O_DIRECT wants it.
func aligned(size int) []byte {
	const page = 4096
	b := make([]byte, size+page)
	skip := (page - int(uintptr(unsafe.Pointer(&b[0]))%page)) % page
	return b[skip : skip+size : skip+size]
}
