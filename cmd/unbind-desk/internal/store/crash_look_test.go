package store_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"unbindd/cmd/unbind-desk/internal/blob"
	"unbindd/cmd/unbind-desk/internal/blob/folder"
	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/bolt"
)

func untrue(format string, args ...any) error {
	return fmt.Errorf("untrue: %w", fmt.Errorf(format, args...))
}

// lookAgain opens a filled store, wants all that was answered for, and goes on. An
// answer that is not the truth is worse than none.
func lookAgain(dir string, told io.Writer) error {
	text, err := os.ReadFile(filepath.Join(dir, ".told"))
	if err != nil {
		return err
	}
	if b, err := bolt.Create(dir); err == nil {
		return errors.Join(untrue("a store was made where there is one"), b.Close())
	}
	s, err := open(dir)
	if err != nil {
		return err
	}
	return errors.Join(lookThrough(s, strings.Split(strings.TrimSpace(string(text)), "\n"), told), s.Close())
}

func lookThrough(s kept, before []string, told io.Writer) error {
	if err := s.blobs.Sweep(); err != nil {
		return err
	}
	acked := int64(-1)
	for _, line := range before {
		_, _ = fmt.Sscanf(line, "ack %d", &acked)
	}
	for n := range acked + 1 {
		err := s.Look(func(tx *store.Tx) error {
			o, err := tx.Object(store.Key{Case: "C-1", Kind: "backup", N: n})
			if err == nil {
				_, err = tx.Leaf(o.Leaf)
			}
			if err == nil {
				if err = judgeBlob(s, o.Digest, content(n)); err != nil {
					err = fmt.Errorf("cannot read a file: %w", err)
				}
			}
			return err
		})
		if errors.Is(err, store.ErrAbsent) || errors.Is(err, blob.ErrAbsent) {
			return untrue("object %d: %w", n, err)
		}
		if err != nil {
			return err
		}
	}
	if err := judgePart(s, before); err != nil {
		return fmt.Errorf("cannot read a file in pieces: %w", err)
	}
	digest, err := keepBlob(s, content(acked+1))
	if err != nil {
		return err
	}
	fmt.Fprintln(told, "begin", acked+1)
	if err := addNumbered(s, acked+1, digest); err != nil {
		return err
	}
	fmt.Fprintln(told, "ack", acked+1)
	if err := extendForLab(s, acked+1, told); err != nil {
		return err
	}
	return finishPart(s)
}

// finishPart makes a blob of the file in pieces.
func finishPart(s kept) error {
	_, at, err := partOf(s)
	if err != nil {
		return err
	}
	u, err := folder.Folder(s.blobs).Whole(labName, at)
	if errors.Is(err, blob.ErrAbsent) {
		return untrue("the file in pieces: %w", err)
	}
	if err != nil {
		return err
	}
	return u.Leave()
}
