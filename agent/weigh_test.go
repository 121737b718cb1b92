package agent

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/keys"
	"unbindd/wipe"
)

// TestAKeyIsWorthWhatItsMediumIs destroys the keys of a terminal whose state lies on
// real file systems: where an overwrite does not reach the blocks, or a journal
// has them too, the evidence says logical.
func TestAKeyIsWorthWhatItsMediumIs(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, for a loop device")
	}
	for name, c := range map[string]struct {
		mkfs    []string
		options string
		over    bool
		level   wipe.Level
	}{
		"ext4":         {[]string{"mkfs.ext4", "-q", "-F"}, "", false, wipe.LevelClear},
		"data=journal": {[]string{"mkfs.ext4", "-q", "-F"}, "data=journal", false, wipe.LevelLogical},
		"btrfs":        {[]string{"mkfs.btrfs", "-q", "-f"}, "", false, wipe.LevelLogical},
		"overlay":      {[]string{"mkfs.ext4", "-q", "-F"}, "", true, wipe.LevelLogical},
	} {
		t.Run(name, func(t *testing.T) {
			root := mounted(t, c.options, c.over, c.mkfs...)
			t.Run("keys", func(t *testing.T) { // its folders are gone before the mount is
				t.Setenv("TMPDIR", root)
				b := newBound(t)
				targets := b.a.keyTargets(keys.Data, "data-key")
				b.no(b.a.weighKeys(targets))
				for _, target := range targets {
					ev, err := b.a.eraseOne(b.ctx, target, &caseFile{command: command.Command{Level: command.Clear}})
					b.no(err)
					if ev.LevelAchieved != c.level || ev.Verified != certificate.Pass || ev.Items == 0 {
						t.Errorf("%s: %+v", target.Name, ev)
					}
					if slices.Contains(ev.Residual, "copies-below") != (c.level == wipe.LevelLogical) {
						t.Errorf("%s: residual %v", target.Name, ev.Residual)
					}
				}
			})
		})
	}
}

// mounted makes a file system on a loop device and mounts it, with an overlay on
// it if asked for.
func mounted(t *testing.T, options string, over bool, mkfs ...string) (root string) {
	t.Helper()
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	dir := t.TempDir()
	image, base := filepath.Join(dir, "image"), filepath.Join(dir, "base")
	run("truncate", "-s", "160M", image)
	if mkfs[0] == "mkfs.btrfs" { // it asks after every loop device that is mounted, also those of others
		mkfs = append([]string{"unshare", "-m", "sh", "-c", `mount --bind /dev/null /proc/$$/mounts && exec "$@"`, "sh"}, mkfs...)
	}
	run(append(slices.Clone(mkfs), image)...)
	if err := os.Mkdir(base, 0o700); err != nil {
		t.Fatal(err)
	}
	loop := run("losetup", "-f", "--show", image)
	t.Cleanup(func() { run("losetup", "-d", loop) })
	mount := []string{"mount"}
	if options != "" {
		mount = append(mount, "-o", options)
	}
	run(append(mount, loop, base)...)
	t.Cleanup(func() { run("umount", base) })
	if !over {
		return base
	}
	at := func(name string) string { return filepath.Join(base, name) }
	for _, name := range []string{"lower", "upper", "work", "merged"} {
		if err := os.Mkdir(at(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	run("mount", "-t", "overlay", "-o", "lowerdir="+at("lower")+",upperdir="+at("upper")+",workdir="+at("work"), "overlay", at("merged"))
	t.Cleanup(func() { run("umount", at("merged")) })
	return at("merged")
}
