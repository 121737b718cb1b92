package journal

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A journal is no longer than what was in it and a MiB, however much of it has its
// place in memory: all of it is written over when it is erased.
func TestAJournalIsNotMuchLongerThanItHasToBe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j, err := Create(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	const body, growBy = 200 << 10, 1 << 20
	err = errors.Join(j.Post(Parcel{Case: "c", Kind: "answer", N: 1, Body: make([]byte, body)}), j.Close())
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if size := info.Size(); size < growBy || size > 3*body+growBy {
		t.Errorf("of one parcel of %d bytes the journal is %d bytes long", body, size)
	}
}
