package wipe

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"unsafe"

	"golang.org/x/sys/unix"
)

const chunk = 512 << 10

// stretch is one piece of a file that holds data, in whole blocks.
type stretch struct{ from, to int64 }

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
func (w *work) readBack(o *opened, seed [32]byte) error {
	direct, err := w.sys.OpenDirect(o.dir, o.name)
	if err == nil {
		defer w.sys.Close(direct)
		err = w.compare(direct, o.pieces, seed)
	}
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EOPNOTSUPP) {
		return err
	}
	if err := w.sys.Forget(o.fd); err != nil {
		return err
	}
	return w.compare(o.fd, o.pieces, seed)
}

func (w *work) compare(fd int, pieces []stretch, seed [32]byte) error {
	stream, want, got := rand.NewChaCha8(seed), make([]byte, chunk), aligned(chunk)
	return w.each(pieces, func(at int64, n int) error {
		_, _ = stream.Read(want[:n]) // cannot fail
		if err := w.readAll(fd, got[:n], at); err != nil {
			return err
		}
		if !bytes.Equal(got[:n], want[:n]) {
			return errOther
		}
		return nil
	})
}

var errOther = errors.New("it holds other bytes than were written")

// readAll fills p, or says that there is no more.
func (w *work) readAll(fd int, p []byte, at int64) error {
	for done := 0; done < len(p); {
		k, err := w.sys.ReadAt(fd, p[done:], at+int64(done))
		if err != nil {
			return err
		}
		if k <= 0 {
			return io.ErrUnexpectedEOF
		}
		done += k
	}
	return nil
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
