package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// onExt4 has what a test makes lie on an ext4 of its own, and tells the image, which
// holds all there ever was once the disk is unmounted.
func onExt4(t *testing.T) (image string, unmount func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, for a loop device")
	}
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	dir := t.TempDir()
	image, root := filepath.Join(dir, "image"), filepath.Join(dir, "r")
	for _, err := range []error{os.Mkdir(root, 0o700), os.WriteFile(image, nil, 0o600), os.Truncate(image, 128<<20)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	run("mkfs.ext4", "-q", "-F", "-b", "4096", "-J", "size=16", image)
	loop := run("losetup", "-f", "--show", image)
	t.Cleanup(func() { run("losetup", "-d", loop) })
	run("mount", loop, root)
	mounted := true
	unmount = func() {
		if mounted {
			run("sync", "-f", root) // whoever took a copy of the mounts keeps the disk from being written out by the unmounting
			run("umount", root)
			mounted = false
		}
	}
	t.Cleanup(unmount)
	t.Setenv("TMPDIR", root)
	return image, unmount
}

// buried puts a word of its own into each hiding place of the inventory.
func (w *world) buried() (words map[string]string) {
	w.t.Helper()
	words = map[string]string{}
	for _, place := range []string{"content", "names", "xattrs", "links"} {
		words[place] = fmt.Sprintf("%s-%s-%x", place, canary, os.Getpid())
	}
	data := func(name string) string { return w.path("pos", "data", name) }
	w.no(os.WriteFile(data("note"), bytes.Repeat([]byte(words["content"]+"\n"), 300), 0o600))
	w.no(unix.Setxattr(data("note"), "user.note", []byte(strings.Repeat(words["xattrs"], 60)), 0))
	w.no(os.WriteFile(data(words["names"]), nil, 0o600))
	w.no(os.Symlink("/nowhere/"+strings.Repeat(words["links"], 4), data("far")))
	unix.Sync()
	return words
}

// One whole unbinding with everything on an ext4 and the depth `medium`: what the
// certificate says of the place is what a search of the raw medium finds.
func TestTheCertificateAndTheRawMedium(t *testing.T) {
	image, unmount := onExt4(t)
	w := newWorld(t, options{sales: 5, deskArgs: []string{"--least-free", "1048576"}}) // the desk lies on it too
	settings := w.path("unbindd.yaml")
	text, err := os.ReadFile(settings)
	w.no(err)
	w.no(os.WriteFile(settings, append(text, "  depth: medium\n"...), 0o600))
	words := w.buried()
	w.startDaemon()
	w.traded(5)
	w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
	w.unbound()
	media := w.certificate().Predicate.Media
	for _, p := range []*process{w.daemon, w.reader, w.tickets, w.desk} {
		p.stop()
	}
	unmount()
	raw, err := os.ReadFile(image)
	w.no(err)
	trimmed := false
	for _, m := range media {
		trimmed = trimmed || strings.Contains(m.Technique, "fitrim")
		if !strings.HasPrefix(m.Name, "app-data") {
			continue
		}
		if m.LevelAchieved != "clear" || !strings.Contains(m.Technique, "ext4-checkpoint") {
			t.Errorf("%+v", m)
		}
		for place, word := range words {
			told := place != "content" && (slices.Contains(m.Residual, place) || place == "links" && slices.Contains(m.Residual, "names"))
			if hits := bytes.Count(raw, []byte(word)); hits > 0 && !told {
				t.Errorf("%s: %d are on the medium, and the certificate says %v", place, hits, m.Residual)
			}
		}
	}
	if !trimmed {
		t.Error("nobody gave the free space back; the depth was not kept")
	}
	// The search must be able to find something: what is no part of the inventory.
	if !bytes.Contains(raw, []byte("not in the inventory "+canary)) {
		t.Error("the canary is not where it was left")
	}
}
