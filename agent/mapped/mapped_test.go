package mapped

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// filled is a file of several pages, opened.
func filled(t *testing.T) (f *File, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "db")
	f, err := Open(path, 0o600, bbolt.Options{Timeout: time.Second, PageSize: 4096})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() }) // which is nothing where the test did so
	err = f.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("b"))
		for n := range 200 {
			err = errors.Join(err, b.Put([]byte{byte(n)}, make([]byte, 500)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return f, path
}

// readAll reads every value.
func readAll(f *File) error {
	return f.View(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("b")).ForEach(func(_, v []byte) error {
			if len(v) != 500 || v[0] != 0 {
				return errors.New("it is another value")
			}
			return nil
		})
	})
}

// lacking does something while all behind so many bytes of the file is away, as
// behind a bad place of a medium.
func lacking(t *testing.T, path string, from int64, do func()) {
	t.Helper()
	whole, err := os.ReadFile(path)
	if err == nil {
		err = os.Truncate(path, from)
	}
	if err != nil {
		t.Fatal(err)
	}
	do()
	h, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, err = h.WriteAt(whole, 0)
	}
	if err := errors.Join(err, h.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestAPageThatIsNotThereIsAnError(t *testing.T) {
	f, path := filled(t)
	put := func(tx *bbolt.Tx) error { return tx.Bucket([]byte("b")).Put([]byte{200}, make([]byte, 500)) }
	lacking(t, path, 2*4096, func() {
		if err := readAll(f); !errors.Is(err, ErrUnread) {
			t.Errorf("it is read with %v", err)
		}
	})
	if err := errors.Join(readAll(f), f.Update(put), readAll(f)); err != nil {
		t.Errorf("the pages are there again, and it says %v", err)
	}
}

// What bbolt looks at under its locks is met before it takes them.
func TestFirstPagesThatAreNotThere(t *testing.T) {
	f, path := filled(t)
	lacking(t, path, 4096, func() {
		for _, err := range []error{readAll(f), f.Update(func(*bbolt.Tx) error { return nil })} {
			if !errors.Is(err, ErrUnread) {
				t.Errorf("it begins with %v", err)
			}
		}
	})
	if err := readAll(f); err != nil {
		t.Errorf("the pages are there again, and it says %v", err)
	}
}

// A change that meets a fault is taken back, and the next one goes.
func TestAChangeThatMeetsAFaultIsTakenBack(t *testing.T) {
	f, path := filled(t)
	one := func(tx *bbolt.Tx) error { return tx.Bucket([]byte("b")).Put([]byte{1}, []byte("another")) }
	lacking(t, path, 2*4096, func() {
		if err := f.Update(one); !errors.Is(err, ErrUnread) {
			t.Errorf("it is changed with %v", err)
		}
	})
	if err := readAll(f); err != nil {
		t.Error(err)
	}
	if err := errors.Join(f.Update(one), f.Close()); err != nil {
		t.Error(err)
	}
	again, err := Open(path, 0o600, bbolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(readAll(again), again.Close()); err == nil {
		t.Error("the change is not there")
	}
}

// A file that faults while it is opened is not held either.
func TestAFileThatCannotBeOpenedIsLetGo(t *testing.T) {
	f, path := filled(t)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	lacking(t, path, 2*4096, func() {
		f, err := Open(path, 0o600, bbolt.Options{Timeout: time.Second, InitialMmapSize: 1 << 20}) // or the map would end with the file
		if err == nil {
			err = errors.Join(readAll(f), f.Close())
		}
		if !errors.Is(err, ErrUnread) {
			t.Errorf("it is opened with %v", err)
		}
	})
	again, err := Open(path, 0o600, bbolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(readAll(again), again.Close()); err != nil {
		t.Error(err)
	}
}

// Bytes that are there and are not what bbolt wrote are told as that, and a page that is
// not there as one that could not be read: neither as anything of pointers.
func TestWhatIsWrongIsToldAsItIs(t *testing.T) {
	f, path := filled(t)
	at, _ := freelistAt(t, f)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	open := func() error {
		f, err := Open(path, 0o600, bbolt.Options{Timeout: time.Second, InitialMmapSize: 1 << 20})
		if err == nil {
			err = f.Close()
		}
		return err
	}
	lacking(t, path, int64(at)*4096, func() {
		if err := open(); !errors.Is(err, ErrUnread) || errors.Is(err, ErrWrong) || strings.Contains(err.Error(), "pointer") {
			t.Errorf("a page that is not there: %v", err)
		}
	})
	damaged := bytes.Clone(whole)
	damaged[at*4096+8] = 0x02 // no list, but a leaf
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := open(); !errors.Is(err, ErrWrong) || errors.Is(err, ErrUnread) {
		t.Errorf("a page that is another: %v", err)
	}
}

func TestAMistakeIsNoFault(t *testing.T) {
	f, _ := filled(t)
	defer func() {
		if p := recover(); p != "mistake" {
			t.Errorf("it panics with %v", p)
		}
		if err := readAll(f); err != nil {
			t.Error(err)
		}
	}()
	_ = f.Update(func(*bbolt.Tx) error { panic("mistake") })
}
