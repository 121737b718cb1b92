//go:build (amd64 || arm64) && !android

package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unbindd/wipe"
)

func init() { works["wipe"] = erase }

var canary = []byte("622848CANARY")

func target(dir string) wipe.Target {
	return wipe.Target{Name: "folder", Kind: "data", Path: filepath.Join(dir, "data"), Root: dir, Requested: wipe.LevelClear}
}

// fill makes a folder of files, durably.
func fill(dir string, say func(string)) error {
	sub := filepath.Join(dir, "data", "sub")
	if err := os.MkdirAll(sub, 0o700); err != nil {
		return err
	}
	for i, path := range []string{filepath.Join(dir, "data", "a"), filepath.Join(sub, "b"), filepath.Join(sub, "c")} {
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		_ = unix.Fsetxattr(int(f.Fd()), "user.note", canary, 0) // where there are attributes
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
	return nil
}

// erase fills a folder and erases it.
func erase(dir string, _ uint64, say func(string)) error {
	if err := fill(dir, say); err != nil {
		return err
	}
	e := wipe.Erase(context.Background(), wipe.Kernel{}, target(dir), nil)
	if e.Verified != wipe.Pass {
		return fmt.Errorf("the erase: %+v", e)
	}
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	say("erased " + string(text))
	return nil
}

// judgeWipe compares evidence with the deed. What was told of the first erase: no
// name is there, and at clear no content either, with a name or without. Then it
// erases again on what the cut left, and compares that.
func judgeWipe(dir string, told []string) error {
	filled := len(told) > 0
	if last := strings.Join(told[min(1, len(told)):], ""); strings.HasPrefix(last, "erased ") {
		var e wipe.Evidence
		if err := json.Unmarshal([]byte(strings.TrimPrefix(last, "erased ")), &e); err != nil {
			return err
		}
		if err := fits(dir, e, filled); err != nil {
			return fmt.Errorf("the first erase: %w", err)
		}
	}
	e := wipe.Erase(context.Background(), wipe.Kernel{}, target(dir), nil)
	if e.Verified != wipe.Pass {
		return fmt.Errorf("the second erase: %+v", e)
	}
	if err := fits(dir, e, filled); err != nil {
		return fmt.Errorf("the second erase: %w", err)
	}
	return nil
}

// fits says whether evidence is no better than the deed. The image stands for a
// medium worth clear, whatever the file system is that it was recorded on. What
// never got its name durably was never given to an erase.
func fits(dir string, e wipe.Evidence, filled bool) error {
	left, err := wipe.Look(wipe.Kernel{}, target(dir))
	if err != nil || e.Verified == wipe.Pass && len(left) > 0 {
		return fmt.Errorf("evidence better than the deed: %d names left (%v)", len(left), err)
	}
	lost, err := os.ReadDir(filepath.Join(dir, nameless))
	if err != nil || !filled {
		return err
	}
	for _, f := range lost {
		b, err := os.ReadFile(filepath.Join(dir, nameless, f.Name()))
		if err != nil || e.Verified == wipe.Pass && bytes.Contains(b, canary) {
			return fmt.Errorf("evidence better than the deed: content without a name lies there (%v)", err)
		}
	}
	return nil
}

func wipeReplay() *replay {
	return &replay{store: "wipe", raw: true, seed: seedOf(1), randoms: number("CRASH_RANDOMS", 8), judge: judgeWipe, only: envCase()}
}

func TestAnEraseCanBeCutAnywhere(t *testing.T) {
	r := wipeReplay()
	tr := recorded(t, r.seed, "wipe")
	green(t, "wipe, while it works", r.run(t, tr))
	r = wipeReplay()
	r.from = "erased"
	green(t, "wipe, when it is told", r.run(t, tr))
	for _, c := range []struct {
		name string
		k    kind
		from string
	}{{"its folders", syncFolder, "erased"}, {"its files", sync, "filled"}} {
		deaf := wipeReplay()
		deaf.from, deaf.enough = c.from, 3
		deaf.deaf, deaf.deafFrom = deafTo(c.k, ""), told(t, tr, "filled")
		red(t, "wipe, "+c.name, deaf.run(t, tr))
	}
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
