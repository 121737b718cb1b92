package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// TestEveryTargetHasItsRow holds the table against the house: a row for every
// target, a target for every row, and every function where the row says.
func TestEveryTargetHasItsRow(t *testing.T) {
	top := filepath.Join("..", "..")
	targets, err := targetsOf(os.DirFS(top))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, x := range targets {
		known[x.String()] = true
		row, ok := decoders[x.String()]
		if !ok || row.reads == "" || row.functions == "" {
			t.Errorf("%s: no row says what it reads, and by which functions", x)
			continue
		}
		if _, err := locate(filepath.Join(top, filepath.FromSlash(x.dir)), row.functions); err != nil {
			t.Errorf("%s: %v", x, err)
		}
	}
	for name := range decoders {
		if !known[name] {
			t.Errorf("%s: there is no such target", name)
		}
	}
}

// TestThePageHasARowForEveryTarget: each was run, and none is there that is no more.
func TestThePageHasARowForEveryTarget(t *testing.T) {
	rows, err := keptRows(filepath.Join("..", "..", "docs", "FUZZING.md"))
	if err != nil {
		t.Fatal(err)
	}
	for name := range decoders {
		if _, ok := rows[name]; !ok {
			t.Errorf("%s: the page does not say that it was run", name)
		}
	}
	for name := range rows {
		if _, ok := decoders[name]; !ok {
			t.Errorf("%s: the page has a row for what is no more", name)
		}
	}
}

func TestTargetsAreFoundInTestFilesAlone(t *testing.T) {
	text := &fstest.MapFile{Data: []byte("package a\n\nfunc FuzzOne(f *testing.F) {\n}\n\nfunc FuzzyTest(t *testing.T) {}\n")}
	found, err := targetsOf(fstest.MapFS{
		"b/b_test.go": text, "a/a_test.go": text, "a/a.go": text, "a/testdata/x_test.go": text,
		out + "/tree-1/a/a_test.go": text, ".git/x_test.go": text,
	})
	if want := []target{{"a", "FuzzOne"}, {"b", "FuzzOne"}}; err != nil || !slices.Equal(found, want) {
		t.Errorf("%v, %v", found, err)
	}
}

// TestTheLastReportCounts reads what Go's fuzzer says, as it says it.
func TestTheLastReportCounts(t *testing.T) {
	const said = `fuzz: elapsed: 0s, gathering baseline coverage: 0/8 completed
fuzz: elapsed: 0s, gathering baseline coverage: 8/8 completed, now fuzzing with 1 workers
fuzz: elapsed: 3s, execs: 100 (33/sec), new interesting: 1 (total: 9)
fuzz: elapsed: 1m1s, execs: 2500 (38/sec), new interesting: 2 (total: 10)
PASS
`
	r := result{Time: time.Minute, Executions: 50}
	if err := r.add([]byte(said)); err != nil || r.Time != 2*time.Minute+time.Second || r.Executions != 2550 {
		t.Errorf("%+v, %v", r, err)
	}
	if err := r.add([]byte("panic: no seeds\n")); err == nil {
		t.Error("nothing was reported, and taken")
	}
}

func TestOnlyBlocksInsideTheFunctionsAreCounted(t *testing.T) {
	const profile = `mode: set
unbindd/a/read.go:10.2,12.3 4 1
unbindd/a/read.go:13.2,14.3 2 0
unbindd/a/read.go:40.2,41.3 8 1
unbindd/a/write.go:10.2,12.3 16 1
`
	if ran, all := tally(profile, []lines{{"read.go", 9, 20}, {"read.go", 30, 35}}); ran != 4 || all != 6 {
		t.Errorf("%d of %d", ran, all)
	}
}

func TestFunctionsAreFoundByName(t *testing.T) {
	dir := t.TempDir()
	const code = "package a\n\ntype T[E any] struct{}\n\ntype U int\n\nfunc F() {\n}\n\nfunc (u *U) F() {\n}\n\nfunc (U) G() {}\n"
	if err := os.WriteFile(filepath.Join(dir, "a.go"), []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := locate(dir, "F U.F U.G")
	if want := []lines{{"a.go", 7, 8}, {"a.go", 10, 11}, {"a.go", 13, 13}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := locate(dir, "F H"); err == nil || !strings.Contains(err.Error(), "H") {
		t.Errorf("a function that is gone: %v", err)
	}
}

// TestThePageSaysOnlyWhatIsKnown: a target that was not run has no figures.
func TestThePageSaysOnlyWhatIsKnown(t *testing.T) {
	ran, not := target{"device", "FuzzT0"}, target{"device", "FuzzT1"}
	f := &fuzz{known: state{ran.String(): {
		Commit: "abc", Day: "2026-01-02", Time: 90 * time.Second, CPU: 10 * time.Second, Executions: 1234567,
		Seeds: 3, Inputs: 4, BySeeds: 5, Reached: 9, Statements: 10, Findings: []string{"771e938e4458e983"},
	}}}
	page := string(f.text([]target{ran, not}))
	for _, want := range []string{
		"| device `FuzzT0` | responses of T=0 | abc, 2026-01-02 | 1m30s | 10s | 1,234,567 | 123,456 | 771e938e4458e983 | 3 | 4 | 50.0 -> 90.0 |",
		"| device `FuzzT1` | blocks of T=1 | not run | | | | | | | | |",
		"| targets | 2, of them run 1 |", "1 findings",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on the page:\n%s", want, page)
		}
	}
	if err := f.known.findings([]target{ran, not}); err == nil || !strings.Contains(err.Error(), "771e938e4458e983") {
		t.Errorf("a finding is told as %v", err)
	}
}

// TestARunGoesOnWhereItWas: what was kept is known at that commit, and at no other.
func TestARunGoesOnWhereItWas(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	x, y := target{"device", "FuzzT0"}, target{"device", "FuzzT1"}
	first, second := &fuzz{tree: tree{commit: "abc"}}, &fuzz{tree: tree{commit: "abc"}}
	if err := first.keep(x, result{Commit: "abc", Time: time.Minute}); err != nil {
		t.Fatal(err)
	}
	if err := second.keep(y, result{Commit: "abc", Time: time.Hour}); err != nil {
		t.Fatal(err)
	}
	known, err := readState()
	if err != nil || len(known) != 2 {
		t.Fatalf("%v, %v: a run wrote over what another had kept", known, err)
	}
	again := &fuzz{tree: tree{commit: "abc"}, known: known}
	if r := again.recall(x); r.Time != time.Minute {
		t.Errorf("recalls %+v", r)
	}
	later := &fuzz{tree: tree{commit: "def"}, known: known}
	if r := later.recall(x); r.Time != 0 || r.Commit != "def" {
		t.Errorf("another commit begins with %+v", r)
	}
}
