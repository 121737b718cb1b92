package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// page is what is written at the end.
type page struct {
	machine [][]string
	tables  []table
	broken  error // a promised bound that did not hold
}

// table is one measurement with its baselines.
type table struct {
	title string
	intro string
	head  []string
	rows  [][]string
	after string
}

func (p *page) add(t table) { p.tables = append(p.tables, t) }

func (p *page) text() []byte {
	var b bytes.Buffer
	b.WriteString("# Figures\n\n" + preface + reached() + "\n\n")
	b.WriteString(p.part())
	return b.Bytes()
}

// part is the machine and the tables.
func (p *page) part() string {
	var b strings.Builder
	b.WriteString(rows([]string{"", ""}, p.machine))
	for _, t := range p.tables {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n%s", t.title, t.intro, rows(t.head, t.rows))
		if t.after != "" {
			fmt.Fprintf(&b, "\n%s\n", t.after)
		}
	}
	return b.String()
}

const preface = "Written by the command below, all of it in one run; nothing here is edited by hand. Every figure stands beside\n" +
	"a baseline that was measured between its own rounds on the same file system. Where there are several\n" +
	"rounds, a cell is the median with min..max in brackets, and a ratio is taken within each round first.\n" +
	"The ratios carry over to other machines better than the times do.\n\n" +
	"What fuzzing the decoders came to: [FUZZING.md](FUZZING.md)"

// reached is how much of the decoders the fuzzer reached, as its own page has it.
func reached() string {
	text, err := os.ReadFile(filepath.Join("docs", "FUZZING.md"))
	if err != nil {
		return "."
	}
	for row := range strings.Lines(string(text)) {
		if share, ok := strings.CutPrefix(row, "| statements of the decoders, added up over targets | "); ok {
			return "; it reached " + strings.Trim(share, "| \n") + " of their statements."
		}
	}
	return "."
}

// rows writes a Markdown table.
func rows(head []string, body [][]string) string {
	var b strings.Builder
	line := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(head)
	b.WriteString("|" + strings.Repeat("---|", len(head)) + "\n")
	for _, r := range body {
		line(r)
	}
	return b.String()
}

// write replaces the page whole or not at all.
func (p *page) write(path string) error {
	temp := path + ".new"
	if err := os.WriteFile(temp, p.text(), 0o644); err != nil {
		return fmt.Errorf("cannot write the page: %w", err)
	}
	if err := os.Rename(temp, path); err != nil {
		return errors.Join(fmt.Errorf("cannot write the page: %w", err), os.Remove(temp))
	}
	return nil
}
