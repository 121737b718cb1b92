package backup

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

// Seal writes a sealed backup to dst: the header, the lines that lines writes,
// and a trailer made of what lines returns. A line is one JSON value, with or
// without its newline. After an error what dst holds cannot be opened and has
// to be thrown away; after nil it is whole, and the caller syncs it.
//
//	line -> sha256 -> zstd -> age -> dst
func Seal(dst io.Writer, recipients []string, h Header, lines func(write func(line []byte) error) (TrailerInput, error)) (Trailer, error) {
	h.Kind, h.V = cmp.Or(h.Kind, Kind), version
	t, err := seal(dst, recipients, h, lines)
	if err != nil {
		return Trailer{}, fmt.Errorf("cannot seal the backup: %w", err)
	}
	return t, nil
}

func seal(dst io.Writer, recipients []string, h Header, lines func(write func(line []byte) error) (TrailerInput, error)) (Trailer, error) {
	if err := h.check(); err != nil {
		return Trailer{}, fmt.Errorf("header: %w", err)
	}
	people, err := parseRecipients(recipients)
	if err != nil {
		return Trailer{}, err
	}
	sealed, err := age.Encrypt(dst, people...)
	if err != nil {
		return Trailer{}, err
	}
	s, err := newSealer(sealed)
	if err != nil {
		return Trailer{}, err
	}
	t, err := s.write(h, lines)
	if err != nil {
		// Neither layer is closed: without its end the file cannot be opened.
		return Trailer{}, err
	}
	return t, errors.Join(s.packed.Close(), sealed.Close())
}

type sealer struct {
	packed *zstd.Encoder
	sum    hash.Hash
	count  uint64
}

func newSealer(dst io.Writer) (*sealer, error) {
	packed, err := zstd.NewWriter(dst,
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(1),
		zstd.WithLowerEncoderMem(true),
		zstd.WithWindowSize(window))
	return &sealer{packed: packed, sum: sha256.New()}, err
}

func (s *sealer) write(h Header, lines func(write func(line []byte) error) (TrailerInput, error)) (Trailer, error) {
	first, err := line(h)
	if err != nil {
		return Trailer{}, err
	}
	if err := s.put(first); err != nil {
		return Trailer{}, err
	}
	in, err := lines(s.add)
	if err != nil {
		return Trailer{}, err
	}
	if in.Count != s.count {
		return Trailer{}, fmt.Errorf("%d lines were announced and %d written", in.Count, s.count)
	}
	t := Trailer{
		Count: in.Count, Head: in.Head, Last: in.Last, Missing: in.Missing, Open: in.Open, Sums: in.Sums,
		Sha256: hex.EncodeToString(s.sum.Sum(nil)),
	}
	if err := t.check(h.Kind); err != nil {
		return Trailer{}, fmt.Errorf("trailer: %w", err)
	}
	return t, s.end(t)
}

// end writes the trailer, in the only spelling that Open takes.
func (s *sealer) end(t Trailer) error {
	last, err := line(t)
	if err == nil {
		err = read(last, new(Trailer))
	}
	if err == nil && len(last) > maxLine {
		err = fmt.Errorf("a line of %d bytes", len(last))
	}
	if err == nil {
		_, err = s.packed.Write(last)
	}
	return err
}

// add writes one line of the caller's.
func (s *sealer) add(text []byte) error {
	body := bytes.TrimSuffix(text, []byte("\n"))
	if len(body) == 0 || len(body) >= maxLine || bytes.IndexByte(body, '\n') >= 0 {
		return fmt.Errorf("line %d is empty, too long or more than one", s.count+1)
	}
	s.count++
	if err := s.put(body); err != nil {
		return err
	}
	return s.put([]byte("\n"))
}

func (s *sealer) put(b []byte) error {
	s.sum.Write(b)
	_, err := s.packed.Write(b)
	return err
}
