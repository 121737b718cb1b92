package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"unbindd/agent/local"
)

// glass is a terminal that knows what the panel uses: a new line, the start of
// the line, so many lines up, and clearing to the end. Lines that went over the
// top cannot be reached again.
type glass struct {
	lines []string
	row   int
	rows  int
	lost  bool // the cursor was sent above the top
}

func (g *glass) Write(b []byte) (int, error) {
	s := string(b)
	for s != "" {
		var up int
		switch {
		case strings.HasPrefix(s, "\x1b[J"):
			g.lines = g.lines[:g.row]
			s = s[3:]
		case strings.HasPrefix(s, "\x1b["):
			end := strings.IndexByte(s, 'A')
			if _, err := fmt.Sscanf(s[2:end], "%d", &up); err != nil {
				return 0, err
			}
			g.row -= up
			g.lost = g.lost || g.row < 0 || len(g.lines)-g.row > g.rows-1
			g.row = max(0, g.row)
			s = s[end+1:]
		case s[0] == '\r':
			s = s[1:]
		default:
			line, rest, _ := strings.Cut(s, "\n")
			g.lines = append(g.lines[:g.row], line)
			g.row++
			s = rest
		}
	}
	return len(b), nil
}

// TestPanelRedrawsInPlace draws any run on any size of window: the page stands
// there once, no line wraps, and what happened once stays above it.
func TestPanelRedrawsInPlace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		columns, rows := rapid.IntRange(20, 120).Draw(t, "columns"), rapid.IntRange(5, 50).Draw(t, "rows")
		g := &glass{rows: rows}
		p := &panel{
			out: &paper{to: g}, now: func() time.Time { return time.UnixMilli(caseStart + 60_000) },
			size: func() (int, int) { return columns, rows },
		}
		gates := 0
		for i, n := 0, rapid.IntRange(1, 30).Draw(t, "changes"); i < n; i++ {
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				p.event(local.Event{Kind: "gate", Name: fmt.Sprint("check-", i), Time: caseStart})
				p.event(local.Event{Kind: "gate", Name: fmt.Sprint("check-", i), Time: caseStart})
				gates++
			case 1:
				p.silent(rapid.Bool().Draw(t, "gone"))
			default:
				s := obeying(rapid.SampledFrom(allSteps()).Draw(t, "step"), local.Doing)
				s.Case.Waiting = rapid.SampledFrom([]string{"", "the reader"}).Draw(t, "waiting")
				p.status(s)
			}
		}
		if g.lost {
			t.Fatal("the cursor was sent above the top of the window")
		}
		told := 0
		for _, line := range g.lines {
			if width(line) >= columns && !strings.Contains(line, "gate") {
				t.Fatalf("a line of %d columns wraps in %d: %q", width(line), columns, line)
			}
			if strings.Contains(line, "gate") {
				told++
			}
		}
		if told != gates || len(g.lines)-told != p.height {
			t.Fatalf("%d gate lines of %d, %d lines of a page of %d", told, gates, len(g.lines)-told, p.height)
		}
	})
}

// TestPanelPage is the page as a person sees it.
func TestPanelPage(t *testing.T) {
	g := &glass{rows: 30}
	p := &panel{
		out: &paper{to: g}, now: func() time.Time { return time.UnixMilli(caseStart + 9000) },
		size: func() (int, int) { return 80, 30 },
	}
	p.status(obeying("freeze", local.Doing))
	s := obeying("erase-reader-keys", local.Doing)
	s.Case.Steps[8].Tries = 2
	p.status(s)
	page := strings.Join(g.lines, "\n")
	for _, want := range []string{
		" 8/17 wait for the successor               done    0.2 s\n── no way back after this line ──\n",
		" 9/17 erase the reader's keys              doing   1.0 s  try 2\n",
		"10/17 erase the host's keys                to do \n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if len(g.lines) != 19 {
		t.Errorf("the page has %d lines, want 19:\n%s", len(g.lines), page)
	}
}

// TestThePageOfACaseTakenBack has no step that nobody will do, and no line of no return.
func TestThePageOfACaseTakenBack(t *testing.T) {
	g := &glass{rows: 30}
	p := &panel{out: &paper{to: g}, now: time.Now, size: func() (int, int) { return 80, 30 }}
	p.status(ended())
	page := strings.Join(g.lines, "\n")
	if !strings.Contains(page, " 7/17 ") || strings.Contains(page, " 8/17 ") || strings.Contains(page, "no way back") {
		t.Errorf("the page is\n%s", page)
	}
}

func TestExcerptKeepsTheMiddle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var page []string
		for i := range rapid.IntRange(1, 40).Draw(t, "lines") {
			page = append(page, fmt.Sprint(i))
		}
		middle := rapid.IntRange(0, len(page)-1).Draw(t, "middle")
		height := rapid.IntRange(1, 40).Draw(t, "height")
		part := excerpt(page, middle, height)
		if len(part) > height || !strings.Contains(" "+strings.Join(part, " ")+" ", " "+page[middle]+" ") {
			t.Fatalf("%v does not show %s in %d lines", part, page[middle], height)
		}
	})
}
