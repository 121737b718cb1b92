package wipe_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unbindd/wipe"
)

func TestThePlanTellsWhatIsInTheWay(t *testing.T) {
	for name, c := range map[string]struct {
		change func(g *glass, root string)
		level  wipe.Level
		word   string
	}{
		"nothing":   {func(*glass, string) {}, wipe.LevelClear, ""},
		"hard link": {func(_ *glass, root string) { must(t, os.Link(root+"/d/f", root+"/second")) }, wipe.LevelClear, "1 files have another name"},
		"pipe":      {func(_ *glass, root string) { must(t, unix.Mkfifo(root+"/d/pipe", 0o600)) }, wipe.LevelClear, "1 pipes, sockets or devices"},
		"read-only": {func(g *glass, _ string) { g.sys.readonly = true }, wipe.LevelClear, "mounted read-only"},
		"immutable": {func(g *glass, _ string) { g.sys.medium.flags = func(int) (uint32, error) { return 0x10, nil } }, wipe.LevelClear, "1 files are immutable"},
		"shared":    {func(g *glass, _ string) { g.shared = true }, wipe.LevelLogical, "1 files share blocks"},
		"journalled": {func(g *glass, _ string) {
			g.sys.medium.mounts, g.sys.medium.checkpoint = ownMount(g, "ext4", "data=journal"), nil
		}, wipe.LevelLogical, "cannot be emptied"},
		"an old kernel":  {func(g *glass, _ string) { g.sys.medium.checkpoint, g.sys.release = nil, "4.19.0" }, wipe.LevelClear, "older than 5.14"},
		"no right":       {func(g *glass, _ string) { g.sys.medium.checkpoint = nil }, wipe.LevelClear, "has no right to"},
		"not to be read": {func(g *glass, _ string) { g.sys.hear = failing("open-plain", unix.EACCES) }, wipe.LevelClear, "1 files cannot be opened"},
		"held":           {func(g *glass, root string) { holds(g, root+"/d/f", wipe.Holder{}) }, wipe.LevelClear, "1 programs have files of it open"},
		"held to write":  {func(g *glass, root string) { holds(g, root+"/d/f", wipe.Holder{Writes: true}) }, wipe.LevelLogical, "can write back"},
		"nameless":       {func(g *glass, root string) { holds(g, root, wipe.Holder{Deleted: true}) }, wipe.LevelLogical, "no name any more"},
		"this process":   {func(g *glass, root string) { holds(g, root+"/d/f", wipe.Holder{Writes: true, Own: true}) }, wipe.LevelClear, ""},
		"blind":          {func(g *glass, _ string) { g.sys.medium.holders = func() ([]wipe.Holding, bool) { return nil, true } }, wipe.LevelClear, "not every process may be asked"},
		"bind mount": {func(g *glass, _ string) {
			g.sys.medium.mounts = strings.Replace(ownMount(g, "ext4", "rw"), " / /data", " /part /data", 1)
		}, wipe.LevelClear, "mounted elsewhere too"},
		"no device":  {func(g *glass, _ string) { g.sys.medium.open = func(bool) (int, error) { return -1, unix.EPERM } }, wipe.LevelClear, "the medium itself cannot be opened"},
		"btrfs":      {func(g *glass, _ string) { g.sys.magic = 0x9123683E }, wipe.LevelLogical, "btrfs gives logical at most"},
		"unreadable": {func(g *glass, _ string) { g.sys.hear = failing("flags", unix.EIO) }, wipe.LevelClear, "attributes"},
	} {
		root := spread(t, map[string]int{"d/f": 9000})
		g := newGlass(t, root, "d/f")
		c.change(g, root)
		before := listing(t, root)
		p := wipe.PlanFor(g.sys, deep(root, "d", wipe.DepthBlocks))
		if p.Best != c.level || (c.word == "") != (len(p.Blockers) == 0) || !strings.Contains(told(p.Blockers), c.word) {
			t.Errorf("%s: %+v", name, p)
		}
		if after := listing(t, root); !maps.Equal(after, before) || len(g.discarded) > 0 {
			t.Errorf("%s: something changed: %v", name, after)
		}
	}
}

func told(all []wipe.Hindrance) string {
	var texts []string
	for _, h := range all {
		texts = append(texts, h.String())
	}
	return strings.Join(texts, "; ")
}

func holds(g *glass, path string, h wipe.Holder) {
	ino := inodeOf(g.t, path)
	ino.Dev = g.sys.dev
	g.sys.medium.holders = func() ([]wipe.Holding, bool) { return []wipe.Holding{{Holder: h, Inode: ino}}, false }
}

func failing(call string, errno unix.Errno) func(string) error {
	return func(c string) error {
		if c == call {
			return errno
		}
		return nil
	}
}

func TestThePlanForeseesTheRungs(t *testing.T) {
	for _, c := range []struct {
		depth  wipe.Depth
		change func(*glass)
		want   string
	}{
		{wipe.DepthFiles, func(*glass) {}, "overwrite-random-1 raw-read-back needles needles-beyond"},
		{wipe.DepthBlocks, func(*glass) {}, "extent-discard overwrite-random-1 raw-read-back needles ext4-checkpoint"},
		{wipe.DepthBlocks, func(g *glass) { g.sys.medium.checkpoint = nil }, "extent-discard overwrite-random-1 raw-read-back needles needles-beyond"},
		{wipe.DepthMedium, func(*glass) {}, "extent-discard overwrite-random-1 raw-read-back needles ext4-checkpoint fitrim needles-beyond"},
		{wipe.DepthMedium, func(g *glass) { g.sys.medium.checkpoint = nil }, "extent-discard overwrite-random-1 raw-read-back needles journal-churn fitrim needles-beyond"},
		{wipe.DepthMedium, func(g *glass) { g.sys.magic = 0xF2F52010 }, "f2fs-sectrim extent-discard overwrite-random-1 raw-read-back needles fitrim"},
		{wipe.DepthMedium, func(g *glass) { g.sys.hear = failing("admin", unix.EPERM) }, "extent-discard overwrite-random-1 ext4-checkpoint fill-free"},
		{wipe.DepthMedium, func(g *glass) { g.sys.medium.open = func(bool) (int, error) { return -1, unix.EPERM } }, "overwrite-random-1 ext4-checkpoint fitrim"},
		{wipe.DepthMedium, func(g *glass) { g.sys.magic = 0x9123683E }, "overwrite-random-1 fitrim"},
		{wipe.DepthMedium, func(g *glass) {
			fact := g.sys.medium.fact
			g.sys.medium.fact = func(name string) (string, error) {
				if name == "queue/discard_max_bytes" {
					return "0", nil
				}
				return fact(name)
			}
		}, "overwrite-random-1 raw-read-back needles ext4-checkpoint fill-free needles-beyond"},
		{wipe.DepthFiles, func(g *glass) {
			g.sys.medium.holders = func() ([]wipe.Holding, bool) {
				return []wipe.Holding{{Holder: wipe.Holder{PID: 7, Deleted: true}, FD: 3}}, false
			}
		}, "overwrite-random-1 held-overwrite raw-read-back needles needles-beyond"},
	} {
		root := spread(t, map[string]int{"d/f": 9000})
		g := newGlass(t, root, "d/f")
		c.change(g)
		p := wipe.PlanFor(g.sys, deep(root, "d", c.depth))
		if g.sys.magic == ext4 && p.Probe.String() != "ext4 on sda1 (disk)" {
			t.Errorf("the place is %s", p.Probe)
		}
		if strings.Join(p.Rungs, " ") != c.want {
			t.Errorf("%q: %v, want %s", c.depth, p.Rungs, c.want)
		}
	}
}

// TestNothingOutsideTheInventoryIsTouched gives every bad inventory a try, and
// compares all that lies outside it before and after.
func TestNothingOutsideTheInventoryIsTouched(t *testing.T) {
	for name, c := range map[string]struct {
		change func(order *wipe.Target, sys *tap, root string)
		told   string // in the reason; "" where the target's own is erased
	}{
		"the whole system":        {func(o *wipe.Target, _ *tap, _ string) { o.Path = "/" }, "refused"},
		"the whole system's root": {func(o *wipe.Target, _ *tap, _ string) { o.Root = "/" }, "refused"},
		"outside the roots":       {func(o *wipe.Target, _ *tap, root string) { o.Path = filepath.Dir(root) + "/outside" }, "refused"},
		"up and out":              {func(o *wipe.Target, _ *tap, root string) { o.Path = root + "/../outside" }, "refused"},
		"unknown depth":           {func(o *wipe.Target, _ *tap, _ string) { o.Depth = "molten" }, "refused"},
		"link in the middle": {func(o *wipe.Target, _ *tap, root string) {
			must(t, os.Symlink("../outside", root+"/way"))
			o.Path = root + "/way/victim"
		}, "a link or a file stands where a folder should be"},
		"root is a link": {func(o *wipe.Target, _ *tap, root string) {
			must(t, os.Symlink("outside", filepath.Dir(root)+"/link"))
			o.Root, o.Path = filepath.Dir(root)+"/link", filepath.Dir(root)+"/link/victim"
		}, "a link or a file stands where a folder should be"},
		"link at the end": {func(o *wipe.Target, _ *tap, root string) {
			must(t, os.Symlink("../outside/victim", root+"/way"))
			o.Path = root + "/way"
		}, ""},
		"link inside": {func(_ *wipe.Target, _ *tap, root string) { must(t, os.Symlink("../../outside", root+"/app/way")) }, ""},
		"pipe":        {func(_ *wipe.Target, _ *tap, root string) { must(t, unix.Mkfifo(root+"/app/pipe", 0o600)) }, ""},
		"pipe as such": {func(o *wipe.Target, _ *tap, root string) {
			must(t, unix.Mkfifo(root+"/pipe", 0o600))
			o.Path = root + "/pipe"
		}, ""},
		"device node": {func(_ *wipe.Target, _ *tap, root string) {
			if os.Geteuid() == 0 { // nobody else may make one
				must(t, unix.Mknod(root+"/app/device", unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))))
			}
		}, ""},
		"exchanged while it is erased": {func(_ *wipe.Target, sys *tap, root string) {
			cut := 0
			sys.hear = func(call string) error {
				if call == "truncate" {
					cut++
				}
				if call == "truncate" && cut == 2 { // the first is that of deep/g
					must(t, os.Remove(root+"/app/f"))
					must(t, os.Symlink("../../outside/victim", root+"/app/f"))
				}
				return nil
			}
		}, "exchanged"},
		"hard link from outside is told": {func(_ *wipe.Target, _ *tap, root string) { must(t, os.Link(root+"/app/f", root+"/second")) }, ""},
		"read-only":                      {func(_ *wipe.Target, sys *tap, _ string) { sys.hear = failing("open-file", unix.EROFS) }, "(EROFS)"},
		"no permission":                  {func(_ *wipe.Target, sys *tap, _ string) { sys.hear = failing("open-folder", unix.EACCES) }, "(EACCES)"},
		"may not unlink":                 {func(_ *wipe.Target, sys *tap, _ string) { sys.hear = failing("unlink", unix.EPERM) }, "(EPERM)"},
		"another file system mounted":    {func(_ *wipe.Target, sys *tap, root string) { mountedAt(sys, root+"/app/deep", 1, 0) }, "another file system"},
		"bound":                          {func(_ *wipe.Target, sys *tap, root string) { mountedAt(sys, root+"/app/deep", 0, 1) }, "another part of the file system"},
	} {
		top := plant(t, map[string]int{"inside/app/f": 5000, "inside/app/deep/g": 100, "inside/second-app/f": 5000, "outside/victim": 5000})
		root := filepath.Join(top, "inside")
		order, sys := target(root, "app"), newTap()
		c.change(&order, sys, root)
		before := outside(t, top)
		e := erase(t, sys, order)
		if after := outside(t, top); !maps.Equal(after, before) {
			t.Errorf("%s: outside the inventory: %v, before %v", name, after, before)
		}
		if (e.Verified == wipe.Pass) != (c.told == "") || !strings.Contains(e.Reason, c.told) || e.Name != "spool" {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// outside is all that no target of the test above names; what the tests plant
// beside it by themselves is left out.
func outside(t *testing.T, top string) map[string]string {
	all := listing(t, top)
	maps.DeleteFunc(all, func(name, _ string) bool {
		planted := []string{"inside/way", "inside/pipe", "inside/second"}
		return slices.Contains(planted, name) || strings.HasPrefix(name, "inside/app")
	})
	return all
}

// mountedAt shows what is there with another device or another mount.
func mountedAt(sys *tap, path string, dev uint64, mount int) {
	var there unix.Stat_t
	_ = unix.Stat(path, &there) // without it nothing is mounted, and the test fails
	sys.stat = func(fd int, st *wipe.Stat) {
		if st.Ino == there.Ino {
			st.Dev += dev
		}
	}
	sys.medium.mount = func(fd, id int) int {
		if st, err := (wipe.Kernel{}).Stat(fd); err == nil && st.Ino == there.Ino {
			return id + mount
		}
		return id
	}
}
