package agent

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"unbindd/agent/local"
	"unbindd/wipe"
)

// A settings file in the state directory, or what it links to there, is told in the
// status, and stays when all else there goes: the daemon that begins anew reads it.
func TestMisplacedSettingsAreToldAndStay(t *testing.T) {
	a, root := newCopies(t)
	a.at = places{root}
	link := filepath.Join(t.TempDir(), "etc.yaml")
	for _, name := range []string{"set.yaml", "sub/deep.yaml", "sub/stray", "stray"} {
		put(t, filepath.Join(root, name))
	}
	if err := os.Symlink(filepath.Join(root, "sub", "deep.yaml"), link); err != nil {
		t.Fatal(err)
	}
	if s, err := a.status(); err != nil || len(s.Warnings) != 0 {
		t.Errorf("warned of %v, %v", s.Warnings, err)
	}
	for _, file := range []string{link, filepath.Join(root, "set.yaml")} {
		a.Misplaced = file
		if s, err := a.status(); err != nil || !slices.Contains(s.Warnings, local.WarnSettings) {
			t.Errorf("warned of %v, %v", s.Warnings, err)
		}
		own, err := a.ownData()
		if err != nil {
			t.Fatal(err)
		}
		e := wipe.Erase(t.Context(), wipe.Kernel{}, own[0].Target, nil)
		if _, err := os.Stat(file); err != nil || e.Verified != wipe.Pass {
			t.Errorf("%+v, %v", e, err)
		}
		put(t, filepath.Join(root, "set.yaml"))
	}
	if exists(filepath.Join(root, "stray")) || exists(filepath.Join(root, "sub")) {
		t.Error("more than the settings was left")
	}
}

// What an enrolment, a case or a tombstone left has begun; what nobody can look
// into is not called empty.
func TestWhatHasBegun(t *testing.T) {
	if dir := t.TempDir(); Begun(dir) || Begun(filepath.Join(dir, "none")) {
		t.Error("an empty directory has begun")
	}
	for _, name := range []string{"journal.db", "trust/binding.json", "bury", "tombstone.json"} {
		dir := t.TempDir()
		put(t, filepath.Join(dir, name))
		if !Begun(dir) {
			t.Errorf("%s is nothing", name)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if put(t, file); !Begun(file) {
		t.Error("what cannot be looked at is nothing")
	}
}
