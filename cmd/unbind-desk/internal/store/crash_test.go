package store

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

// workForLab makes a store and fills it, or goes on with what a killed desk left.
func workForLab(what, dir string) error {
	told, err := os.OpenFile(filepath.Join(dir, ".told"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer told.Close()
	if what == "desk again" {
		return tellWhatIsThere(dir, told)
	}
	s, err := Create(dir)
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
	s, err := Open(dir)
	if err != nil {
		return err
	}
	last := int64(-1)
	for err == nil {
		err = s.Look(func(tx *Tx) error {
			_, err := tx.Object(Key{Case: "C-1", Kind: "backup", N: last + 1})
			return err
		})
		if err == nil {
			last++
		}
	}
	if !errors.Is(err, ErrAbsent) {
		return errors.Join(err, s.Close())
	}
	fmt.Fprintln(told, "ack", last)
	return s.Close()
}

func content(n int64) string { return strings.Repeat(fmt.Sprint("record ", n), 700) }

func keepBlob(s *Store, body string) (envelope.Digest, error) {
	u, err := s.Receive()
	if err != nil {
		return "", err
	}
	_, err = io.WriteString(u, body)
	if err == nil {
		err = u.Keep()
	}
	return u.Digest(), errors.Join(err, u.Drop())
}

func addNumbered(s *Store, n int64, digest envelope.Digest) error {
	return s.Change(func(tx *Tx) error {
		_, err := tx.AddObject(Key{Case: "C-1", Kind: "backup", N: n}, Object{Digest: digest})
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
	s, err := Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(judgeObjects(s, acked, begun), judgePart(s, told), s.Close())
}

func judgeObjects(s *Store, acked, begun int64) error {
	next := int64(0)
	for ; next <= begun; next++ {
		var o Object
		err := s.Look(func(tx *Tx) (err error) {
			if o, err = tx.Object(Key{Case: "C-1", Kind: "backup", N: next}); err != nil {
				return err
			}
			leaf, err := tx.Leaf(o.Leaf)
			if err == nil && (leaf != o.Digest || o.Leaf != next) {
				err = fmt.Errorf("leaf %d is not object %d's", o.Leaf, next)
			}
			return err
		})
		if errors.Is(err, ErrAbsent) && next > acked {
			break
		}
		if err == nil {
			err = judgeBlob(s, o.Digest, content(next))
		}
		if err != nil {
			return fmt.Errorf("object %d, acknowledged up to %d: %w", next, acked, err)
		}
	}
	digest, err := keepBlob(s, "one more")
	if err != nil {
		return err
	}
	return addNumbered(s, next, digest)
}

func judgeBlob(s *Store, d envelope.Digest, want string) error {
	f, err := s.Blob(d)
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
