package store

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"unbindd/agent/envelope"
)

var labPart = Key{Case: "C-2", Kind: "backup", N: 1}

// pieceOf is the n-th piece of the file that the lab's desk receives.
func pieceOf(n int64) string { return content(n)[:1500] }

// extendForLab takes one more piece and tells how much was answered for.
func extendForLab(s *Store, n int64, told io.Writer) error {
	p, err := NewPart(labPart, envelope.DigestOf(nil), 1<<20)
	if err != nil {
		return err
	}
	err = s.Look(func(tx *Tx) error {
		was, err := tx.Part(labPart)
		if err == nil {
			p = was
		}
		if errors.Is(err, ErrAbsent) {
			err = nil
		}
		return err
	})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(told, "next piece"); err != nil {
		return err
	}
	if p, err = s.Extend(p, []byte(pieceOf(n))); err != nil {
		return err
	}
	if err := s.Change(func(tx *Tx) error { return tx.PutPart(p) }); err != nil {
		return err
	}
	_, err = fmt.Fprintln(told, "piece", p.Offset)
	return err
}

// judgePart: what was answered for is there, byte for byte, and the digest goes
// on from there.
func judgePart(s *Store, told []string) error {
	acked := int64(0)
	for _, line := range told {
		_, _ = fmt.Sscanf(line, "piece %d", &acked)
	}
	var p Part
	err := s.Look(func(tx *Tx) (err error) { p, err = tx.Part(labPart); return err })
	if errors.Is(err, ErrAbsent) && acked == 0 {
		return nil
	}
	if err != nil || p.Offset < acked {
		return fmt.Errorf("%d bytes were answered for, %d are on record: %w", acked, p.Offset, err)
	}
	var want strings.Builder
	for n := int64(0); int64(want.Len()) < p.Offset; n++ {
		want.WriteString(pieceOf(n))
	}
	f, err := os.Open(s.partFile(labPart))
	if err != nil {
		return err
	}
	got := make([]byte, p.Offset)
	_, err = io.ReadFull(f, got)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%d bytes are on record: %w", p.Offset, err)
	}
	copy(got[p.Offset-int64(len(p.Tail)):], p.Tail)
	sum, err := hashOf(p.State)
	if err != nil {
		return err
	}
	if whole := sha256.Sum256(got); string(got) != want.String() || !bytes.Equal(sum.Sum(nil), whole[:]) {
		return fmt.Errorf("the %d bytes on record are not those that came", p.Offset)
	}
	return nil
}

// What was written behind the offset and never answered for is written over, and
// a store of an earlier desk, which has no place for parts, has none.
func TestAPartGoesOnWhereItWasAnsweredFor(t *testing.T) {
	dir := t.TempDir()
	s, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	k := Key{Case: "C-1", Kind: "backup", N: 1}
	look := func() (p Part, err error) {
		err = s.Look(func(tx *Tx) (err error) { p, err = tx.Part(k); return err })
		return p, err
	}
	if _, err := look(); !errors.Is(err, ErrAbsent) {
		t.Fatal(err)
	}
	p, err := NewPart(k, envelope.DigestOf(nil), 10)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Extend(p, []byte("never answered for")); err != nil {
		t.Fatal(err)
	}
	for _, piece := range []string{"01234", "56789"} { // in one block
		if p, err = s.Extend(p, []byte(piece)); err != nil {
			t.Fatal(err)
		}
		if err := s.Change(func(tx *Tx) error { return tx.PutPart(p) }); err != nil {
			t.Fatal(err)
		}
		if p, err = look(); err != nil {
			t.Fatal(err)
		}
	}
	up, err := s.Whole(p)
	if err != nil {
		t.Fatal(err)
	}
	if want := sha256.Sum256([]byte("0123456789")); up.Digest().Hex() != fmt.Sprintf("%x", want) || up.Size() != 10 {
		t.Errorf("the file is %d bytes, %s", up.Size(), up.Digest())
	}
	f, err := up.Reopen()
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(f)
	if err = errors.Join(err, f.Close(), up.Drop()); err != nil || string(got) != "0123456789" {
		t.Errorf("the file holds %q, %v", got, err)
	}
}
