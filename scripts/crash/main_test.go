//go:build (amd64 || arm64) && !android

package crash

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"unbindd/scripts/programtest"
)

// The test binary runs itself again as the program that works in the mount.
func TestMain(m *testing.M) {
	if what := os.Getenv("CRASH_WORK"); what != "" {
		if err := workAs(what, os.Getenv("CRASH_DIR")); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if text := os.Getenv("CRASH_CARRY"); text != "" {
		if err := carryForLab(text, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	programtest.OwnMounts()
	flag.Parse()
	if programtest.Raced && os.Getenv("CRASH_RACE") == "" {
		os.Exit(withoutDetector(flag.Lookup("test.run").Value.String()))
	}
	os.Exit(m.Run())
}

// withoutDetector has a build without the race detector do the work: under it an
// image costs several times as much. CRASH_RACE keeps it.
func withoutDetector(which string) int {
	if err := errors.Join(programtest.Plain(context.Background(), os.Stdout, which), programtest.Clear()); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func workAs(what, dir string) error {
	told, err := os.OpenFile(filepath.Join(dir, toldFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer told.Close()
	seed, err := strconv.ParseUint(os.Getenv("CRASH_WORK_SEED"), 10, 64)
	if err != nil {
		return err
	}
	do, ok := works[what]
	if !ok {
		return fmt.Errorf("there is no work %q", what)
	}
	return do(dir, seed, func(line string) {
		if _, err := fmt.Fprintln(told, line); err != nil {
			panic(err)
		}
	})
}
