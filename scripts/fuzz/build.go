package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// builds makes the test programs of a tree, each once.
type builds struct {
	tree tree
	mu   sync.Mutex
}

// forFuzzing is a package's test program as the fuzzer wants it.
func (b *builds) forFuzzing(ctx context.Context, dir string) (string, error) {
	return b.program(ctx, dir, "fuzz", "-fuzz=.")
}

// forCounting is the one that says which statements of the package ran.
func (b *builds) forCounting(ctx context.Context, dir string) (string, error) {
	return b.program(ctx, dir, "count", "-cover", "-covermode=set")
}

func (b *builds) program(ctx context.Context, dir, kind string, flags ...string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	name := filepath.Join(filepath.Dir(b.tree.dir), "bin", b.tree.commit, strings.ReplaceAll(dir, "/", ".")+"."+kind)
	if _, err := os.Stat(name); err == nil {
		return name, nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return "", err
	}
	part := name + ".part"
	build := exec.CommandContext(ctx, "go", append(append([]string{"test", "-c", "-o", part}, flags...), "./"+dir)...)
	build.Dir = b.tree.dir
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build the test program: %w: %s", err, text)
	}
	return name, os.Rename(part, name)
}
