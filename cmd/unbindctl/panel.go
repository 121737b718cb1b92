package main

import (
	"fmt"
	"time"

	"unbindd/agent/local"
)

// panel redraws the plan in place on a terminal. What happened once (a line of
// the gate, an answer) is written above it and stays.
type panel struct {
	out  *paper
	size func() (columns, rows int)
	now  func() time.Time
	last local.Status
	told map[string]string // the last line told of each event's subject
	gone bool
	history
	height int // lines drawn that the next drawing replaces
}

// before stays above the page.
func (p *panel) before(b before) {
	p.start = b.At
	p.erase()
	p.out.before(b)
}

func (p *panel) status(s local.Status) {
	p.last, p.from = s, p.start
	if s.Case != nil {
		p.from = began(s.Case)
	}
	p.draw()
}

func (p *panel) event(e local.Event) {
	text, ok := p.out.eventLine(e)
	subject := e.Kind + " " + e.Name
	if !ok || p.told[subject] == text || p.old(e) {
		return
	}
	if p.told == nil {
		p.told = map[string]string{}
	}
	p.told[subject] = text
	p.erase()
	p.out.plain("%s", text)
	p.draw()
}

func (p *panel) silent(gone bool) {
	p.gone = gone
	p.draw()
}

// erase takes the last drawing away: the cursor stands on the line below it.
func (p *panel) erase() {
	if p.height > 0 {
		p.out.raw(fmt.Sprintf("\x1b[%dA\r\x1b[J", p.height))
	}
	p.height = 0
}

func (p *panel) draw() {
	columns, rows := p.size()
	page, middle := p.page()
	page = excerpt(page, middle, rows-1)
	p.erase()
	for _, line := range page {
		// A line that wraps would be counted as one and stay behind.
		p.out.raw(cut(tame(line), columns-1) + "\n")
	}
	p.height = len(page)
}

// page is the whole drawing, and the line that must be seen.
func (p *panel) page() (page []string, middle int) {
	c := p.last.Case
	if c == nil {
		return p.foot([]string{p.out.term(p.last.Mode)}), 0
	}
	page = []string{p.out.heading(c)}
	now, step := p.now(), 0
	if i, s := active(c); s != nil {
		step = i
	}
	steps := c.Steps
	if last, _ := furthest(c); tookBack(c) || reversed(c) { // nobody will do the others
		steps = steps[:last+1]
	}
	for i, s := range steps {
		if s.Final && (i == 0 || !c.Steps[i-1].Final) {
			page = append(page, p.out.in(noReturn))
		}
		if i == step {
			middle = len(page)
		}
		page = append(page, p.out.stepLine(i, len(c.Steps), s, now))
	}
	return p.foot(append(page, p.out.hindrances(c)...)), middle
}

func (p *panel) foot(page []string) []string {
	if p.gone {
		page = append(page, p.out.silence(true))
	}
	return page
}

// excerpt keeps so many lines around the middle one.
func excerpt(page []string, middle, height int) []string {
	if len(page) <= height {
		return page
	}
	from := min(max(0, middle-height/2), len(page)-height)
	return page[from : from+height]
}
