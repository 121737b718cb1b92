package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// made is one round as it could be.
func made(memory int64) unbinding {
	return unbinding{
		fill: 2, open: 0.01, whole: 4, ledger: 3_000_000,
		spans:  []span{{"seal-backup", 1000, 2000}, {"erase-data", 2000, 2500}},
		memory: []reading{{500, 1 << 20}, {1500, memory}},
		stock:  stock{seal: 0.5, zero: 0.25, plain: 5_000_000, sealed: 1_000_000},
	}
}

func TestUnbindingsStandBesideTheirBaselines(t *testing.T) {
	var p page
	p.unbindings(10_000, []unbinding{made(20 << 20), made(30 << 20)})
	text := string(p.text())
	for _, want := range []string{
		"| seal-backup | 1.00 s (1.00 s..1.00 s) | 25 % | 30.0 MiB |",
		"| erase-data | 0.50 s (0.50 s..0.50 s) | 12 % | – |",
		"| seal-backup | 1.00 s (1.00 s..1.00 s) | `zstd -1 -T1 \\| age -r` | 0.50 s (0.50 s..0.50 s) | 2.00 (2.00..2.00) |",
		"30.0 MiB, within the bound of 64 MiB",
		"| filling, transactions per second | 4,950 (4,950..4,950) |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("not on the page: %s\n%s", want, text)
		}
	}
	if p.broken != nil {
		t.Error(p.broken)
	}
}

func TestMemoryPastTheBoundIsSaid(t *testing.T) {
	var p page
	p.unbindings(10_000, []unbinding{made(65 << 20)})
	if p.broken == nil || !strings.Contains(string(p.text()), "65.0 MiB, **past** the bound") {
		t.Errorf("%v\n%s", p.broken, p.text())
	}
	p.unbindings(20_000, []unbinding{made(1 << 20)})
	if p.broken == nil {
		t.Error("a later ledger that stays within the bound hid the one that did not")
	}
}

// A pipe within a cell would begin another cell.
func TestEveryRowHasTheCellsOfItsHead(t *testing.T) {
	p := page{machine: [][]string{{"a", "b"}}}
	p.unbindings(10_000, []unbinding{made(1 << 20)})
	for _, tab := range p.tables {
		for _, row := range tab.rows {
			if len(row) != len(tab.head) {
				t.Errorf("%s: %d cells below %d", tab.title, len(row), len(tab.head))
			}
			for _, cell := range row {
				if strings.Contains(strings.ReplaceAll(cell, "\\|", ""), "|") {
					t.Errorf("%s: cell %q", tab.title, cell)
				}
			}
		}
	}
}

func TestThePageIsReplacedWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	for range 2 {
		if err := new(page).write(path); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(text), "# Figures\n") {
		t.Errorf("%v: %q", err, text)
	}
	if err := new(page).write(filepath.Join(path, "page.md")); err == nil {
		t.Error("no error where no page can be")
	}
}

func TestOptions(t *testing.T) {
	o := options{quick: true, small: 10, large: 20}.settled()
	if o.large != 0 || o.out != filepath.Join("bench-out", "BENCHMARKS.md") {
		t.Errorf("quick: %+v", o)
	}
	o = options{small: 10, large: 20}.settled()
	if o.large != 20 || o.out != filepath.Join("docs", "BENCHMARKS.md") {
		t.Errorf("full: %+v", o)
	}
}
