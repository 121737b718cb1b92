package programtest

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// plain is where the tests of the package in the working folder lie, without the race
// detector; they are built once a process.
var plain struct {
	sync.Once
	dir, binary string
	err         error
}

func buildPlain() (string, error) {
	plain.Do(func() {
		if plain.dir, plain.err = os.MkdirTemp("", "plain-"); plain.err != nil {
			return
		}
		plain.binary = filepath.Join(plain.dir, "plain.test")
		cmd := exec.Command("go", "test", "-c", "-race=false", "-ldflags=-s -w", "-o", plain.binary, ".")
		if out, err := cmd.CombinedOutput(); err != nil {
			plain.err = fmt.Errorf("cannot build the tests without the race detector: %w\n%s", err, out)
		}
	})
	return plain.binary, plain.err
}

// Plain runs the tests of the package in the working folder that a pattern names, in a
// build without the race detector; what they say goes to out as it comes. It is for those
// that compute much and have one goroutine: the detector has nothing to find there and
// makes them several times as dear. Flags of the tests' own, such as rapid's, are handed
// on, so that a failure is lived again. Run clears the build away.
func Plain(ctx context.Context, out io.Writer, pattern string) error {
	binary, err := buildPlain()
	if err != nil {
		return err
	}
	args := []string{"-test.v", "-test.run=" + pattern, "-test.timeout=15m"}
	flag.Visit(func(f *flag.Flag) {
		if !strings.HasPrefix(f.Name, "test.") {
			args = append(args, "-"+f.Name+"="+f.Value.String())
		}
	})
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Stdout = io.MultiWriter(out, &said)
	cmd.Stderr = cmd.Stdout
	err = cmd.Run()
	if err == nil && !bytes.Contains(said.Bytes(), []byte("=== RUN ")) {
		err = errors.New("there is no such test")
	}
	if err != nil {
		return fmt.Errorf("without the race detector: %s: %w", pattern, err)
	}
	return nil
}

// Run runs a package's tests, and clears away what Plain built for them.
func Run(m *testing.M) int {
	code := m.Run()
	if err := Clear(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// Clear clears away what Plain built, for whoever does not come to Run.
func Clear() error {
	if plain.dir == "" {
		return nil
	}
	return os.RemoveAll(plain.dir)
}
