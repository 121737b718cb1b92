package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"unbindd/cmd/help/helptest"
	"unbindd/scripts/programtest"
)

// Every verb and every flag is there in Chinese, and loses nothing on its way.
func TestTheHelpIsWholeInChinese(t *testing.T) {
	helptest.Whole(t, root, chineseHelp, "cmd/unbindd/words/zh.json")
}

// The exit codes are told in the same words as an outcome.
func TestEndingsAreToldInTheWordsOfTheirTable(t *testing.T) {
	for _, e := range []ending{endsWhole, endsFailed, endsDamaged, endsRefused, endsRepaired} {
		if !strings.Contains(string(chineseHelp), e.Outcome+strings.Repeat(" ", 10-len(e.Outcome))+e.means.zh) {
			t.Errorf("the help in Chinese does not say %s: %s", e.Outcome, e.means.zh)
		}
	}
}

// The real programs, all four.
func TestHelpOfThePrograms(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Files: []string{"testdata/script/help.txtar"}, RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", e.WorkDir+string(os.PathListSeparator)+programs+string(os.PathListSeparator)+os.Getenv("PATH"))
			return os.Symlink(filepath.Join(programs, plainDaemon), filepath.Join(e.WorkDir, "unbindd"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": programtest.Exits},
	})
}
