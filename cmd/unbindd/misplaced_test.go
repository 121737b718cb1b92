package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// A terminal that began with its settings in the state directory goes on with them,
// and says so; nobody begins that way, and other problems stop it as ever.
func TestABoundTerminalIsNotStoppedByWhereItsSettingsLie(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	config, journal := filepath.Join(state, "unbindd.yaml"), filepath.Join(state, "journal.db")
	put := func(path, text string) {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	sound := "state_dir: " + state + "\nsocket: " + filepath.Join(filepath.Dir(state), "s") + "\n"
	for name, c := range map[string]struct {
		text         string
		bound, begun bool // begun: it may run
	}{
		"nothing is bound":           {sound, false, false},
		"bound":                      {sound, true, true},
		"bound, and badly set too":   {sound + "link:\n  poll: 50\n", true, false},
		"bound, and wrongly set too": {sound + "log:\n  level: loud\n", true, false},
	} {
		put(config, c.text)
		if c.bound {
			put(journal, "")
		} else if err := os.RemoveAll(journal); err != nil {
			t.Fatal(err)
		}
		verb, said := verbWith(t, "run", config)
		parts, err := assembleBegun(verb)
		if c.begun && (err != nil || parts.Misplaced != config || parts.Config.StateDir != state) || !c.begun && exitCode(err) != exitBadConfig {
			t.Errorf("%s: run: %+v, %v", name, parts.Config, err)
		}
		if warned := strings.Contains(said.String(), "the settings file lies in state_dir"); warned != c.begun {
			t.Errorf("%s: the log says %q", name, said)
		}
		verb, _ = verbWith(t, "enrol", config)
		if _, err := assemble(verb); exitCode(err) != exitBadConfig {
			t.Errorf("%s: enrol: %v", name, err)
		}
		if code := execute([]string{"check", "--config", config}, io.Discard, io.Discard); code != exitBadConfig {
			t.Errorf("%s: check ends with %d", name, code)
		}
	}
}

// verbWith is a verb with its flags read, as before it is done.
func verbWith(t *testing.T, name, config string) (*cobra.Command, *bytes.Buffer) {
	t.Helper()
	verb, _, err := root().Find([]string{name})
	if err == nil {
		err = verb.ParseFlags([]string{"--config", config})
	}
	if err != nil {
		t.Fatal(err)
	}
	said := &bytes.Buffer{}
	verb.Root().SetErr(said)
	return verb, said
}
