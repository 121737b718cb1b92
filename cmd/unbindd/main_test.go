package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// The tests of this folder run real programs: the daemon (with the race
// detector), the desk, the ticket signer, the reader simulator and the tool,
// over real sockets and ptys. They are built once.
var programs string

// plainDaemon is the daemon without the race detector.
const plainDaemon = "unbindd-plain"

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "unbindd-programs-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	programs = dir
	// Much of a whole unbinding is waiting, for a disk or a reader: twice as many side by side as there are processors.
	if asked := flag.Lookup("test.parallel"); asked.Value.String() == asked.DefValue {
		if err := asked.Value.Set(strconv.Itoa(2 * runtime.GOMAXPROCS(0))); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	code := 1
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func build() error {
	for name, args := range map[string][]string{
		"unbindd": {"-race"}, plainDaemon: nil, "unbind-desk": nil, "unbindctl": nil, "readersim": nil,
	} {
		args = append([]string{"build", "-ldflags=-s -w", "-o", filepath.Join(programs, name)}, args...)
		cmd := exec.Command("go", append(args, "../"+strings.TrimSuffix(name, "-plain"))...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("cannot build %s: %w\n%s", name, err, out)
		}
	}
	return nil
}
