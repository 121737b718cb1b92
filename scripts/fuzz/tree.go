package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// tree is a commit, unpacked.
type tree struct {
	commit string
	dir    string // absolute
}

// unpack makes the tree, or finds it.
func unpack(commit string) (tree, error) {
	b, err := exec.Command("git", "rev-parse", "--short=12", "--verify", commit+"^{commit}").Output()
	if err != nil {
		return tree{}, fmt.Errorf("cannot find commit %s: %w", commit, err)
	}
	top, err := filepath.Abs(out)
	if err != nil {
		return tree{}, err
	}
	t := tree{commit: strings.TrimSpace(string(b))}
	t.dir = filepath.Join(top, "tree-"+t.commit)
	if _, err := os.Stat(t.dir); err == nil {
		return t, nil
	}
	return t, t.make()
}

// make lets the tree appear whole or not at all.
func (t tree) make() error {
	part := t.dir + ".part"
	if err := errors.Join(os.RemoveAll(part), os.MkdirAll(part, 0o755)); err != nil {
		return err
	}
	archive := part + ".tar"
	for _, command := range [][]string{
		{"git", "archive", "-o", archive, t.commit},
		{"tar", "-xf", archive, "-C", part},
	} {
		if text, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("cannot unpack commit %s: %w: %s", t.commit, err, text)
		}
	}
	return errors.Join(os.Remove(archive), os.Rename(part, t.dir))
}

// target is one fuzz function.
type target struct {
	dir  string // of its package, with slashes
	name string
}

func (t target) String() string { return t.dir + " " + t.name }

// seeds is where a target's committed inputs lie.
func (t target) seeds() string { return path.Join(t.dir, "testdata", "fuzz", t.name) }

var fuzzFunction = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(\w+ \*testing\.F\)`)

// targetsOf finds the fuzz functions of a house, by folder and name.
func targetsOf(house fs.FS) ([]target, error) {
	var all []target
	err := fs.WalkDir(house, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == out || strings.HasPrefix(d.Name(), ".") && name != "."):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := fs.ReadFile(house, name)
		for _, found := range fuzzFunction.FindAllSubmatch(text, -1) {
			all = append(all, target{path.Dir(name), string(found[1])})
		}
		return err
	})
	slices.SortFunc(all, func(a, b target) int { return cmp.Or(cmp.Compare(a.dir, b.dir), cmp.Compare(a.name, b.name)) })
	return all, err
}
