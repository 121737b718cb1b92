//go:build (amd64 || arm64) && !android

package crash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"unbindd/wipe"
)

func init() { works["wipe"] = erase }

var canary = []byte("622848CANARY")

func target(dir string) wipe.Target {
	return wipe.Target{Name: "folder", Kind: "data", Path: filepath.Join(dir, "data"), Root: dir, Requested: wipe.LevelClear}
}

// erase fills a folder, durably, and erases it.
func erase(dir string, _ uint64, say func(string)) error {
	sub := filepath.Join(dir, "data", "sub")
	if err := os.MkdirAll(sub, 0o700); err != nil {
		return err
	}
	for i, path := range []string{filepath.Join(dir, "data", "a"), filepath.Join(sub, "b"), filepath.Join(sub, "c")} {
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		_, err = f.Write(bytes.Repeat(canary, 100+400*i))
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	for _, d := range []string{sub, filepath.Dir(sub), dir} {
		f, err := os.Open(d)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	say("filled")
	e := wipe.Erase(context.Background(), wipe.Kernel{}, target(dir), nil)
	if e.Verified != wipe.Pass {
		return fmt.Errorf("the erase: %+v", e)
	}
	say("erased")
	return nil
}

// judgeWipe erases again on what the cut left: it ends well, nothing is there,
// and if the first erase was told as done there was nothing before either.
func judgeWipe(dir string, told []string) error {
	if len(told) > 1 {
		left, err := wipe.Look(wipe.Kernel{}, target(dir))
		if err != nil || len(left) > 0 {
			return fmt.Errorf("told as erased, and %d names are there: %v", len(left), err)
		}
	}
	e := wipe.Erase(context.Background(), wipe.Kernel{}, target(dir), nil)
	left, err := wipe.Look(wipe.Kernel{}, target(dir))
	if err != nil || len(left) > 0 || e.Verified != wipe.Pass {
		return fmt.Errorf("the second erase: %d names left, %v, %+v", len(left), err, e)
	}
	return nil
}

func TestAnEraseCanBeCutAnywhere(t *testing.T) {
	r := &replay{store: "wipe", seed: seedOf(1), randoms: number("CRASH_RANDOMS", 8), from: "", judge: judgeWipe, only: envCase()}
	tr := recorded(t, r.seed, "wipe")
	green(t, "wipe", r.run(t, tr))
	deaf := &replay{store: "wipe", seed: 1, deaf: deafTo(syncFolder, ""), judge: judgeWipe, enough: 3, skip: tr.count - 2}
	red(t, "wipe, its folders", deaf.run(t, tr))
}

// No name and no length goes before what it led to was overwritten on the
// medium: read from the record itself.
func TestNothingIsUnlinkedBeforeItIsOverwritten(t *testing.T) {
	tr := recorded(t, 1, "wipe")
	for _, c := range []struct {
		name string
		deaf bool
	}{{"the erase", false}, {"a medium that ignores its syncs", true}} {
		gone, early := unlinked(t, tr, c.deaf)
		if gone != 3 || (early > 0) != c.deaf {
			t.Errorf("%s: %d files went, %d of them early", c.name, gone, early)
		}
	}
}

// unlinked counts the files that went, and those that went while the medium
// could still have had what they held.
func unlinked(t *testing.T, tr trace, deaf bool) (gone, early int) {
	t.Helper()
	d, filled := newDisk(), false
	err := tr.each(func(_ int, o op) error {
		f := d.files[o.Ino]
		switch {
		case o.Kind == note:
			filled = filled || o.Told == "filled"
			return nil
		case o.Kind == sync && filled && deaf:
			return nil
		case o.Kind == truncate && filled && mayHold(f), o.Kind == remove && !o.Folder && mayHold(f):
			early++
		}
		if o.Kind == remove && !o.Folder {
			gone++
		}
		d.apply(o)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return gone, early
}

func mayHold(f *file) bool { return bytes.Contains(f.durable, canary) }
