package scripts

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	backing  = regexp.MustCompile(`\[((?:Test[A-Za-z0-9_]+(?:, )?)+)\]`)
	testFunc = regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9_]+)\(`)
)

// docs/ERASURE.md is for an auditor: each test that it names for a claim is one
// of the packages that erase, or of the real programs.
func TestEveryClaimOfTheErasureNamesATestThatIsThere(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "docs", "ERASURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, dir := range []string{"wipe", "agent", filepath.Join("cmd", "unbindd")} {
		files, err := filepath.Glob(filepath.Join("..", dir, "*_test.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no tests in %s: %v", dir, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range testFunc.FindAllStringSubmatch(string(text), -1) {
				have[m[1]] = true
			}
		}
	}
	named := backing.FindAllStringSubmatch(string(doc), -1)
	if len(named) < 40 {
		t.Errorf("only %d claims name a test", len(named))
	}
	for _, m := range named {
		for _, name := range strings.Split(m[1], ", ") {
			if !have[name] {
				t.Errorf("a claim names %s, and there is no such test", name)
			}
		}
	}
}

// Below the headings that claim, a line of a list names a test, or says outright
// that it claims nothing.
func TestEveryLineThatClaimsNamesATest(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "docs", "ERASURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	// Lines that give a reason or refuse to claim, by how they begin.
	reasons := []string{
		"* The discard comes first because", "* There is no rename", "* More than one pass", "* the file system's extents", "* the extent is a plain",
		"* the device was read", "* nobody else has",
	}
	text, _, found := strings.Cut(string(doc), "## What cannot be proven")
	if !found {
		t.Fatal("the part that claims nothing is missing")
	}
	for _, item := range regexp.MustCompile(`(?m)^\* .*(?:\n  .*)*`).FindAllString(text, -1) {
		reason := false
		for _, r := range reasons {
			reason = reason || strings.HasPrefix(item, r)
		}
		if !reason && !backing.MatchString(item) {
			t.Errorf("no test is named for: %s", item)
		}
	}
}

// The rows of its tables are claims too: each names a test, but for those that refer
// to another line or claim nothing, by how they begin.
func TestEveryRowThatClaimsNamesATest(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "docs", "ERASURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	others := []string{
		"| lock |", "| exports |", "| spool |", "| application data |", "| logs |", // what a profile names, and what is not there
		"| `open-holders`", "| `own-mounts`", // above
		"| btrfs |", "| vfat |", "| tmpfs,", "| FUSE,", // not claimed, not tried, nobody knows; the level has a line of its own
	}
	text, _, _ := strings.Cut(string(doc), "## What cannot be proven")
	rows := regexp.MustCompile(`(?m)^\|.*$`).FindAllString(text, -1)
	held := 0
	for i, row := range rows {
		head := i+1 < len(rows) && strings.HasPrefix(rows[i+1], "|---") || strings.HasPrefix(row, "|---")
		other := false
		for _, o := range others {
			other = other || strings.HasPrefix(row, o)
		}
		switch {
		case head || other:
		case !backing.MatchString(row):
			t.Errorf("no test is named for: %s", row)
		default:
			held++
		}
	}
	if held < 40 {
		t.Errorf("only %d rows name a test", held)
	}
}
