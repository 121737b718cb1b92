package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// stock is the same work by stock tools, in seconds, and its sizes in bytes.
type stock struct {
	seal, zero    float64
	plain, sealed int64
}

// byStock opens the backup that the desk received, seals the plain file again
// with zstd and age, and writes zeros over as many bytes as were erased.
func (t *terminal) byStock(id string, erased int64) (s stock, err error) {
	dir := t.path("stock")
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if _, err := t.call("unbind-desk", "cases", "export", id, "--dir", "desk", "--out", "stock"); err != nil {
		return s, err
	}
	if s.sealed, err = size(filepath.Join(dir, "backup.jsonl.zst.age")); err != nil {
		return s, err
	}
	key := filepath.Join("..", "desk", "keys", "recipient.key")
	recipient, err := t.b.call(dir, "age-keygen", "-y", key)
	if err != nil {
		return s, err
	}
	if _, err := t.pipe(dir, `age -d -i "$1" backup.jsonl.zst.age | zstd -dqc > plain`, key); err != nil {
		return s, err
	}
	if s.plain, err = size(filepath.Join(dir, "plain")); err != nil {
		return s, err
	}
	if s.seal, err = t.pipe(dir, `zstd -1 -T1 -qc plain | age -r "$1" -o sealed`, strings.TrimSpace(recipient)); err != nil {
		return s, err
	}
	s.zero, err = t.pipe(dir, `dd if=/dev/zero of=zeros bs=1M count="$1" iflag=count_bytes conv=fsync status=none`, fmt.Sprint(erased+s.sealed))
	return s, err
}

// pipe runs a line of shell in dir and returns the seconds it took.
func (t *terminal) pipe(dir, line string, args ...string) (float64, error) {
	began := time.Now()
	_, err := t.b.call(dir, "bash", append([]string{"-c", "set -euo pipefail; " + line, "pipe"}, args...)...)
	return time.Since(began).Seconds(), err
}

func size(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// treeSize adds up the files of a folder.
func treeSize(dir string) (total int64, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		n, statErr := size(filepath.Join(dir, e.Name()))
		err = errors.Join(err, statErr)
		total += n
	}
	return total, err
}
