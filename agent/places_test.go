package agent

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestMakeDirs(t *testing.T) {
	dir := t.TempDir()
	deep := filepath.Join(dir, "a", "b", "c")
	for range 2 { // and again, where they are
		if err := makeDirs(deep, filepath.Join(dir, "d")); err != nil {
			t.Fatal(err)
		}
	}
	st, err := os.Stat(deep)
	if err != nil || !st.IsDir() || st.Mode().Perm() != 0o700 {
		t.Fatalf("%v, %v", st, err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Join(file, "below")} {
		if err := makeDirs(path); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// The whole system, a way up and out, and what only begins like a root lie below
// no root, whatever a desk has signed.
func TestOnlyWhatLiesBelowARoot(t *testing.T) {
	a := New(Parts{Config: Config{Erase: Erase{Roots: []string{"/data/pos", "/"}}}})
	for path, may := range map[string]bool{
		"/data/pos/x": true, "/data/pos": false, "/data/pos-2/x": false, "/": false, "/data/pos/../etc": false, "/etc": false, "data/pos/x": false,
	} {
		if a.mayErase(path) != may {
			t.Errorf("%q: %v", path, !may)
		}
	}
}
