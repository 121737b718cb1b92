//go:build (amd64 || arm64) && !android

package crash

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mountedDaemon is the daemon that works in the recorder's mount. It is the real
// one but for two constants: what a FUSE mount is worth to an overwrite. The
// mount stands for a medium that is worth clear; with the real constants every
// certificate of the record would be partial, and none could claim too much. The
// images are carried on by the daemon as it is.
const mountedDaemon = "unbindd-mounted"

var worthOfTheMount = []struct{ file, is, stands string }{
	{"wipe/filesystem.go", `{"fuse", LevelLogical,`, `{"fuse", LevelClear,`},
	{"agent/keys/medium.go", `case unix.TMPFS_MAGIC:`, `case unix.TMPFS_MAGIC, unix.FUSE_SUPER_MAGIC:`},
}

// alike makes the same bytes of the same source, wherever it lies and whatever
// commit it is part of.
var alike = []string{"-trimpath", "-buildvcs=false"}

// buildPrograms puts the programs into the scene's folder.
func (s *scene) buildPrograms(t *testing.T, how []string) {
	t.Helper()
	replaced := map[string]string{}
	for i, w := range worthOfTheMount {
		path, err := filepath.Abs(filepath.Join("../..", w.file))
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(text), w.is, w.stands, 1)
		if changed == string(text) {
			t.Fatalf("%s does not say %s any more: look where the worth of a mount is decided now", w.file, w.is)
		}
		replaced[path] = filepath.Join(s.Dir, fmt.Sprintf("overlay-%d.go", i))
		if err := os.WriteFile(replaced[path], []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.paper("overlay.json"), overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"unbindd": nil, "unbind-desk": nil, "readersim": nil, mountedDaemon: {"-overlay", s.paper("overlay.json")},
	} {
		args = append(slices.Concat([]string{"build", "-ldflags=-s -w", "-o", s.bin(name)}, how, args), "../../cmd/"+strings.TrimSuffix(name, "-mounted"))
		build := exec.Command("go", args...)
		if how != nil {
			build.Env = append(build.Environ(), "CGO_ENABLED=0") // as make build does
		}
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("cannot build %s: %v\n%s", name, err, out)
		}
	}
}

// unbinding records a terminal's whole life: bound, traded, unbound.
func unbinding(t *testing.T, s *scene) trace {
	t.Helper()
	var tr trace
	t.Run("record", func(t *testing.T) { // of its own, so that nothing is mounted any more afterwards
		r := mountedAt(t, s.At)
		r.begin(t, s.paper("trace"))
		s.own, s.unbindd, s.command = t.TempDir(), mountedDaemon, s.paper("command.json")
		s.heard = func(line string) {
			if word := momentOf(line); word != "" {
				r.say(word)
			}
		}
		defer s.end()
		tell := func(line string) func() error {
			return func() error { r.say(line); return nil }
		}
		for _, act := range []func() error{
			s.found, s.plant, s.configure, tell(plantedWord),
			s.enrol, tell(enrolledWord),
			s.startDaemon, s.traded, s.sellOut, s.traded, tell(tradedWord),
			s.order, tell(orderedWord), s.publish, tell(publishedWord),
			s.unbound, func() error { return s.proven() }, tell("ended"),
		} {
			if err := act(); err != nil {
				t.Fatal(err)
			}
		}
		s.end()
		tr = r.end(t)
	})
	if t.Failed() {
		t.FailNow()
	}
	return tr
}

// The words that the lab itself tells.
const (
	plantedWord   = "planted"
	enrolledWord  = "enrolled"
	tradedWord    = "traded"
	orderedWord   = "ordered"
	publishedWord = "published"
	crossedWord   = "recorded point-of-no-return" // the daemon's own
)

// momentOf reads a moment of a step out of a line of the daemon's log. It is told
// after it was so, and never before.
func momentOf(line string) string {
	var l struct {
		Message, Step, Moment string
	}
	if json.Unmarshal([]byte(line), &l) != nil || l.Message != "step" || l.Moment != "starting" && l.Moment != "recorded" {
		return ""
	}
	return l.Moment + " " + l.Step
}

// proven looks at a case that has ended from outside the terminal: what the desk
// has, what the reader says, what is left.
func (s *scene) proven() error {
	var c struct {
		Case string `json:"case"`
	}
	if err := payload(s.command, &c); err != nil {
		return err
	}
	out := filepath.Join(s.own, "case")
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if _, err := call(s.bin("unbind-desk"), "cases", "export", c.Case, "--dir", s.deskDir(), "--out", out); err != nil {
		return err
	}
	if _, err := call(s.bin("unbind-desk"), "verify", out, "--identity", filepath.Join(s.deskDir(), "keys", "recipient.key")); err != nil {
		return err
	}
	return errors.Join(s.provenBackup(out), s.provenReader(), s.provenErased())
}

func (s *scene) provenBackup(out string) error {
	var m struct {
		Count, EvSeq int
	}
	var cert struct {
		Predicate struct {
			N       int
			Result  string
			Receipt struct{ Kind string }
		}
	}
	if err := errors.Join(payload(filepath.Join(out, "manifest.json"), &m), payload(filepath.Join(out, "certificate.json"), &cert)); err != nil {
		return err
	}
	p := cert.Predicate
	switch {
	case m.Count != sold || m.EvSeq != sold+1:
		return fmt.Errorf("%s: the backup has %d transactions up to event %d, the reader made %d", lostWord, m.Count, m.EvSeq, sold)
	case p.N != 1 || p.Result != "complete" || p.Receipt.Kind != "receipt":
		return fmt.Errorf("%s: certificate %d %s on a %s", unfinishedWord, p.N, p.Result, p.Receipt.Kind)
	}
	return nil
}

func (s *scene) provenReader() error {
	st, err := s.readerState()
	if err != nil {
		return err
	}
	if st.Started != 1 || st.Finished != 1 || st.Counter != 1 || st.Held != 0 {
		return fmt.Errorf("%s: the reader says %+v", twiceWord, st)
	}
	for _, slot := range st.Slots {
		if slot.Zeroised > 1 || slot.Retained && slot.Zeroised != 0 {
			return fmt.Errorf("%s: a slot was zeroised twice, or is retained: %+v", twiceWord, st)
		}
	}
	return nil
}

// provenErased: a complete certificate was verified, so that nothing of what the
// inventory names is there, and what it does not name is whole.
func (s *scene) provenErased() error {
	for _, name := range planted {
		_, err := os.Lstat(s.pos(name))
		if there := err == nil; there != (name == spared) {
			return fmt.Errorf("%s: %s is there: %v", claimWord, name, there)
		}
	}
	return nil
}

// What a failure is counted as.
const (
	lostWord       = "acknowledged transactions lost"
	chainWord      = "chain broken"
	unreadableWord = "ledger unreadable"
	twiceWord      = "reader erased twice"
	earlyWord      = "erased without a verified receipt"
	claimWord      = "says more than was done"
	unfinishedWord = "cannot be finished"
)
