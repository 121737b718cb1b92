package ledger

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// plain is this package's test binary without the race detector, built once. It
// is left to cleanPlain.
var plain = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "ledger-plain-")
	if err != nil {
		return "", err
	}
	plainDir = dir
	binary := filepath.Join(dir, "ledger.test")
	if out, err := exec.Command("go", "test", "-c", "-race=false", "-ldflags=-s -w", "-o", binary, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build it: %w\n%s", err, out)
	}
	return binary, nil
})

var plainDir string

func cleanPlain() {
	if plainDir != "" {
		if err := os.RemoveAll(plainDir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}

// withoutDetector has a build without the race detector do the test that calls it,
// and returns true. It is for those that have one goroutine and compute much: the
// detector has nothing to find there and makes them several times as dear.
// LEDGER_RACE keeps it.
func withoutDetector(t *testing.T) bool {
	t.Helper()
	if !raced || os.Getenv("LEDGER_RACE") != "" {
		return false
	}
	binary, err := plain()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-test.v", "-test.run=^" + t.Name() + "$", "-test.timeout=15m"}
	flag.Visit(func(f *flag.Flag) {
		if strings.HasPrefix(f.Name, "rapid.") { // a failure is lived again by those
			args = append(args, "-"+f.Name+"="+f.Value.String())
		}
	})
	out, err := exec.CommandContext(t.Context(), binary, args...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" ") {
		t.Fatalf("without the race detector: %v\n%s", err, out)
	}
	return true
}
