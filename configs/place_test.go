package configs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSettingsInTheStateDirectoryAreRefused puts the file where it would be erased
// under its reader: by its name, through a link to it, and through a link to the
// directory. Beside the directory it is welcome.
func TestSettingsInTheStateDirectoryAreRefused(t *testing.T) {
	dir := t.TempDir()
	state := filepath.Join(dir, "state")
	if err := errors.Join(os.MkdirAll(filepath.Join(state, "deep"), 0o700), os.Symlink(state, filepath.Join(dir, "way"))); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file, link, state string
		refused           bool
	}{
		"in it":                 {"state/s.yaml", "", "state", true},
		"below it":              {"state/deep/s.yaml", "", "state", true},
		"a link to it":          {"state/s.yaml", "s-link.yaml", "state", true},
		"a link from it":        {"s.yaml", "state/s-link.yaml", "state", true},
		"its directory by link": {"state/s.yaml", "", "way", true},
		"beside it":             {"s.yaml", "", "state", false},
		"a name that begins so": {"state-s.yaml", "", "state", false},
		"none there yet":        {"s.yaml", "", "later", false},
	} {
		file := filepath.Join(dir, c.file)
		text := "state_dir: " + filepath.Join(dir, c.state) + "\nsocket: " + filepath.Join(dir, "socket") + "\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		called := file
		if c.link != "" {
			called = filepath.Join(dir, c.link)
			if err := os.Symlink(file, called); err != nil {
				t.Fatal(err)
			}
		}
		have, _, err := Load(called, nil)
		told := ""
		if err != nil {
			told = err.Error()
		}
		if strings.Contains(told, "state_dir: the settings file lies in it") != c.refused || (err != nil) != c.refused {
			t.Errorf("%s: %q", name, told)
		}
		var problems Problems
		if c.refused && (!errors.As(err, &problems) || !problems.OnlyPlace() || have.Agent.StateDir != filepath.Join(dir, c.state)) {
			t.Errorf("%s: whoever began with it cannot go on: %+v, %v", name, have.Agent, err)
		}
		if c.refused {
			have, _, err := Load(called, map[string]string{"power.min_percent": "101"})
			if !errors.As(err, &problems) || len(problems) != 2 || problems.OnlyPlace() || have.Agent.StateDir != "" {
				t.Errorf("%s: with another problem: %+v, %v", name, have.Agent, err)
			}
		}
		if c.refused && !strings.Contains(told, "move the file to a folder such as /etc/unbindd") {
			t.Errorf("%s: no next step in %q", name, told)
		}
		if err := errors.Join(os.Remove(file), os.RemoveAll(called)); err != nil {
			t.Fatal(err)
		}
	}
}
