package space

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/bolt"
)

// small is a disk of 64 MiB.
func small(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root makes disks")
	}
	dir := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill takes all that is left, as a program beside the desk does.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := 1 << 20; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// A desk that a full disk ended starts on it: its ballast is the room that opening takes.
func TestADeskStartsOnAFullDisk(t *testing.T) {
	dir := small(t)
	if freed, err := Settle(dir, 1<<20); err != nil || freed {
		t.Fatal(freed, err)
	}
	b, err := bolt.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, filepath.Join(dir, "other"))
	add := func() error {
		return b.Change(func(r store.Rows) error { return r.Put("settings", "x", make([]byte, 1<<20)) })
	}
	if err := add(); !errors.Is(err, store.ErrUnknown) || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("a commit on a full disk says %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	freed, err := Settle(dir, 1<<20)
	if err != nil || !freed {
		t.Fatalf("the ballast stays: %v", err)
	}
	if b, err = bolt.Open(dir); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(add(), b.Close()); err != nil {
		t.Fatal(err)
	}
	// With room again it is kept back again, also where a power cut left it without its blocks.
	if err := os.Remove(filepath.Join(dir, "other")); err != nil {
		t.Fatal(err)
	}
	for _, cut := range []string{"", "x"} {
		if err := os.WriteFile(filepath.Join(dir, ballast), []byte(cut), 0o600); err != nil {
			t.Fatal(err)
		}
		if freed, err := Settle(dir, 1<<20); err != nil || freed {
			t.Fatal(freed, err)
		}
		if has, err := os.Stat(filepath.Join(dir, ballast)); err != nil || has.Size() != Ballast {
			t.Fatalf("cut to %q the ballast stays so: %v", cut, err)
		}
	}
	left, err := Left(dir)
	if err != nil {
		t.Fatal(err)
	}
	var s syscall.Stat_t
	if err := syscall.Stat(filepath.Join(dir, ballast), &s); err != nil || s.Blocks*512 < Ballast {
		t.Fatalf("the ballast has %d bytes, %d are left: %v", s.Blocks*512, left, err)
	}
}
