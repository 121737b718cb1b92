package wipe

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"slices"

	"golang.org/x/sys/unix"
)

// chunk is how much is under way at once. Pattern and pieces read stay within the
// processor's cache, and a device is asked seldom enough.
const chunk = 512 << 10

// stretch is one piece of a file that holds data, in whole blocks.
type stretch struct{ from, to int64 }

// pattern is what is written: random bytes that a seed can bring back, so that
// nothing of them has to be kept for the comparison. They are drawn once a file
// and repeated chunk by chunk, with each sector stamped with its own place, so
// that no two sectors are the same and one that was written elsewhere is found.
// To draw all of them anew would take longer than to write them.
type pattern struct {
	bytes []byte
	base  uint64
}

// pattern draws as much as the longest piece can need.
func (w *work) pattern(seed [32]byte, pieces []stretch) *pattern {
	p := &pattern{bytes: w.room.piece(roomPattern, int(widest(pieces))), base: binary.LittleEndian.Uint64(seed[:])}
	_, _ = rand.NewChaCha8(seed).Read(p.bytes) // cannot fail
	return p
}

// widest is the most that is written or read at once.
func widest(pieces []stretch) (n int64) {
	for _, s := range pieces {
		n = max(n, s.to-s.from)
	}
	return min(n, chunk)
}

// at is what belongs there.
func (p *pattern) at(offset int64, n int) []byte {
	for i := 0; i+8 <= n; i += sector {
		binary.LittleEndian.PutUint64(p.bytes[i:], p.base+uint64(offset)+uint64(i))
	}
	return p.bytes[:n]
}

// write overwrites the pieces, past the page cache where the file system lets us:
// the bytes then go to the device while the next are made, and the flush finds
// little to do. Whoever refuses an unaligned piece, or all of them, gets the rest
// the usual way; the flush that follows is the same for both.
func (w *work) write(o *opened, seed [32]byte) error {
	random := w.pattern(seed, o.pieces)
	direct := o.aligned() && w.sys.Direct(o.fd, true) == nil
	if direct {
		defer func() { _ = w.sys.Direct(o.fd, false) }() // what is read past the cache all the same is read no worse
	}
	return w.each(o.pieces, func(at int64, n int) error {
		buf := random.at(at, n)
		for done := 0; done < n; {
			k, err := w.sys.WriteAt(o.fd, buf[done:], at+int64(done))
			if direct && errors.Is(err, unix.EINVAL) {
				direct = false
				if err := w.sys.Direct(o.fd, false); err != nil {
					return err
				}
				continue
			}
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

// aligned tells whether all pieces are whole sectors, which O_DIRECT wants.
func (o *opened) aligned() bool {
	return !slices.ContainsFunc(o.pieces, func(s stretch) bool { return s.from%sector != 0 || s.to%sector != 0 })
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
	random := w.pattern(seed, pieces)
	return w.eachRead(pieces, func(p []byte, at int64) error { return w.readAll(fd, p, at) }, func(p []byte, at int64) error {
		if !bytes.Equal(p, random.at(at, len(p))) {
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

// eachRead hands every chunk of the pieces to judge, and has the next one read
// meanwhile: a medium need not wait for a comparison. One goroutine at a time
// asks the kernel, and none is left when it returns.
func (w *work) eachRead(pieces []stretch, read, judge func(p []byte, at int64) error) error {
	type chunkRead struct {
		p  []byte
		at int64
	}
	full, free, stop := make(chan chunkRead), make(chan []byte, 2), make(chan struct{})
	size := int(widest(pieces))
	free <- w.room.piece(roomRead, size)
	if len(pieces) > 1 || size == chunk {
		free <- w.room.piece(roomReadNext, size)
	}
	var failed error
	go func() {
		defer close(full)
		failed = w.each(pieces, func(at int64, n int) error {
			select {
			case <-stop:
				return nil
			case p := <-free:
				if err := read(p[:n], at); err != nil {
					return err
				}
				full <- chunkRead{p[:n], at}
				return nil
			}
		})
	}()
	var found error
	for c := range full {
		if found != nil {
			continue
		}
		if found = judge(c.p, c.at); found != nil {
			close(stop)
		}
		free <- c.p[:cap(c.p)]
	}
	return cmp.Or(found, failed)
}
