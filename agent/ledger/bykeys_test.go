package ledger

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// counted is a context that is over after it was asked so many times.
type counted struct {
	context.Context
	left int
}

func (c *counted) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// A carving among nothing but false keys stops when it is told to.
func TestCarvingByKeysStops(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	var file []byte
	for len(file) < 64<<10 {
		file = append(file, seqKey(7)...)
	}
	must(os.WriteFile(path, file, 0o600))
	f, err := os.Open(path)
	must(err)
	defer f.Close()
	ctx := &counted{context.Background(), 500}
	c := &carving{ctx: ctx, file: f, read: f, size: int64(len(file)), number: 1,
		sealer: &sealer{aead: testOptions().AEAD, binding: testBinding}, plain: make([]byte, 0, maxRecord)}
	c.byKeys([]Span{{7, 7}})
	if ctx.left < -20 {
		t.Errorf("it went on for %d steps after it was stopped", -ctx.left)
	}
	if ctx.left >= 0 {
		t.Error("it ended by itself")
	}
}
