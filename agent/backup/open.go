package backup

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

// Open reads a sealed backup from src, hands every line between header and
// trailer to each (with its newline; the slice is valid during the call only)
// and returns the two. Until it has returned nil nothing of what it handed out
// may be trusted: import into something that can be thrown away. An error of
// each ends it and is returned; anything wrong with the file is ErrCorrupt, but
// for a file that none of the identities opens.
func Open(src io.Reader, identities []string, each func(line []byte) error) (Header, Trailer, error) {
	h, t, err := open(src, identities, Kind, each)
	if err != nil {
		return Header{}, Trailer{}, fmt.Errorf("cannot open the backup: %w", err)
	}
	return h, t, nil
}

// ErrNotForUs says that none of the identities is a recipient of the file.
var ErrNotForUs = errors.New("the backup is sealed to somebody else")

func open(src io.Reader, identities []string, kind string, each func(line []byte) error) (h Header, t Trailer, err error) {
	plain, packed, err := unseal(src, identities)
	if err != nil {
		return h, t, err
	}
	defer packed.Close()
	r := newReader(packed)
	if h, err = r.header(); err != nil {
		return h, t, err
	}
	if h.Kind != kind {
		return h, t, corrupt(fmt.Errorf("header: it is a %q and no %q", h.Kind, kind))
	}
	if t, err = r.body(each); err != nil {
		return h, t, err
	}
	return h, t, drain(plain)
}

// unseal takes off age's layer, and then zstd's.
func unseal(src io.Reader, identities []string) (plain io.Reader, packed *zstd.Decoder, err error) {
	people, err := parseIdentities(identities)
	if err != nil {
		return nil, nil, err
	}
	plain, err = age.Decrypt(src, people...)
	var nobody *age.NoIdentityMatchError
	if errors.As(err, &nobody) {
		return nil, nil, ErrNotForUs
	}
	if err != nil {
		return nil, nil, corrupt(err)
	}
	packed, err = zstd.NewReader(plain,
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(window))
	return plain, packed, err
}

// drain asks age for its end: only there does it know that nothing is cut off.
// zstd has read that far already; this does not depend on it.
func drain(plain io.Reader) error {
	n, err := io.Copy(io.Discard, plain)
	if err != nil {
		return corrupt(err)
	}
	if n != 0 {
		return corrupt(fmt.Errorf("%d bytes behind the end", n))
	}
	return nil
}

// reader splits the plaintext into lines and sums up all of them but the last,
// which it cannot know for the last before it has seen the end.
type reader struct {
	lines *bufio.Reader
	sum   hash.Hash
	kind  string // the header's
	held  []byte
}

func newReader(src io.Reader) *reader {
	return &reader{lines: bufio.NewReaderSize(src, maxLine), sum: sha256.New()}
}

func (r *reader) header() (h Header, err error) {
	text, err := r.next()
	if err == io.EOF {
		return h, corrupt(errors.New("it is empty"))
	}
	if err != nil {
		return h, err
	}
	if err := errors.Join(read(text, &h), h.check()); err != nil {
		return h, corrupt(fmt.Errorf("header: %w", err))
	}
	r.sum.Write(text)
	r.kind = h.Kind
	return h, nil
}

// body hands out every line that another one follows; the last is the trailer.
func (r *reader) body(each func(line []byte) error) (t Trailer, err error) {
	count := uint64(0)
	for {
		text, err := r.next()
		if err == io.EOF {
			return r.trailer(count)
		}
		if err != nil {
			return t, err
		}
		if r.held != nil {
			r.sum.Write(r.held)
			if err := each(r.held); err != nil {
				return t, err
			}
			count++
		}
		r.held = append(r.held[:0], text...)
	}
}

func (r *reader) trailer(count uint64) (t Trailer, err error) {
	if r.held == nil {
		return t, corrupt(errors.New("it has no trailer"))
	}
	if err := errors.Join(read(r.held, &t), t.check(r.kind)); err != nil {
		return t, corrupt(fmt.Errorf("trailer: %w", err))
	}
	if t.Count != count {
		return t, corrupt(fmt.Errorf("the trailer says %d lines, there are %d", t.Count, count))
	}
	if t.Sha256 != hex.EncodeToString(r.sum.Sum(nil)) {
		return t, corrupt(errors.New("the trailer's sha256 is not that of the lines"))
	}
	return t, nil
}

// next returns the next whole line with its newline; io.EOF only at the end of
// a line.
func (r *reader) next() ([]byte, error) {
	text, err := r.lines.ReadSlice('\n')
	switch {
	case err == nil:
		return text, nil
	case err == io.EOF && len(text) == 0:
		return nil, io.EOF
	case err == io.EOF:
		return nil, corrupt(errors.New("the last line has no end"))
	case err == bufio.ErrBufferFull:
		return nil, corrupt(fmt.Errorf("a line is longer than %d bytes", maxLine))
	}
	return nil, corrupt(err)
}
