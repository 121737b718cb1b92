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

	"unbindd/wipe"
)

// mountLine is a line of /proc/self/mountinfo.
func mountLine(id int, root, kind, super string) string {
	return fmt.Sprintf("%d 1 8:1 %s /data rw,relatime shared:1 - %s /dev/sda1 %s\n", id, root, kind, super)
}

// TestBindMountsAreRefused shows one folder, and one file, under another mount of
// the same file system.
func TestBindMountsAreRefused(t *testing.T) {
	for _, place := range []struct{ path, below string }{{"d", "d/m"}, {"d/m", "d/m"}, {"d/m/f", "d/m"}, {"d/f", "d/f"}} {
		root := plant(t, map[string]int{"d/m/f": 10, "d/f": 10})
		bound := inodeOf(t, filepath.Join(root, place.below))
		sys := newTap()
		sys.medium.mount = func(fd, id int) int {
			if st, err := (wipe.Kernel{}).Stat(fd); err == nil && st.Ino == bound.Ino {
				return id + 1
			}
			return id
		}
		e := erase(t, sys, target(root, place.path))
		if e.LevelAchieved != wipe.LevelNone || e.Verified == wipe.Pass || !strings.Contains(e.Reason, "another part of the file system") {
			t.Errorf("%s, mount at %s: %+v", place.path, place.below, e)
		}
		if absent(filepath.Join(root, place.below)) {
			t.Errorf("%s, mount at %s: it is gone", place.path, place.below)
		}
	}
}

// TestARealBindMountIsRefused binds a folder of one file system into a target on
// it: the device is the same, only the mount tells.
func TestARealBindMountIsRefused(t *testing.T) {
	d := newDisk(t, 16<<20, "", "mkfs.ext4", "-q", "-F")
	in := func(name string) string { return filepath.Join(d.root, name) }
	must(t, os.MkdirAll(in("app/bound"), 0o700))
	must(t, os.MkdirAll(in("elsewhere"), 0o700))
	must(t, os.WriteFile(in("elsewhere/victim"), words(10), 0o600))
	must(t, os.WriteFile(in("app/f"), words(10), 0o600))
	must(t, unix.Mount(in("elsewhere"), in("app/bound"), "", unix.MS_BIND, ""))
	t.Cleanup(func() { must(t, unix.Unmount(in("app/bound"), 0)) })
	before := listing(t, in("elsewhere"))
	for _, path := range []string{"app", "app/bound", "app/bound/victim"} {
		p := wipe.PlanFor(wipe.Kernel{}, target(d.root, path))
		if !strings.Contains(told(p.Blockers), "another part of the file system is mounted in it") {
			t.Errorf("%s: plan %+v", path, p)
		}
		e := erase(t, wipe.Kernel{}, target(d.root, path))
		if e.Verified == wipe.Pass || !strings.Contains(e.Reason, "another part of the file system is mounted in it") {
			t.Errorf("%s: %+v", path, e)
		}
	}
	if after := listing(t, in("elsewhere")); !maps.Equal(after, before) {
		t.Errorf("what was bound changed: %v", after)
	}
	if !absent(in("app/f")) {
		t.Error("the target's own file is still there")
	}
}

// TestWhatIsHeldUnderAnotherMountStays: a file that lost its name under another
// mount, or in another tree of files, shows a path of the target and is none of it.
func TestWhatIsHeldUnderAnotherMountStays(t *testing.T) {
	for name, here := range map[string]bool{"bound into the target": true, "bound over it in another tree": false} {
		d := newDisk(t, 16<<20, "", "mkfs.ext4", "-q", "-F")
		in := func(name string) string { return filepath.Join(d.root, name) }
		must(t, os.MkdirAll(in("app/bound"), 0o700))
		must(t, os.MkdirAll(in("elsewhere"), 0o700))
		must(t, os.WriteFile(in("elsewhere/victim"), words(9000), 0o600))
		var pid int
		if here {
			must(t, unix.Mount(in("elsewhere"), in("app/bound"), "", unix.MS_BIND, ""))
			t.Cleanup(func() { must(t, unix.Unmount(in("app/bound"), 0)) })
			pid = hold(t, "3<", in("app/bound/victim"))
		} else {
			pid = keep(t, exec.Command("unshare", "-m", "/bin/sh", "-c", `mount --bind "$1" "$2" && exec 3<"$2/victim" && echo held; read x`, "sh", in("elsewhere"), in("app/bound")))
		}
		must(t, os.Remove(in("elsewhere/victim")))
		held := fmt.Sprintf("/proc/%d/fd/3", pid)
		if shown, err := os.Readlink(held); err != nil || shown != in("app/bound/victim")+" (deleted)" {
			t.Fatalf("%s: it shows %q, %v", name, shown, err)
		}
		e := erase(t, wipe.Kernel{}, target(d.root, "app"))
		if body, err := os.ReadFile(held); err != nil || !bytes.Equal(body, words(9000)) {
			t.Errorf("%s: it was overwritten: %v", name, err)
		}
		if e.LevelAchieved.Rank() > wipe.LevelLogical.Rank() || !slices.Contains(e.Residual, "open-holders") || strings.Contains(e.Technique, "held-overwrite") {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// TestAnOverlaysLowerLayerStays is why an overlay is no more than logical.
func TestAnOverlaysLowerLayerStays(t *testing.T) {
	d := newDisk(t, 16<<20, "", "mkfs.ext4", "-q", "-F")
	in := func(name string) string { return filepath.Join(d.root, name) }
	for _, name := range []string{"lower", "upper", "work", "merged"} {
		must(t, os.Mkdir(in(name), 0o700))
	}
	must(t, os.WriteFile(in("lower/f"), words(10), 0o600))
	layers := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", in("lower"), in("upper"), in("work"))
	must(t, unix.Mount("overlay", in("merged"), "overlay", 0, layers))
	t.Cleanup(func() { must(t, unix.Unmount(in("merged"), 0)) })
	order := deep(in("merged"), "f", wipe.DepthMedium)
	p := wipe.PlanFor(wipe.Kernel{}, order)
	if want := in("upper") + ":" + in("lower"); p.Probe.Layers != want || p.Best != wipe.LevelLogical {
		t.Errorf("plan %+v, layers %q, want %q", p, p.Probe.Layers, want)
	}
	e := erase(t, wipe.Kernel{}, order)
	if e.LevelAchieved != wipe.LevelLogical || e.Type != "overlayfs" || strings.Contains(e.Technique, "discard") || !slices.Contains(e.Residual, "copies-below") {
		t.Errorf("%+v", e)
	}
	if body, err := os.ReadFile(in("lower/f")); err != nil || !strings.Contains(string(body), canary) {
		t.Errorf("the lower layer holds %d bytes, %v: then the level could be higher", len(body), err)
	}
}
