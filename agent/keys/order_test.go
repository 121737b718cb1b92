package keys

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// toTrace names the folder that the child below makes a store in.
const toTrace = "UNBINDD_KEYS_TO_TRACE"

// TestMakeKeysForATrace is the child of the test below.
func TestMakeKeysForATrace(t *testing.T) {
	dir := os.Getenv(toTrace)
	if dir == "" {
		t.Skip("it is the child of another test")
	}
	s, err := Create(dir, newStream("store", 0))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("told: created")
	if err := s.SealPreimage([32]byte{1}, nil); err != nil {
		t.Fatal(err)
	}
	fmt.Println("told: sealed")
}

// What is written to a key file is flushed before the marker is made and before
// anybody is told; so are the names, before a key is written under them. Only a
// trace shows it: a process that is killed loses nothing it gave to the kernel.
func TestNothingIsToldBeforeItIsFlushed(t *testing.T) {
	dir, trace := filepath.Join(t.TempDir(), "keys"), filepath.Join(t.TempDir(), "trace")
	child := exec.Command("strace", "-f", "-y", "-o", trace, "-e", "trace=openat,pwrite64,fsync,write", os.Args[0], "-test.run=^TestMakeKeysForATrace$")
	child.Env = append(os.Environ(), toTrace+"="+dir)
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	call := regexp.MustCompile(`(pwrite64|fsync)\(\d+<([^>]+)>`)
	named := regexp.MustCompile(`openat\(.*"` + regexp.QuoteMeta(dir) + `/(k\d)", O_[^)]*O_CREAT`)
	loose, unnamed := map[string]bool{}, map[string]bool{} // written and not flushed; made and its folder not flushed
	made, written, told := 0, 0, 0
	for line := range strings.Lines(string(text)) {
		if m := call.FindStringSubmatch(line); m != nil && strings.HasPrefix(m[2], dir) {
			name := filepath.Base(m[2])
			switch {
			case m[2] == dir:
				clear(unnamed)
			case m[1] == "fsync":
				delete(loose, name)
			default:
				if unnamed[name] && strings.Contains(line, "UNBKEY02") {
					t.Errorf("a key is written to %s before its name is on disk", name)
				}
				loose[name] = true
				written++
			}
		}
		m := named.FindStringSubmatch(line)
		if m != nil {
			unnamed[m[1]] = true
			made++
		}
		if tells := strings.Contains(line, "told: "); tells || m != nil && m[1] == "k0" {
			if len(loose) > 0 || tells && len(unnamed) > 0 {
				t.Errorf("not flushed: %v; not named: %v; at %s", loose, unnamed, line)
			}
			if tells {
				told++
			}
		}
	}
	if made != 10 || written != 16 || told != 2 {
		t.Errorf("the trace has %d names, %d writes, %d words", made, written, told)
	}
}
