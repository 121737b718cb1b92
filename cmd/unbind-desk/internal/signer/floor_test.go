package signer

import (
	"os"
	"path/filepath"
	"testing"
)

// A version that could not be kept is not held to be kept; the next ask keeps it.
func TestAFloorThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	p := &Process{Floor: filepath.Join(dir, "floor")}
	for range 2 {
		if err := p.heed(2); err == nil {
			t.Fatal("a floor that is nowhere was called kept")
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := p.heed(2); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(p.Floor); err != nil || string(text) != "2\n" {
		t.Fatalf("the floor is %q, %v", text, err)
	}
	if err := p.heed(1); err == nil {
		t.Fatal("an older version passes")
	}
}

// A floor that holds no number is never passed over, however often one asks.
func TestASpoiledFloorIsRefused(t *testing.T) {
	for _, text := range []string{"", "x", "-3", "0"} {
		p := &Process{Floor: filepath.Join(t.TempDir(), "floor")}
		if err := os.WriteFile(p.Floor, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := p.heed(1); err == nil {
				t.Errorf("a floor of %q was passed over", text)
			}
		}
	}
}
