package card

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func open(t *testing.T, path string) *File {
	t.Helper()
	f, err := OpenFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() }) // a test may have closed it
	return f
}

func reopen(t *testing.T, f *File, path string) *File {
	t.Helper()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, path)
}

func put(t *testing.T, f *File, id byte, b []byte) {
	t.Helper()
	k, err := NewKey(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Put(id, k); err != nil {
		t.Fatal(err)
	}
}

func TestKeysOutliveTheProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "card")
	f := open(t, path)
	put(t, f, 1, testKey)
	put(t, f, 2, bytes.Repeat([]byte{0x11}, 24))
	put(t, f, 1, bytes.Repeat([]byte{0x17}, 16))
	f = reopen(t, f, path)
	if k, there := f.Find(1); !there || !bytes.Equal(k.KCV(), []byte{0x3A, 0xDE, 0xBB}) {
		t.Errorf("key 1: %x, %v", k.KCV(), there)
	}
	if k, there := f.Find(2); !there || len(k.bytes()) != 24 {
		t.Errorf("key 2: %v", there)
	}
	if _, err := OpenFile(path, nil); err == nil {
		t.Error("two programs have one card")
	}
}

func TestADeletedKeyIsOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "card")
	f := open(t, path)
	put(t, f, 1, testKey)
	put(t, f, 2, bytes.Repeat([]byte{0x11}, 16))
	if err := f.Delete(1); err != nil {
		t.Fatal(err)
	}
	image, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(image, testKey[:4]) || !bytes.Contains(image, bytes.Repeat([]byte{0x11}, 16)) {
		t.Error("the wrong key is in the file")
	}
	f = reopen(t, f, path)
	if _, there := f.Find(1); there {
		t.Error("it is back")
	}
	if err := f.Delete(1); err != nil {
		t.Errorf("deleted again: %v", err)
	}
}

// TestAPowerCutLeavesNoHalfKey stops the writing of a key, and its deletion, after each of their two writes.
func TestAPowerCutLeavesNoHalfKey(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "card")
	f := open(t, path)
	put(t, f, 9, testKey)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	full, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	keyOnly, headOnly := bytes.Clone(full), bytes.Clone(full)
	clear(keyOnly[:keyAt])
	clear(headOnly[keyAt:placeSize])
	for name, image := range map[string][]byte{"head missing": keyOnly, "key missing": headOnly} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, image, 0o600); err != nil {
			t.Fatal(err)
		}
		f := open(t, path)
		if _, there := f.Find(9); there {
			t.Errorf("%s: half a key is there", name)
		}
		left, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(left, make([]byte, len(left))) {
			t.Errorf("%s: left in the file, %v", name, err)
		}
	}
}

func TestANewCardHasItsFirstKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "card")
	k, err := NewKey(testKey)
	if err != nil {
		t.Fatal(err)
	}
	first := map[byte]Key{1: k, 5: k}
	f, err := OpenFile(path, first)
	if err != nil {
		t.Fatal(err)
	}
	for id := range first {
		if got, there := f.Find(id); !there || !bytes.Equal(got.KCV(), []byte{0x26, 0x5A, 0x7A}) {
			t.Errorf("key %d: %v", id, there)
		}
	}
	if err := errors.Join(f.Delete(1), f.Close()); err != nil {
		t.Fatal(err)
	}
	if f, err = OpenFile(path, first); err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, there := f.Find(1); there {
		t.Error("a card that is not new got a first key")
	}
}

func TestACardCanBeFull(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "card"))
	for i := range filePlaces {
		put(t, f, byte(i), testKey)
	}
	k, err := NewKey(testKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Put(200, k); !errors.Is(err, ErrFull) {
		t.Errorf("key 17: %v", err)
	}
	card := New(Options{Keys: f})
	wantBytes(t, "load", card.APDU(append(unhex(t, "80d800c810"), testKey...)), "6a84")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	wantBytes(t, "a memory that fails", card.APDU(unhex(t, "80e40001")), "6581")
}

func TestADamagedFileIsNoCard(t *testing.T) {
	path := filepath.Join(t.TempDir(), "card")
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFile(path, nil); err == nil {
		t.Error("opened")
	}
}
