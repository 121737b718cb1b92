package lab

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"unbindd/wipe"
)

// outcome is one method on one file system.
type outcome struct {
	form, method string
	evidence     wipe.Evidence
	before       count // on the raw medium, with everything still there
	disk         count // after the erase
	flash        count // the same in the chips; nil where there are none to read
	took         time.Duration
}

// run plants, erases, and counts.
func run(t *testing.T, f form, m method, n amounts) outcome {
	t.Helper()
	disk := attach(t, newImage(t, f.size))
	o := eraseOn(t, f.lay(t, disk), m, n, newWords())
	disk.detach(t)
	judge(t, f, m, o)
	return o
}

// eraseOn erases on ground that was laid, and counts on the disk's image.
func eraseOn(t *testing.T, g *ground, m method, n amounts, w words) outcome {
	t.Helper()
	o := outcome{form: g.form.name, method: m.name}
	neighbour := filepath.Join(g.planted, "neighbour")
	must(t, os.WriteFile(neighbour, bytes.Repeat([]byte("stays "), 10_000), 0o600))
	want := sumOf(t, neighbour)
	plant(t, g.planted, w, n)
	g.cover(t)
	g.sync(t)
	var err error
	o.before, err = w.countIn(g.disk.image)
	must(t, err)
	began := time.Now()
	o.evidence, err = m.erase(g.root)
	o.took = time.Since(began)
	must(t, err)
	if g.form.crypt {
		must(t, forget(g.mounts[0].dir))
	}
	if _, err := os.Lstat(app(g.root)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	if sumOf(t, filepath.Join(g.root, "neighbour")) != want {
		t.Error("a file outside the target has changed")
	}
	g.leave(t)
	o.disk, err = w.countIn(g.disk.image)
	must(t, err)
	return o
}

func sumOf(t *testing.T, path string) [32]byte {
	t.Helper()
	body, err := os.ReadFile(path)
	must(t, err)
	return sha256.Sum256(body)
}

// judge holds an outcome against what is promised and what is expected.
func judge(t *testing.T, f form, m method, o outcome) {
	t.Helper()
	t.Logf("%-22s %-16s %6.2f s  before: %s; disk: %s; flash: %s", o.form, o.method, o.took.Seconds(), o.before, o.disk, o.flash)
	if !f.crypt && o.before.of(content) == 0 {
		t.Error("the search does not find what is there")
	}
	if m.name == rm.name {
		for _, k := range f.leaves {
			if o.disk[k] == 0 {
				t.Errorf("rm left no %s: either it was not planted or it is not found", k)
			}
		}
	}
	if !strings.HasPrefix(m.name, oursName) {
		return
	}
	e := o.evidence
	t.Logf("%-22s reports %s, %s, residual %v", o.form, e.LevelAchieved, e.Verified, e.Residual)
	if e.LevelAchieved == wipe.LevelNone {
		t.Errorf("it failed: %s", e.Reason)
	}
	if e.LevelAchieved.Rank() > f.best.Rank() {
		t.Errorf("it reports %s, and there is no more than %s to be had", e.LevelAchieved, f.best)
	}
	if why := overclaims(e, o.disk.without(f.excused()), o.flash.without(f.excused())); why != "" {
		t.Errorf("it reports more than the raw medium shows: %s", why)
	}
	for _, k := range f.strict(m) {
		if o.disk[k] > 0 {
			t.Errorf("of %s it left %d", k, o.disk[k])
		}
	}
}
