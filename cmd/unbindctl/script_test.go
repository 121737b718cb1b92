package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"unbindd/scripts/programtest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"unbindctl": main})
}

// TestScript runs the pages of testdata/script against the real program. A page
// says "daemon NAME" to start a scenario, and "dossier" to write the files of a
// good case.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("UNBINDCTL_SOCKET", filepath.Join(e.WorkDir, "s"))
			e.Setenv("LANG", "C")
			e.Setenv("TZ", "UTC")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"daemon": startScenario, "dossier": writeDossier, "exits": programtest.Exits,
		},
	})
}

func startScenario(ts *testscript.TestScript, _ bool, args []string) {
	d, ok := scenarios()[args[0]]
	if !ok {
		ts.Fatalf("there is no scenario %s", args[0])
	}
	socket := ts.Getenv("UNBINDCTL_SOCKET")
	if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
		ts.Fatalf("%v", err)
	}
	ts.Check(d.serve(socket))
	ts.Defer(d.stop)
}

func writeDossier(ts *testscript.TestScript, _ bool, _ []string) {
	digests, err := newFixture().write(ts.MkAbs("."))
	ts.Check(err)
	for name, digest := range digests {
		ts.Setenv(name, digest)
	}
}
