package store_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/blob"
	"unbindd/cmd/unbind-desk/internal/store"
)

var labPart = store.Key{Case: "C-2", Kind: "backup", N: 1}

const labName = "lab"

// pieceOf is the n-th piece of the file that the lab's desk receives.
func pieceOf(n int64) string { return content(n)[:1500] }

// partOf reads the lab's part, or begins one.
func partOf(s kept) (p store.Part, at blob.At, err error) {
	err = s.Look(func(tx *store.Tx) (err error) { p, err = tx.Part(labPart); return err })
	if errors.Is(err, store.ErrAbsent) {
		at, beginErr := blob.Begun()
		return store.Part{Key: labPart, Digest: envelope.DigestOf(nil), Size: 1 << 20}, at, errors.Join(beginErr, err)
	}
	return p, blob.At{Offset: p.Offset, State: p.State, Tail: p.Tail}, err
}

// extendForLab takes one more piece and tells how much was answered for.
func extendForLab(s kept, n int64, told io.Writer) error {
	p, at, err := partOf(s)
	if err != nil && !errors.Is(err, store.ErrAbsent) {
		return err
	}
	if _, err := fmt.Fprintln(told, "next piece"); err != nil {
		return err
	}
	if at, err = s.blobs.Extend(labName, at, []byte(pieceOf(n))); err != nil {
		return err
	}
	p.Offset, p.State, p.Tail = at.Offset, at.State, at.Tail
	if err := s.Change(func(tx *store.Tx) error { return tx.PutPart(p) }); err != nil {
		return err
	}
	_, err = fmt.Fprintln(told, "piece", p.Offset)
	return err
}

// judgePart: what was answered for is there, byte for byte, and the digest goes
// on from there.
func judgePart(s kept, told []string) error {
	acked := int64(0)
	for _, line := range told {
		_, _ = fmt.Sscanf(line, "piece %d", &acked)
	}
	p, at, err := partOf(s)
	if errors.Is(err, store.ErrAbsent) && acked == 0 {
		return nil
	}
	if err != nil || p.Offset < acked {
		return fmt.Errorf("%d bytes were answered for, %d are on record: %w", acked, p.Offset, err)
	}
	var want strings.Builder
	for n := int64(0); int64(want.Len()) < p.Offset; n++ {
		want.WriteString(pieceOf(n))
	}
	f, err := os.Open(filepath.Join(string(s.blobs), "part-"+labName))
	if err != nil {
		return err
	}
	got := make([]byte, p.Offset)
	_, err = io.ReadFull(f, got)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%d bytes are on record: %w", p.Offset, err)
	}
	copy(got[p.Offset-int64(len(p.Tail)):], p.Tail)
	sum, err := at.Hash()
	if err != nil {
		return err
	}
	if whole := sha256.Sum256(got); string(got) != want.String() || !bytes.Equal(sum.Sum(nil), whole[:]) {
		return fmt.Errorf("the %d bytes on record are not those that came", p.Offset)
	}
	return nil
}
