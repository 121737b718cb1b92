package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// decoys lie outside every root; the way to a victim looks like those inside.
func (w *world) decoys() {
	w.t.Helper()
	for _, name := range []string{"out/victim", "out/to/victim", "out/victim-2", "pos/keep/deep/er/other", "pos/data-2/orders.db", "pos/export-1.csv.keep", "pos/.hidden"} {
		w.plant(name)
	}
	w.no(os.Symlink("../out/victim", w.path("pos", "keep", "link")))
}

func (w *world) plant(name string) {
	w.t.Helper()
	w.no(os.MkdirAll(filepath.Dir(w.path(name)), 0o755))
	w.no(os.WriteFile(w.path(name), []byte(strings.Repeat(name+" "+canary+"\n", 300)), 0o640))
}

func (w *world) no(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// everything is each name below the folders with its mode, size, time, link and
// content, but for what the inventory names. Folders that names may go from have
// no time of their own.
func (w *world) everything(folders, inventory []string) map[string]string {
	w.t.Helper()
	out := map[string]string{}
	for _, folder := range folders {
		w.no(filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			named := func(of string) bool { ok, err := filepath.Match(of, path); return ok && err == nil }
			if slices.ContainsFunc(inventory, named) {
				if d.IsDir() {
					return filepath.SkipDir
				}
				return nil
			}
			out[path], err = w.print(path, slices.ContainsFunc(inventory, func(of string) bool { return filepath.Dir(of) == path }))
			return err
		}))
	}
	if len(out) < 10 {
		w.t.Fatalf("only %d names outside the inventory", len(out))
	}
	return out
}

// print is the finger print of one name.
func (w *world) print(path string, changes bool) (string, error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return "", err
	}
	text := fmt.Sprintf("%o %d:%d", st.Mode, st.Uid, st.Gid)
	if !changes {
		text += fmt.Sprintf(" %d.%d", st.Mtim.Sec, st.Mtim.Nsec)
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFLNK:
		to, err := os.Readlink(path)
		return text + " -> " + to, err
	case unix.S_IFREG:
		b, err := os.ReadFile(path)
		sum := sha256.Sum256(b)
		return text + " " + hex.EncodeToString(sum[:8]), err
	}
	return text, nil
}

func (w *world) same(before map[string]string, folders, inventory []string, what string) {
	w.t.Helper()
	after := w.everything(folders, inventory)
	if maps.Equal(before, after) {
		return
	}
	for path, print := range before {
		if after[path] != print {
			w.t.Errorf("%s: %s was %s, is %q", what, path, print, after[path])
		}
	}
	for path := range after {
		if before[path] == "" {
			w.t.Errorf("%s: %s is new", what, path)
		}
	}
}
