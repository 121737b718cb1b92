package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A row that was measured elsewhere stays as it is and counts; one of a target that
// is no more goes; one that is measured anew takes its place.
func TestRowsOfTheOldPageAreKept(t *testing.T) {
	t.Chdir(t.TempDir())
	page := filepath.Join(t.TempDir(), "FUZZING.md")
	const kept = "| agent/backup `FuzzOpen` | sealed files, harmed | ee74a7f2b548, 2026-11-23 | 1m1s | 39s | 120,924 | 3,091 | none | 3 | 77 | 55.2 -> 82.8 |\n"
	old := kept + strings.Replace(kept, "FuzzOpen", "FuzzGone", 1) + strings.Replace(kept, "FuzzOpen", "FuzzReader", 1) +
		"| agent/x `FuzzNever` | x | not run | | | | | | | | |\n"
	if err := os.WriteFile(page, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	f := &fuzz{options: options{page: page}, known: state{"agent/backup FuzzReader": {
		Commit: "c", Day: "2026-11-28", Time: time.Minute, CPU: 30 * time.Second, Executions: 1000, Reached: 1, Statements: 2,
	}}}
	var err error
	if f.kept, err = keptRows(page); err != nil {
		t.Fatal(err)
	}
	text := string(f.text([]target{{"agent/backup", "FuzzOpen"}, {"agent/backup", "FuzzReader"}, {"agent/x", "FuzzNever"}}))
	for _, want := range []string{
		kept, "| targets | 3, of them run 2 |", "| all together | 2m1s, on a processor 1m9s, 121,924 executions, 0 findings |",
		"added up over 1 of the targets | 50.0 percent |", "`FuzzNever` |  | not run |", "`FuzzReader` | the backup's text | c, 2026-11-28 |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("not on the page: %s\n%s", want, text)
		}
	}
	if strings.Contains(text, "FuzzGone") {
		t.Error("a target that is no more has a row")
	}
}
