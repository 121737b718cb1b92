package wipe_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unbindd/scripts/programtest"
	"unbindd/wipe"
)

func TestMain(m *testing.M) {
	programtest.OwnMounts()
	os.Exit(m.Run())
}

// disk is a file system on a loop device, made for one test.
type disk struct {
	t                 *testing.T
	image, loop, root string
	mounted           bool
}

// newDisk makes one. As root it must work: a test that is skipped looks like one
// that has passed.
func newDisk(t *testing.T, size int64, options string, mkfs ...string) *disk {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, for a loop device")
	}
	if _, err := exec.LookPath(mkfs[0]); err != nil {
		t.Fatalf("it cannot run: %v (scripts/deps.sh installs what it needs)", err)
	}
	dir := t.TempDir()
	d := &disk{t: t, image: filepath.Join(dir, "image"), root: filepath.Join(dir, "root")}
	must(t, os.Mkdir(d.root, 0o700))
	must(t, os.WriteFile(d.image, nil, 0o600))
	must(t, os.Truncate(d.image, size))
	d.run(append(alone(mkfs), d.image)...)
	loop, err := exec.Command("losetup", "-f", "--show", d.image).Output()
	must(t, err)
	d.loop = strings.TrimSpace(string(loop))
	t.Cleanup(func() { d.run("losetup", "-d", d.loop) })
	args := []string{"mount"}
	if options != "" {
		args = append(args, "-o", options)
	}
	d.run(append(args, d.loop, d.root)...)
	d.mounted = true
	t.Cleanup(d.unmount)
	return d
}

// alone shows mkfs.btrfs no mounts but its own: it asks after the file behind
// every loop device that is mounted, and fails when somebody else's is broken.
func alone(mkfs []string) []string {
	if mkfs[0] != "mkfs.btrfs" {
		return mkfs
	}
	return append([]string{"unshare", "-m", "sh", "-c", `mount --bind /dev/null /proc/$$/mounts && exec "$@"`, "sh"}, mkfs...)
}

func (d *disk) run(args ...string) string {
	d.t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		d.t.Fatalf("%v: %v: %s", args, err, out)
	}
	return string(out)
}

func (d *disk) unmount() {
	if d.mounted {
		d.run("umount", d.root)
		d.mounted = false
	}
}

// hits counts a text in the raw image, with the file system not mounted.
func (d *disk) hits(text string) int {
	d.t.Helper()
	d.unmount()
	raw, err := os.ReadFile(d.image)
	must(d.t, err)
	return bytes.Count(raw, []byte(text))
}

// words is content that is not plain: each line differs, each holds the canary.
func words(lines int) []byte {
	var b bytes.Buffer
	for i := range lines {
		fmt.Fprintf(&b, "%06d %s of a merchant\n", i, canary)
	}
	return b.Bytes()
}

// fill plants files of several sizes, an old version, a long name, an attribute.
func (d *disk) fill(attributes bool) {
	d.t.Helper()
	in := func(name string) string { return filepath.Join(d.root, "app", name) }
	must(d.t, os.MkdirAll(in("deep"), 0o700))
	for name, lines := range map[string]int{"tiny": 1, "small": 90, "deep/large": 30_000, "deep/" + canary + "-name": 3} {
		must(d.t, os.WriteFile(in(name), words(lines), 0o600))
	}
	if attributes {
		for _, name := range []string{"tiny", "deep"} {
			must(d.t, unix.Setxattr(in(name), "user.note", []byte(canary+" attribute"), 0))
		}
	}
	unix.Sync()
	must(d.t, os.WriteFile(in("new"), words(500), 0o600))
	must(d.t, os.Rename(in("new"), in("small"))) // the former one is an old version now
	unix.Sync()
}

// TestOnRealFileSystems climbs the whole ladder on file systems of its own, and
// searches the raw image afterwards.
func TestOnRealFileSystems(t *testing.T) {
	const mib = 1 << 20
	for name, c := range map[string]struct {
		size    int64
		options string
		mkfs    []string
		level   wipe.Level
		rungs   []string
		left    bool // what the raw image may still hold
	}{
		"ext4":         {64 * mib, "", []string{"mkfs.ext4", "-q", "-F"}, wipe.LevelClear, []string{"extent-discard", "raw-read-back", "needles", "ext4-checkpoint", "fitrim"}, false},
		"ext4 1 KiB":   {64 * mib, "", []string{"mkfs.ext4", "-q", "-F", "-b", "1024"}, wipe.LevelClear, []string{"raw-read-back", "ext4-checkpoint", "fitrim"}, false},
		"data=journal": {64 * mib, "data=journal", []string{"mkfs.ext4", "-q", "-F"}, wipe.LevelClear, []string{"ext4-checkpoint", "fitrim"}, false},
		"inline_data":  {64 * mib, "", []string{"mkfs.ext4", "-q", "-F", "-O", "inline_data", "-I", "512"}, wipe.LevelClear, []string{"ext4-checkpoint", "fitrim"}, false},
		"no journal":   {64 * mib, "", []string{"mkfs.ext4", "-q", "-F", "-O", "^has_journal"}, wipe.LevelClear, []string{"raw-read-back", "fitrim"}, false},
		"xfs":          {320 * mib, "", []string{"mkfs.xfs", "-q", "-f"}, wipe.LevelClear, []string{"extent-discard", "raw-read-back", "fitrim"}, true},
		"btrfs":        {128 * mib, "", []string{"mkfs.btrfs", "-q", "-f"}, wipe.LevelLogical, []string{"fitrim"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t, c.size, c.options, c.mkfs...)
			d.fill(true)
			order := target(d.root, "app")
			order.Depth = wipe.DepthMedium
			e := erase(t, wipe.Kernel{}, order)
			if e.Verified != wipe.Pass || e.LevelAchieved != c.level {
				t.Errorf("%+v", e)
			}
			for _, rung := range c.rungs {
				if !strings.Contains(e.Technique, rung) {
					t.Errorf("technique %q without %s", e.Technique, rung)
				}
			}
			if c.level == wipe.LevelLogical && strings.Contains(e.Technique, "discard") {
				t.Errorf("technique %q: a discard by addresses that are none", e.Technique)
			}
			n := d.hits(canary)
			if n > 0 && !c.left {
				t.Errorf("%d canaries are still on the medium", n)
			}
		})
	}
}

// TestManyNamesOnExt4 has a folder's blocks split by a thousand names. The word
// "names" is left out of the residue only because none is found.
func TestManyNamesOnExt4(t *testing.T) {
	d := newDisk(t, 64<<20, "", "mkfs.ext4", "-q", "-F")
	dir := filepath.Join(d.root, "app")
	must(t, os.Mkdir(dir, 0o700))
	for i := range 1000 {
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%05d", canary, i)), nil, 0o600))
	}
	order := target(d.root, "app/*")
	order.Depth = wipe.DepthMedium
	e := erase(t, wipe.Kernel{}, order)
	n := d.hits(canary)
	if e.Verified != wipe.Pass || slices.Contains(e.Residual, "names") || n > 0 {
		t.Errorf("%+v, and %d names are still on the medium", e, n)
	}
}

// TestAReadOnlyFileSystemIsTold erases nothing and says so.
func TestAReadOnlyFileSystemIsTold(t *testing.T) {
	d := newDisk(t, 16<<20, "", "mkfs.ext4", "-q", "-F")
	d.fill(false)
	d.run("mount", "-o", "remount,ro", d.root)
	before := listing(t, d.root)
	order := target(d.root, "app")
	order.Depth = wipe.DepthMedium
	if p := wipe.PlanFor(wipe.Kernel{}, order); !slices.Contains(p.Blockers, wipe.Hindrance{Code: wipe.HindranceReadOnly}) {
		t.Errorf("plan %+v", p)
	}
	if e := erase(t, wipe.Kernel{}, order); e.Verified == wipe.Pass || e.LevelAchieved != wipe.LevelNone || !strings.Contains(e.Reason, "(EROFS)") {
		t.Errorf("%+v", e)
	}
	if after := listing(t, d.root); !maps.Equal(after, before) {
		t.Errorf("something changed: %v", after)
	}
}

// TestZeroedRangesAreOverwritten zeroes a file in a way that keeps its blocks:
// it reads as zeros, its bytes are all still on the medium.
func TestZeroedRangesAreOverwritten(t *testing.T) {
	d := newDisk(t, 32<<20, "", "mkfs.ext4", "-q", "-F")
	path := filepath.Join(d.root, "f")
	must(t, os.WriteFile(path, words(2000), 0o600))
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	must(t, f.Sync())
	must(t, unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_ZERO_RANGE, 0, 80_000))
	must(t, f.Sync())
	must(t, f.Close())
	if body, err := os.ReadFile(path); err != nil || bytes.Contains(body, []byte(canary)) {
		t.Fatalf("it does not read as zeros: %v", err)
	}
	// What is read stays in the cache, and then counts as data for SEEK_DATA.
	f, err = os.Open(path)
	must(t, err)
	must(t, wipe.Kernel{}.Forget(int(f.Fd())))
	must(t, f.Close())
	raw, err := os.ReadFile(d.image)
	must(t, err)
	if bytes.Count(raw, []byte(canary)) < 1000 {
		t.Fatal("the bytes are gone before the erase; the test shows nothing")
	}
	e := erase(t, wipe.Kernel{}, target(d.root, "f"))
	if n := d.hits(canary); n > 0 || e.LevelAchieved != wipe.LevelClear {
		t.Errorf("%d canaries are still on the medium: %+v", n, e)
	}
}
