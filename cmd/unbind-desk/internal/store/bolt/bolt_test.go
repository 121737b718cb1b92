package bolt

import (
	"errors"
	"io"
	"os"
	"runtime"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Base { return create(t, t.TempDir()) })
}

func TestContractInMemory(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Base { return storetest.NewMemory() })
}

func create(t *testing.T, dir string) *Base {
	t.Helper()
	b, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOneWriterADirectory(t *testing.T) {
	dir := t.TempDir()
	b := create(t, dir)
	if _, err := Open(dir); !errors.Is(err, store.ErrInUse) {
		t.Fatalf("a second writer: %v", err)
	}
	if _, err := Create(dir); err == nil {
		t.Fatal("a store was made over another")
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.TempDir()); err == nil {
		t.Fatal("an absent store was opened")
	}
}

// A commit whose pages are written and not yet synced can be seen by a reader of
// the file; nobody may be told of it until it is durable.
func TestLookWaitsForTheMedium(t *testing.T) {
	b := create(t, t.TempDir())
	t.Cleanup(func() { _ = b.Close() })
	b.mu.Lock()
	b.durable-- // as it stands between the write of the last commit and its sync
	b.mu.Unlock()
	seen := make(chan error, 1)
	go func() { seen <- b.Look(func(store.Rows) error { return nil }) }()
	for over := time.Now().Add(time.Minute); ; runtime.Gosched() {
		b.mu.Lock()
		waits := b.waiting == 1
		if waits { // no other can move it while the lock is held
			b.durable++
			b.moved.Broadcast()
		}
		b.mu.Unlock()
		if waits {
			break
		}
		if len(seen) > 0 || time.Now().After(over) {
			t.Fatal("a look saw what is not durable")
		}
	}
	if err := <-seen; err != nil {
		t.Fatal(err)
	}
}

// After a commit that failed nobody knows what is on the medium: the base does
// nothing more, whoever asks, and says so.
func TestFailedCommitEndsTheBase(t *testing.T) {
	var file *os.File
	b, err := open(t.TempDir(), func(name string, how int, mode os.FileMode) (*os.File, error) {
		f, err := os.OpenFile(name, how, mode)
		file = f
		return f, err
	})
	if err != nil {
		t.Fatal(err)
	}
	change := func() error {
		return b.Change(func(r store.Rows) error { return r.Put("cases", "a", []byte("1")) })
	}
	if err := change(); err != nil {
		t.Fatal(err)
	}
	if err := b.Change(func(store.Rows) error { return io.ErrUnexpectedEOF }); !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, store.ErrUnknown) {
		t.Fatalf("the change's own error comes back as %v", err)
	}
	if err := file.Close(); err != nil { // the medium is gone
		t.Fatal(err)
	}
	if err := change(); !errors.Is(err, store.ErrUnknown) {
		t.Fatalf("a failed commit is told as %v", err)
	}
	if err := b.Look(func(store.Rows) error { return nil }); !errors.Is(err, store.ErrUnknown) {
		t.Fatalf("a look after it: %v", err)
	}
	if err := change(); !errors.Is(err, store.ErrUnknown) {
		t.Fatalf("a change after it: %v", err)
	}
}

// A file of an older desk, without the newer tables, is opened and brought up.
func TestOlderFileGetsItsTables(t *testing.T) {
	dir := t.TempDir()
	b := create(t, dir)
	err := b.db.Update(func(tx *bbolt.Tx) error {
		return errors.Join(tx.DeleteBucket([]byte("hashes")), tx.DeleteBucket([]byte("hooks")))
	})
	if err := errors.Join(err, b.Close()); err != nil {
		t.Fatal(err)
	}
	if b, err = Open(dir); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Change(func(r store.Rows) error { return r.Put("hashes", "a", nil) }); err != nil {
		t.Fatal(err)
	}
}
