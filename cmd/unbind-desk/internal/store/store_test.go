package store

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"unbindd/agent/envelope"
)

func create(t *testing.T) (*Store, string) {
	t.Helper()
	dir := t.TempDir()
	s, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func shut(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOneWriterADirectory(t *testing.T) {
	s, dir := create(t)
	if _, err := Open(dir); !errors.Is(err, ErrInUse) {
		t.Fatalf("a second writer: %v", err)
	}
	if _, err := Create(dir); err == nil {
		t.Fatal("a store was made over another")
	}
	shut(t, s)
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	shut(t, s)
	if _, err := Open(t.TempDir()); err == nil {
		t.Fatal("an absent store was opened")
	}
}

// Whatever is added in whatever order, the log has every object once, in order,
// and an object is never written over.
func TestLogIsAppendOnly(t *testing.T) {
	s, _ := create(t)
	defer shut(t, s)
	var want []envelope.Digest
	rapid.Check(t, func(r *rapid.T) {
		k := Key{
			Case: envelope.ID(rapid.SampledFrom([]string{"C-1", "C-2"}).Draw(r, "case")),
			Kind: rapid.SampledFrom([]string{"answer", "manifest"}).Draw(r, "kind"), N: rapid.Int64Range(1, 9).Draw(r, "n"),
		}
		digest := envelope.DigestOf([]byte(rapid.String().Draw(r, "body")))
		fails := rapid.Bool().Draw(r, "fails")
		var there bool
		err := s.Change(func(tx *Tx) error {
			_, err := tx.Object(k)
			there = err == nil
			o, err := tx.AddObject(k, Object{Digest: digest})
			if err == nil && o.Leaf != int64(len(want)) {
				r.Fatalf("leaf %d, want %d", o.Leaf, len(want))
			}
			if err == nil && fails {
				err = io.ErrUnexpectedEOF
			}
			return err
		})
		if (err == nil) != (!there && !fails) {
			r.Fatalf("there before: %v, fails: %v, got %v", there, fails, err)
		}
		if err == nil {
			want = append(want, digest)
		}
	})
	if err := s.Look(func(tx *Tx) error {
		for i, w := range want {
			if got, err := tx.Leaf(int64(i)); err != nil || got != w {
				t.Errorf("leaf %d is %s, want %s: %v", i, got, w, err)
			}
		}
		_, err := tx.Leaf(int64(len(want)))
		if !errors.Is(err, ErrAbsent) {
			t.Errorf("there is a leaf too many: %v", err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// A change that fails takes none of the changes that share its commit with it.
func TestBatchMatesSurviveAFailure(t *testing.T) {
	s, _ := create(t)
	defer shut(t, s)
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			err := s.Change(func(tx *Tx) error {
				if _, err := tx.Count("n"); err != nil {
					return err
				}
				if i%4 == 0 {
					return io.ErrUnexpectedEOF
				}
				return nil
			})
			if (err != nil) != (i%4 == 0) {
				t.Errorf("change %d: %v", i, err)
			}
		})
	}
	all.Wait()
	if err := s.Change(func(tx *Tx) error {
		n, err := tx.Count("n")
		if n != 31 {
			t.Errorf("the counter is %d, want 31", n)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestObjectsByNumber(t *testing.T) {
	s, _ := create(t)
	defer shut(t, s)
	add := func(k Key) error {
		return s.Change(func(tx *Tx) error {
			_, err := tx.AddObject(k, Object{Digest: envelope.DigestOf(nil)})
			return err
		})
	}
	for _, k := range []Key{{"C-1", "answer", 10}, {"C-1", "answer", 9}, {"C-1", "answers", 1}, {"C-10", "answer", 1}, {"C-1", "manifest", 1}} {
		if err := add(k); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Look(func(tx *Tx) error {
		var got []int64
		err := tx.Objects("C-1", "answer", func(o Object) error { got = append(got, o.N); return nil })
		if len(got) != 2 || got[0] != 9 || got[1] != 10 {
			t.Errorf("the answers are %v", got)
		}
		newest, err2 := tx.Newest("C-1", "answer")
		if newest.N != 10 {
			t.Errorf("the newest is %d", newest.N)
		}
		kinds := map[string]int{}
		err3 := tx.Kinds("C-1", func(kind string, _ Object) error { kinds[kind]++; return nil })
		if len(kinds) != 3 || kinds["answer"] != 2 {
			t.Errorf("the kinds are %v", kinds)
		}
		return errors.Join(err, err2, err3)
	}); err != nil {
		t.Fatal(err)
	}
}

func TestBlobs(t *testing.T) {
	s, dir := create(t)
	up := func(text string) *Upload {
		u, err := s.Receive()
		if err == nil {
			_, err = io.WriteString(u, text)
		}
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	kept, dropped, cut := up("kept"), up("dropped"), up("cut off by a power cut")
	if err := errors.Join(kept.Keep(), kept.Drop(), dropped.Drop()); err != nil {
		t.Fatal(err)
	}
	f, err := s.Blob(envelope.DigestOf([]byte("kept")))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if err := errors.Join(err, f.Close()); err != nil || string(text) != "kept" {
		t.Fatalf("the blob says %q: %v", text, err)
	}
	for _, d := range []envelope.Digest{envelope.DigestOf([]byte("dropped")), cut.Digest(), "sha256:../../desk.db", ""} {
		if _, err := s.Blob(d); !errors.Is(err, ErrAbsent) {
			t.Errorf("blob %s: %v", d, err)
		}
	}
	shut(t, s)
	if s, err = Open(dir); err != nil {
		t.Fatal(err)
	}
	defer shut(t, s)
	if left, err := os.ReadDir(filepath.Join(dir, "blobs")); err != nil || len(left) != 1 {
		t.Fatalf("%d files are left in the blob folder: %v", len(left), err)
	}
}
