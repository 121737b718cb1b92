package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestErasingIsJudged(t *testing.T) {
	for _, c := range []struct {
		kind                     wipeDiskKind
		ours, dd, flushed, shred float64
		broken                   []string
	}{
		{inMemory, 0.2, 0.1, 0.1, 0.4, nil},
		{inMemory, 0.3, 0.1, 0.3, 0.4, []string{"3.00 times as long as writing zeros;"}},
		{inMemory, 0.2, 0.1, 0.1, 0.1, []string{"2.00 times as long as shred"}},
		{inMemory, 0.2, 0.1, 0.1, 0.2, []string{"1.00 times as long as shred"}},
		{inMemory, 0.9, 0.1, 0.1, 0.4, []string{"9.00 times", "2.25 times"}},
		{onDisk, 0.3, 0.1, 0.2, 0.4, nil},
		{onDisk, 0.3, 0.1, 0.1, 0.4, []string{"3.00 times as long as writing zeros and flushing"}},
	} {
		var p page
		p.erasings(c.kind, []erasing{{ours: c.ours, dd: c.dd, flushed: c.flushed, shred: c.shred, rungs: rungs{"overwrite": c.ours}}})
		told := ""
		if p.broken != nil {
			told = p.broken.Error()
		}
		for _, want := range c.broken {
			if !strings.Contains(told, want) {
				t.Errorf("%+v: %q", c, told)
			}
		}
		if (p.broken != nil) != (c.broken != nil) || strings.Count(string(p.text()), "**missed**") != len(c.broken) {
			t.Errorf("%+v: %q\n%s", c, told, p.text())
		}
	}
}

func TestRungsAreTold(t *testing.T) {
	rows := rungRows([]rungs{{"sync": 1, "overwrite": 3}, {"overwrite": 2, "sync": 1, "look": 0.5}}, sample{4, 4})
	var names []string
	for _, r := range rows {
		names = append(names, r[0])
	}
	if got := strings.Join(names, " "); got != "overwrite sync look **whole**" || rows[0][2] != "62 %" {
		t.Errorf("%v", rows)
	}
	w := newStopwatch()
	w.note("a")
	w.note("b")
	w.note("a")
	split := w.stop()
	if len(split) != 3 || split[beginning] < 0 {
		t.Errorf("%v", split)
	}
}

func TestWipeHasItsOwnPage(t *testing.T) {
	if o := (options{wipe: true, large: 5}).settled(); o.out != filepath.Join("docs", "BENCHMARKS-WIPE.md") || o.large != 5 {
		t.Errorf("%+v", o)
	}
}

// A run of some parts does not replace the page of a whole one.
func TestPartsOfTheErase(t *testing.T) {
	if o := (options{wipe: true, parts: "file"}).settled(); o.out != filepath.Join(benchOut, "BENCHMARKS-WIPE.md") {
		t.Errorf("%+v", o)
	}
	for parts, want := range map[string]string{
		"":       "build the programs, describe the machine, erase one file, erase a ledger of 5 transactions, unbind 5 transactions",
		"file":   "describe the machine, erase one file",
		"ledger": "build the programs, describe the machine, erase a ledger of 5 transactions",
	} {
		var names []string
		for _, m := range (&bench{options: options{parts: parts, large: 5}}).wiping() {
			names = append(names, m.what)
		}
		if got := strings.Join(names, ", "); got != want {
			t.Errorf("%q: %s", parts, got)
		}
	}
	if err := (options{wipe: true, parts: "file,disk"}).needsRoot(); err == nil {
		t.Error("a part that is none is taken")
	}
}
