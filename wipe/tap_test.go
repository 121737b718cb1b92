package wipe_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unbindd/wipe"
)

// ext4 is forced on the tests' own file system, whatever it is, so that what
// may be claimed depends on the test and not on the machine.
const ext4 = 0xEF53

// tap is the real kernel with an ear on every call. hear may answer an error
// instead of the kernel.
type tap struct {
	wipe.Kernel
	magic    int64
	readonly bool
	hear     func(call string) error
	data     func(fd int, offset int64) (int64, int64, error)
	extents  func(fd int) ([]wipe.Extent, error)
	stat     func(fd int, st *wipe.Stat)
	write    func(fd int, p []byte, offset int64) (int, error)
	read     func(fd int, p []byte, offset int64) (n int, err error, answered bool)
	dev      uint64 // of everything, if not 0
	release  string
	medium   medium
}

func newTap() *tap {
	return &tap{magic: ext4, release: "6.1.0", hear: func(string) error { return nil }}
}

func (k *tap) OpenRoot(path string) (int, error) {
	if err := k.hear("open-root"); err != nil {
		return -1, err
	}
	return k.Kernel.OpenRoot(path)
}

func (k *tap) OpenFolder(dir int, name string) (int, error) {
	if err := k.hear("open-folder"); err != nil {
		return -1, err
	}
	return k.Kernel.OpenFolder(dir, name)
}

func (k *tap) OpenFile(dir int, name string) (int, error) {
	if err := k.hear("open-file"); err != nil {
		return -1, err
	}
	return k.Kernel.OpenFile(dir, name)
}

func (k *tap) OpenDirect(dir int, name string) (int, error) {
	if err := k.hear("open-direct"); err != nil {
		return -1, err
	}
	return k.Kernel.OpenDirect(dir, name)
}

func (k *tap) Stat(fd int) (wipe.Stat, error) {
	if err := k.hear("stat"); err != nil {
		return wipe.Stat{}, err
	}
	st, err := k.Kernel.Stat(fd)
	if k.dev != 0 {
		st.Dev = k.dev
	}
	if k.stat != nil {
		k.stat(fd, &st)
	}
	return st, err
}

func (k *tap) StatAt(dir int, name string) (wipe.Stat, error) {
	if err := k.hear("stat-at"); err != nil {
		return wipe.Stat{}, err
	}
	st, err := k.Kernel.StatAt(dir, name)
	if k.dev != 0 {
		st.Dev = k.dev
	}
	return st, err
}

func (k *tap) ReadLink(dir int, name string) (string, error) {
	if err := k.hear("read-link"); err != nil {
		return "", err
	}
	return k.Kernel.ReadLink(dir, name)
}

func (k *tap) Filesystem(int) (int64, bool, error) {
	return k.magic, k.readonly, k.hear("filesystem")
}

func (k *tap) Names(dir int) ([]string, error) {
	if err := k.hear("names"); err != nil {
		return nil, err
	}
	return k.Kernel.Names(dir)
}

func (k *tap) Data(fd int, offset int64) (int64, int64, error) {
	if err := k.hear("data"); err != nil {
		return 0, 0, err
	}
	if k.data != nil {
		return k.data(fd, offset)
	}
	return k.Kernel.Data(fd, offset)
}

func (k *tap) Extents(fd int) ([]wipe.Extent, error) {
	if err := k.hear("extents"); err != nil {
		return nil, err
	}
	if k.extents != nil {
		return k.extents(fd)
	}
	return k.Kernel.Extents(fd)
}

func (k *tap) ReadAt(fd int, p []byte, offset int64) (int, error) {
	if err := k.hear("read"); err != nil {
		return 0, err
	}
	if k.read != nil {
		if n, err, answered := k.read(fd, p, offset); answered {
			return n, err
		}
	}
	return k.Kernel.ReadAt(fd, p, offset)
}

func (k *tap) WriteAt(fd int, p []byte, offset int64) (int, error) {
	if err := k.hear("write"); err != nil {
		return 0, err
	}
	if k.write != nil {
		return k.write(fd, p, offset)
	}
	return k.Kernel.WriteAt(fd, p, offset)
}

func (k *tap) Direct(fd int, on bool) error {
	if err := k.hear("direct"); err != nil {
		return err
	}
	return k.Kernel.Direct(fd, on)
}

func (k *tap) Forget(fd int) error {
	if err := k.hear("forget"); err != nil {
		return err
	}
	return k.Kernel.Forget(fd)
}

func (k *tap) Truncate(fd int) error {
	if err := k.hear("truncate"); err != nil {
		return err
	}
	return k.Kernel.Truncate(fd)
}

func (k *tap) Sync(fd int) error {
	if err := k.hear("sync"); err != nil {
		return err
	}
	return k.Kernel.Sync(fd)
}

func (k *tap) Unlink(dir int, name string) error {
	if err := k.hear("unlink"); err != nil {
		return err
	}
	return k.Kernel.Unlink(dir, name)
}

func (k *tap) RemoveFolder(dir int, name string) error {
	if err := k.hear("remove-folder"); err != nil {
		return err
	}
	return k.Kernel.RemoveFolder(dir, name)
}

func (k *tap) Random(p []byte) error {
	if err := k.hear("random"); err != nil {
		return err
	}
	return k.Kernel.Random(p)
}

// canary is what no evidence may ever contain, and what fills every file.
const canary = "canary-4417"

// plant makes a root with the given files; a name ending in / is a folder.
func plant(t testing.TB, files map[string]int) (root string) {
	t.Helper()
	root = t.TempDir()
	for name, size := range files {
		path := filepath.Join(root, name)
		if strings.HasSuffix(name, "/") {
			must(t, os.MkdirAll(path, 0o700))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, bytes.Repeat([]byte(canary), size/len(canary)+1)[:size], 0o600))
	}
	return root
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// listing is everything below root: names, kinds, contents.
func listing(t testing.TB, root string) map[string]string {
	t.Helper()
	all := map[string]string{}
	must(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		name, _ := filepath.Rel(root, path)
		all[name] = d.Type().String()
		if d.Type().IsRegular() {
			body, err := os.ReadFile(path)
			must(t, err)
			all[name] = fmt.Sprintf("%d bytes %x", len(body), sha256.Sum256(body))
		}
		return nil
	}))
	return all
}

func target(root, path string) wipe.Target {
	return wipe.Target{Name: "spool", Kind: "data", Root: root, Path: filepath.Join(root, path), Requested: wipe.LevelClear}
}

func erase(t testing.TB, sys wipe.Sys, target wipe.Target) wipe.Evidence {
	t.Helper()
	e := wipe.Erase(context.Background(), sys, target, nil)
	tellsNothing(t, e)
	return e
}

// tellsNothing checks that evidence holds no name of a file, no content, and
// nothing that a signed text may not hold.
func tellsNothing(t testing.TB, e wipe.Evidence) {
	t.Helper()
	text := e.Reason + " " + strings.Join(e.Residual, " ") + e.Type + e.Method + e.Technique
	if strings.Contains(text, canary) || strings.Contains(strings.ReplaceAll(text, "input/output", ""), "/") {
		t.Errorf("evidence tells names: %q", text)
	}
	if strings.ContainsAny(text, "\"\\<>&\n") {
		t.Errorf("evidence cannot be signed: %q", text)
	}
}

// proven is the invariant of all evidence: what it says, the disk must say too.
func proven(t testing.TB, e wipe.Evidence, gone bool) {
	t.Helper()
	switch {
	case e.Verified == wipe.Pass && !gone:
		t.Errorf("verified pass, but it is still there: %+v", e)
	case e.Verified != wipe.Pass && e.LevelAchieved != wipe.LevelNone:
		t.Errorf("level %s without a pass: %+v", e.LevelAchieved, e)
	case e.LevelAchieved.Rank() > wipe.LevelClear.Rank():
		t.Errorf("level %s is beyond this package: %+v", e.LevelAchieved, e)
	case e.Residual == nil:
		t.Error("residual is null, not a list")
	}
}

func absent(path string) bool {
	var st unix.Stat_t
	return unix.Lstat(path, &st) == unix.ENOENT
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}
