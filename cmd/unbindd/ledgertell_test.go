package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"unbindd/agent"
	"unbindd/agent/envelope"
	"unbindd/agent/ledger"
)

func oneSegment(change func(s *ledger.Segment)) ledger.Report {
	s := ledger.Segment{Segment: 1, First: 1, Last: 31, Whole: 31}
	change(&s)
	return ledger.Report{Records: 31, Whole: s.Whole, Segments: []ledger.Segment{s}}
}

var tellings = []struct {
	name    string
	r       ledger.Report
	err     error
	exit    int
	outcome string
	code    string
	next    string // in it, in English
	weiter  string // in it, in Chinese
}{
	{"whole", oneSegment(func(*ledger.Segment) {}), nil, 0, "whole", "", "", ""},
	{"mendable", oneSegment(func(s *ledger.Segment) { s.Damage, s.Mendable = "x", true }), nil, 3, "damaged", "E26", "ledger repair", "ledger repair"},
	{"mended", oneSegment(func(s *ledger.Segment) { s.Mended, s.Kept = true, "seg-00000001.db.damaged-1" }), nil, 9, "repaired", "", "", ""},
	{"lacking", oneSegment(func(s *ledger.Segment) { s.Damage, s.Missing, s.Whole = "x", []ledger.Span{{First: 7, Last: 7}}, 30 }), nil, 3, "damaged", "E26", "ledger export", "ledger export"},
	{"cut short", oneSegment(func(s *ledger.Segment) {
		s.Damage, s.Loss, s.Missing, s.Whole = "x", ledger.CutShort, []ledger.Span{{First: 31, Last: 31}}, 30
	}), nil, 3, "damaged", "E26:cut-short", "ledger export", "ledger export"},
	{"all gone", oneSegment(func(s *ledger.Segment) {
		s.Damage, s.Loss, s.Missing, s.Whole = "x", ledger.AllGone, []ledger.Span{{First: 1, Last: 31}}, 0
	}), nil, 3, "damaged", "E26:all-gone", `the gate "none"`, "三人签署"},
	{"another's", ledger.Report{}, envelope.Refuse("E26", "foreign", "x"), 3, "damaged", "E26:foreign", "own file back", "自己的文件"},
	{"refused", ledger.Report{}, fmt.Errorf("%w: %w", envelope.Refuse("E28", "not-bound", "x"), agent.ErrNotCared), 6, "refused", "E28:not-bound", "unbindd enrol", "登记"},
	{"failed", ledger.Report{}, errors.New("cannot check the ledger: x"), 1, "failed", "", "", ""},
}

// One outcome, one code: the same as the process's, under --json, and in the page
// for people; and a next step that is not what was just done.
func TestEveryOutcomeOfTheLedgerHasItsCode(t *testing.T) {
	for _, c := range tellings {
		for l, next := range map[envelope.Language]string{envelope.English: c.next, envelope.Chinese: c.weiter} {
			var words, problems, figures bytes.Buffer
			if code := exitCode(tellOutcome(answering(&words, &problems, false), outcomeOf(c.r, c.err), l)); code != c.exit {
				t.Errorf("%s: ends with %d", c.name, code)
			}
			if code := exitCode(tellOutcome(answering(&figures, &problems, true), outcomeOf(c.r, c.err), l)); code != c.exit {
				t.Errorf("%s: ends with %d as JSON", c.name, code)
			}
			var o outcome
			if err := json.Unmarshal(figures.Bytes(), &o); err != nil || o.Outcome != c.outcome || o.Exit != c.exit || o.Code != c.code || !strings.Contains(o.Next, next) {
				t.Errorf("%s: %v, %s", c.name, err, &figures)
			}
			if !strings.Contains(problems.String(), next) || c.code != "" && !strings.Contains(problems.String(), "["+c.code+"]") {
				t.Errorf("%s: says %s%s", c.name, &words, &problems)
			}
		}
	}
}

func answering(out, problems *bytes.Buffer, asJSON bool) *cobra.Command {
	c := &cobra.Command{}
	c.SetOut(out)
	c.SetErr(problems)
	c.Flags().Bool("json", asJSON, "")
	return c
}

// Help, README and WIRE.md have the same table.
func TestTheLedgersExitCodesAreWrittenDown(t *testing.T) {
	var help bytes.Buffer
	if code := execute([]string{"ledger", "repair", "--help"}, &help, &help); code != exitDone {
		t.Fatal(code)
	}
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	wire, err := os.ReadFile(filepath.Join("..", "..", "docs", "WIRE.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []ending{endsWhole, endsFailed, endsDamaged, endsRefused, endsRepaired} {
		if !strings.Contains(help.String(), fmt.Sprintf("  %d  %-8s  ", e.Exit, e.Outcome)) ||
			!strings.Contains(string(readme), fmt.Sprintf("| `%s` | %d |", e.Outcome, e.Exit)) || !strings.Contains(string(wire), fmt.Sprintf("`%s` %d", e.Outcome, e.Exit)) {
			t.Errorf("%s %d is not written down everywhere", e.Outcome, e.Exit)
		}
	}
}
