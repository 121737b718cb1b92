package main

import (
	"fmt"
	"math"
	"regexp"
	"time"

	"unbindd/agent/envelope"
	"unbindd/agent/local"
)

// mute draws nothing; the end is all that is told.
type mute struct{}

func (mute) before(before)       {}
func (mute) status(local.Status) {}
func (mute) event(local.Event)   {}
func (mute) silent(bool)         {}

// lines writes one line a change, for a log or a pipe.
type lines struct {
	out  *paper
	now  func() time.Time
	told map[string]string // the last thing told of each subject
	history
	held []local.Event // told with the next status, below the line they belong to

	at       string             // the step that the hindrances are of
	hindered map[string]*spells // what hinders it, by its text
}

// spells are when a hindrance was told first and last.
type spells struct{ first, last time.Time }

// heartbeat is when a hindrance that still stands is told again.
const heartbeat = 5 * time.Minute

// before tells what stood when the watch began.
func (l *lines) before(b before) {
	l.start = b.At
	l.out.before(b)
	if b.Waits {
		l.told = map[string]string{"mode": b.Mode}
	}
}

// status writes what has changed, and what happened meanwhile between the lines of
// the steps, by when it happened: an event is heard before its step is seen.
func (l *lines) status(s local.Status) {
	c := s.Case
	if c == nil {
		l.from = l.start
		l.once("mode", s.Mode, l.out.term(s.Mode))
		l.release(math.MaxInt64)
		return
	}
	l.from = began(c)
	l.once("case", c.Case, l.out.heading(c))
	for i, step := range c.Steps {
		if step.State == local.Todo && !(step.Final && c.Crossed) {
			continue
		}
		if step.Started > 0 {
			l.release(step.Started - 1)
		}
		if step.Final {
			if step.Started == 0 { // all that was heard comes before it
				l.release(math.MaxInt64)
			}
			l.once("line", "drawn", l.out.in(noReturn))
		}
		if step.State == local.Todo {
			continue
		}
		if l.told[step.Name] == local.Doing && step.Finished > 0 {
			l.release(step.Finished)
		}
		l.once(step.Name, step.State, l.out.stepLine(i, len(c.Steps), step, l.now()))
		if step.Finished > 0 {
			l.release(step.Finished)
		}
	}
	l.release(math.MaxInt64)
	l.hindrance(c)
}

// release writes the events up to a moment.
func (l *lines) release(until int64) {
	rest := l.held[:0]
	for _, e := range l.held {
		if e.Time > until {
			rest = append(rest, e)
			continue
		}
		if text, ok := l.out.eventLine(e); ok && !l.old(e) {
			l.once(e.Kind+" "+e.Name, text, text)
		}
	}
	l.held = rest
}

// peer is the terminal's own end of a connection, another one at every try.
var peer = regexp.MustCompile(`\S+:\d+->`)

// hindrance writes what hinders a step once, and again when it still stands after a
// while. A step that is tried again has none for a moment, and two may take turns:
// neither is news.
func (l *lines) hindrance(c *local.Case) {
	step := ""
	if _, s := active(c); s != nil {
		step = s.Name
	}
	if step != l.at || l.hindered == nil {
		l.at, l.hindered = step, map[string]*spells{}
	}
	now := l.now()
	for _, text := range l.out.hindrances(c) {
		key := peer.ReplaceAllString(text, "")
		was := l.hindered[key]
		switch {
		case was == nil:
			l.hindered[key] = &spells{first: now, last: now}
			l.out.plain("%s", text)
		case now.Sub(was.last) >= heartbeat:
			was.last = now
			l.out.plain("%s", text+fmt.Sprintf(l.out.in(words{" (for %s now)", "（已持续 %s）"}), took(now.Sub(was.first).Milliseconds())))
		}
	}
}

// once writes a line when what is to be told of its subject has changed.
func (l *lines) once(subject, is, line string) {
	if l.told == nil {
		l.told = map[string]string{}
	}
	if l.told[subject] == is {
		return
	}
	l.told[subject] = is
	l.out.plain("%s", line)
}

// event keeps what no status tells (gate lines, commands, targets erased) until the
// next status, which every event calls for. Those of an earlier case are history and
// are passed over; the gate says the same again at every try, and is written once.
func (l *lines) event(e local.Event) {
	if _, ok := l.out.eventLine(e); ok {
		l.held = append(l.held, e)
	}
}

func (l *lines) silent(gone bool) { l.out.plain("%s", l.out.silence(gone)) }

// history knows which events are no news: those before the case that is followed, and
// refusals before the watch began, which are told with their time.
type history struct {
	start int64 // when the watch began, where it told what stood then; Unix milliseconds
	from  int64 // when the case began; Unix milliseconds
}

func (h history) old(e local.Event) bool {
	return e.Time > 0 && (e.Time < h.from || e.Time < h.start && e.Kind == "command" && e.State == "refused")
}

// began is when the case was accepted; of an older daemon, when its first step started.
func began(c *local.Case) int64 {
	if c.Begun > 0 {
		return c.Begun
	}
	first := int64(0)
	for _, s := range c.Steps {
		if s.Started > 0 && (first == 0 || s.Started < first) {
			first = s.Started
		}
	}
	return first
}

func (p *paper) silence(gone bool) string {
	if gone {
		return p.in(words{"The daemon does not answer; waiting for it.", "守护进程没有应答，正在等待。"})
	}
	return p.in(words{"The daemon answers again.", "守护进程已恢复应答。"})
}

func (p *paper) heading(c *local.Case) string {
	return fmt.Sprintf(p.in(words{"Case %s: %s, reason %s, ordered by %s", "案件 %s：%s，原因 %s，下达人 %s"}),
		c.Case, p.term(c.Action), c.Reason, p.approvers(c.Approvers))
}

// stepLine is one step on one line: number, name, state, how long, detail.
func (p *paper) stepLine(i, n int, s local.Step, now time.Time) string {
	line := fmt.Sprintf("%2d/%d %s %s", i+1, n, pad(p.step(s.Name), stepColumns), pad(p.term(s.State), 6))
	switch {
	case s.State == local.Doing && s.Started > 0:
		line += "  " + took(now.UnixMilli()-s.Started)
	case s.Finished > 0 && s.Started > 0:
		line += "  " + took(s.Finished-s.Started)
	}
	if s.Tries > 1 {
		line += "  " + fmt.Sprintf(p.in(words{"try %d", "第 %d 次"}), s.Tries)
	}
	if s.Detail != "" {
		line += "  " + p.heard(s.Detail)
	}
	return line
}

// notYet is how a link says that what is waited for has not come.
const notYet = "not there yet"

// hindrances is what a running case waits for and what troubles it.
func (p *paper) hindrances(c *local.Case) []string {
	if c.Outcome != "running" {
		return nil // its end is told instead
	}
	var out []string
	if w := p.waiting(c); w != "" {
		out = append(out, fmt.Sprintf(p.in(words{"     waiting: %s", "     等待：%s"}), w))
	}
	if c.Problem != nil && c.Problem.Message != notYet {
		out = append(out, fmt.Sprintf(p.in(words{"     problem: %s", "     问题：%s"}), p.problem(*c.Problem)))
	}
	return out
}

// problem is one on one line; in Chinese the code's own sentence stands before the details.
func (p *paper) problem(e local.Error) string {
	if m, known := envelope.MeaningOf(e.Code); known && p.lang == envelope.Chinese {
		return m.Sentence(p.lang) + e.Error()
	}
	return e.Error()
}

// eventLine is an event that no status tells.
func (p *paper) eventLine(e local.Event) (string, bool) {
	kinds := map[string]words{
		"gate": {"gate", "关口"}, "command": {"command", "指令"}, "answer": {"answer", "答复"},
		"log":        {"desk's log", "后台日志"},
		"erased":     {"erased", "擦除"},
		"unreadable": {"an event cannot be read", "有事件无法读取"},
	}
	kind, ok := kinds[e.Kind]
	if !ok {
		return "", false
	}
	line := "     " + p.in(kind) + ": " + joined(e.Name, p.term(e.State), p.heard(e.Detail))
	if e.Code != "" {
		line += " [" + e.Code + "]"
	}
	return line, true
}
