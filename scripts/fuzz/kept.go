package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// What was measured on another day or machine stands on the page alone: a row for
// which no state is kept here is taken over as it is, with the commit and the day
// that it names. A target that is no more loses its row.

// keptRow is a row of the page as it stood.
type keptRow struct {
	text       string
	time, cpu  time.Duration
	executions int64
	findings   int
}

var rowStart = regexp.MustCompile("^\\| (\\S+) `(Fuzz\\w+)` \\|")

// keptRows reads the rows of a page that say that their target was run.
func keptRows(page string) (map[string]keptRow, error) {
	text, err := os.ReadFile(page)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the page: %w", err)
	}
	rows := map[string]keptRow{}
	for line := range strings.Lines(string(text)) {
		name := rowStart.FindStringSubmatch(line)
		cells := strings.Split(line, " | ")
		if name == nil || len(cells) < 11 {
			continue // a heading, or a target that was not run
		}
		row := keptRow{text: line}
		var errs [3]error
		row.time, errs[0] = time.ParseDuration(cells[3])
		row.cpu, errs[1] = time.ParseDuration(cells[4])
		row.executions, errs[2] = strconv.ParseInt(strings.ReplaceAll(cells[5], ",", ""), 10, 64)
		if err := errors.Join(errs[:]...); err != nil {
			return nil, fmt.Errorf("cannot read the page's row of %s: %w", name[2], err)
		}
		if cells[7] != "none" {
			row.findings = 1 + strings.Count(cells[7], ", ")
		}
		rows[name[1]+" "+name[2]] = row
	}
	return rows, nil
}
