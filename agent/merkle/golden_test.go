package merkle

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// The examples of docs/wire, made with fixed keys and a log of seven leaves.
// UPDATE_WIRE writes them anew.
func TestWireExamples(t *testing.T) {
	m := grow(t, 7)
	growth, err1 := ProveGrowth(3, 7, m.signed(t, 7), m.read)
	line, err2 := GrowthLine(3, 7, m.read)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"log-checkpoint.txt": m.signed(t, 7), "log-proof.tlog-proof": m.prove(t, 4, 7), "log-consistency.txt": growth,
		"log-checkpoint-3.txt": m.signed(t, 3), "log-growth.txt": []byte(line + "\n"),
	} {
		path := filepath.Join("..", "..", "docs", "wire", name)
		if os.Getenv("UPDATE_WIRE") != "" {
			if err := os.WriteFile(path, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || string(want) != string(text) {
			t.Errorf("%s is not what the code writes: %v", name, err)
		}
	}
}
