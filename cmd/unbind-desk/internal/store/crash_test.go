package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/merkle"
	"unbindd/cmd/unbind-desk/internal/blob/folder"
	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/bolt"
)

// The crash lab runs this binary as the desk that works in its mount, and as the
// judge of what a power cut left.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv("CRASH_WORK") != "":
		if err := workForLab(os.Getenv("CRASH_WORK"), os.Getenv("CRASH_DIR")); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	case os.Getenv("CRASH_JUDGE") != "":
		judgeForLab(os.Stdin, os.Stdout)
	default:
		os.Exit(m.Run())
	}
}

// kept is a desk's store with its blobs.
type kept struct {
	*store.Store
	blobs folder.Folder
}

func open(dir string) (kept, error) {
	base, err := bolt.Open(dir)
	if err != nil {
		return kept{}, err
	}
	return take(base, dir)
}

func take(base *bolt.Base, dir string) (kept, error) {
	s, err := store.New(base)
	return kept{s, folder.Folder(filepath.Join(dir, "blobs"))}, err
}

// workForLab makes a store and fills it, or goes on with what a killed desk left.
func workForLab(what, dir string) error {
	told, err := os.OpenFile(filepath.Join(dir, ".told"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer told.Close()
	switch what {
	case "desk again":
		return tellWhatIsThere(dir, told)
	case "desk look":
		return lookAgain(dir, told)
	}
	base, err := bolt.Create(dir)
	if err != nil {
		return err
	}
	if _, err := folder.Create(filepath.Join(dir, "blobs")); err != nil {
		return err
	}
	s, err := take(base, dir)
	if err != nil {
		return err
	}
	fmt.Fprintln(told, "created")
	for n := range int64(6) {
		digest, err := keepBlob(s, content(n))
		if err != nil {
			return err
		}
		fmt.Fprintln(told, "begin", n)
		if err := addNumbered(s, n, digest); err != nil {
			return err
		}
		fmt.Fprintln(told, "ack", n)
		if err := extendForLab(s, n, told); err != nil {
			return err
		}
	}
	return s.Close()
}

// tellWhatIsThere answers a repeated object with the receipt that is stored.
func tellWhatIsThere(dir string, told io.Writer) error {
	s, err := open(dir)
	if err != nil {
		return err
	}
	last := int64(-1)
	for err == nil {
		err = s.Look(func(tx *store.Tx) error {
			_, err := tx.Object(store.Key{Case: "C-1", Kind: "backup", N: last + 1})
			return err
		})
		if err == nil {
			last++
		}
	}
	if !errors.Is(err, store.ErrAbsent) {
		return errors.Join(err, s.Close())
	}
	fmt.Fprintln(told, "ack", last)
	return s.Close()
}

func content(n int64) string { return strings.Repeat(fmt.Sprint("record ", n), 700) }

func keepBlob(s kept, body string) (envelope.Digest, error) {
	u, err := s.blobs.Receive()
	if err != nil {
		return "", err
	}
	_, err = io.WriteString(u, body)
	if err == nil {
		err = u.Keep()
	}
	return u.Digest(), errors.Join(err, u.Drop())
}

func addNumbered(s kept, n int64, digest envelope.Digest) error {
	return s.Change(func(tx *store.Tx) error {
		_, err := tx.AddObject(store.Key{Case: "C-1", Kind: "backup", N: n}, store.Object{Digest: digest})
		return err
	})
}

func judgeForLab(in io.Reader, out io.Writer) {
	questions, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var question []string
		if questions.Decode(&question) != nil {
			return
		}
		verdict := ""
		if err := judgeImage(question[0], question[1:]); err != nil {
			verdict = err.Error()
		}
		if answers.Encode(verdict) != nil {
			return
		}
	}
}

// judgeImage opens what the cut left: an object that was answered is there with
// its leaf and its blob, whole; at most one more is; and the next one goes.
func judgeImage(dir string, told []string) error {
	acked, begun, made := int64(-1), int64(-1), false
	for _, line := range told {
		_, _ = fmt.Sscanf(line, "ack %d", &acked)
		_, _ = fmt.Sscanf(line, "begin %d", &begun)
		made = made || line == "created"
	}
	if !made {
		return nil // a desk that was never made is made anew by hand
	}
	s, err := open(dir)
	if err != nil {
		return err
	}
	return errors.Join(judgeObjects(s, acked, begun), judgePart(s, told), s.Close())
}

func judgeObjects(s kept, acked, begun int64) error {
	next := int64(0)
	for ; next <= begun; next++ {
		var o store.Object
		err := s.Look(func(tx *store.Tx) (err error) {
			if o, err = tx.Object(store.Key{Case: "C-1", Kind: "backup", N: next}); err != nil {
				return err
			}
			leaf, err := tx.Leaf(o.Leaf)
			if err == nil && (leaf != o.Digest || o.Leaf != next) {
				err = fmt.Errorf("leaf %d is not object %d's", o.Leaf, next)
			}
			return err
		})
		if errors.Is(err, store.ErrAbsent) && next > acked {
			break
		}
		if err == nil {
			err = judgeBlob(s, o.Digest, content(next))
		}
		if err != nil {
			return fmt.Errorf("object %d, acknowledged up to %d: %w", next, acked, err)
		}
	}
	if err := judgeTree(s); err != nil {
		return err
	}
	digest, err := keepBlob(s, "one more")
	if err != nil {
		return err
	}
	return addNumbered(s, next, digest)
}

// judgeTree makes the tree anew from the leaves and compares every hash: the log
// must prove what it says after any cut.
func judgeTree(s kept) error {
	return s.Look(func(tx *store.Tx) error {
		size, err := tx.Size()
		if err != nil {
			return err
		}
		var made []merkle.Hash
		read := func(numbers []int64) (out []merkle.Hash, _ error) {
			for _, n := range numbers {
				out = append(out, made[n])
			}
			return out, nil
		}
		for i := range size {
			leaf, err := tx.Leaf(i)
			if err != nil {
				return err
			}
			_, more, err := merkle.Append(i, leaf, read)
			if err != nil {
				return err
			}
			made = append(made, more...)
		}
		for i, want := range made {
			if got, err := tx.Hashes([]int64{int64(i)}); err != nil || got[0] != want {
				return fmt.Errorf("hash %d of %d leaves is not the tree's: %w", i, size, err)
			}
		}
		if _, err := tx.Leaf(size); !errors.Is(err, store.ErrAbsent) {
			return fmt.Errorf("there is a leaf beyond the log's %d", size)
		}
		return nil
	})
}

func judgeBlob(s kept, d envelope.Digest, want string) error {
	f, _, err := s.blobs.Open(d)
	if err != nil {
		return err
	}
	defer f.Close()
	got, err := io.ReadAll(f)
	if err == nil && string(got) != want {
		err = fmt.Errorf("a blob of %d bytes is not what was kept", len(got))
	}
	return err
}
