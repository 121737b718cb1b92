package main

import (
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"unbindd/scripts/programtest"
)

// keptBeside loses the whole ledger, has three people order an unbinding that saves
// nothing of it, cuts that when the reader's events lie beside the lost one, and runs
// the page that asks for them. It is a world's last act: the page runs behind it.
func (w *world) keptBeside() {
	w.t.Helper()
	w.daemon.stop()
	if err := os.Rename(filepath.Join(w.state(), "ledger"), w.path("lost")); err != nil {
		w.t.Fatal(err)
	}
	w.startDaemon("drain:recorded")
	w.ask("sale", "4321", "CNY")
	w.ask("close-batch", "000001")
	w.publish(w.sign(w.issueAnew("--gate", "none"), "ops-1", "sec-1", "rel-1"))
	w.daemon.sign("paused drain:recorded")
	w.daemon.kill()
	scripts, err := filepath.Abs(filepath.Join("..", "..", "scripts"))
	if err != nil {
		w.t.Fatal(err)
	}
	testscript.Run(w.t, testscript.Params{
		Files: []string{"testdata/script/ledger-beside.txtar"}, RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", e.WorkDir+string(os.PathListSeparator)+programs+string(os.PathListSeparator)+os.Getenv("PATH"))
			e.Setenv("CONFIG", w.path("unbindd.yaml"))
			e.Setenv("KEY", w.path("desk", "keys", "recipient.key"))
			e.Setenv("SCRIPTS", scripts)
			// The daemon without the race detector: the page asks about the command line.
			return os.Symlink(filepath.Join(programs, plainDaemon), filepath.Join(e.WorkDir, "unbindd"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": programtest.Exits},
	})
}
