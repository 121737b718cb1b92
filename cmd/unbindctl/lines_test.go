package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"unbindd/agent/envelope"
	"unbindd/agent/local"
)

// An event is heard before the step that it belongs to is seen. On a pipe it stands
// below the line of its step all the same, and a gate line above the one of no return.
func TestAnEventStandsBelowItsLine(t *testing.T) {
	at := func(step string, after int64) int64 {
		return caseStart + int64(slices.Index(allSteps(), step))*1000 + after
	}
	erased := func(name, step string, after int64) local.Event {
		return local.Event{Time: at(step, after), Kind: "erased", Name: name, State: "pass"}
	}
	text := &strings.Builder{}
	l := &lines{out: &paper{to: text, lang: envelope.English}, now: func() time.Time { return time.UnixMilli(at("tombstone", 0)) }}
	l.status(obeying("deliver-backup", local.Doing))
	l.event(local.Event{Time: at("erase-reader-keys", -10), Kind: "gate", Name: "receipt", State: "ok"})
	l.event(erased("reader", "erase-reader-keys", 100))
	l.status(obeying("erase-keys", local.Doing)) // the reader's step came and went in between
	l.event(erased("data-key", "erase-keys", 200))
	l.event(erased("logs-1", "erase-data", 10))
	l.status(obeying("erase-data", local.Doing))
	l.event(erased("ledger", "erase-data", 20))
	l.status(obeying("verify-erased", local.Doing))
	var got []string
	for line := range strings.Lines(text.String()) {
		for _, word := range []string{
			"gate: receipt", "no way back", "erased: reader", "erased: data-key", "erased: logs-1", "erased: ledger",
			" 9/17", "10/17", "11/17", "12/17", "13/17",
		} {
			if strings.Contains(line, word) {
				got = append(got, word)
			}
		}
	}
	want := []string{
		"gate: receipt", "no way back", " 9/17", "erased: reader", "10/17", "erased: data-key", "10/17",
		"11/17", "erased: logs-1", "erased: ledger", "11/17", "12/17", "13/17",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the lines are\n%s\nin the order %q, want %q", text, got, want)
	}
}

// TestAHindranceIsWrittenWhenItChanges: not at every look, not when a step tries again,
// not when two take turns; again when it still stands after a while, or hinders another
// step.
func TestAHindranceIsWrittenWhenItChanges(t *testing.T) {
	text, clock := &strings.Builder{}, time.UnixMilli(caseStart)
	l := &lines{out: &paper{to: text, lang: envelope.English}, now: func() time.Time { return clock }}
	look := func(step, waiting, problem string) {
		s := obeying(step, local.Doing)
		if s.Case.Waiting = waiting; problem != "" {
			s.Case.Problem = &local.Error{Message: problem}
		}
		clock = clock.Add(2 * time.Second)
		l.status(s)
	}
	for range 20 {
		look("deliver-backup", "receipt and ticket", "read tcp 10.0.0.2:4711->10.0.0.1:443: reset")
		look("deliver-backup", "", "")
		look("deliver-backup", "receipt and ticket", "read tcp 10.0.0.2:4712->10.0.0.1:443: reset")
		look("deliver-backup", "receipt and ticket", "connection refused")
		look("deliver-backup", "receipt and ticket", "not there yet")
	}
	count := func(of string) int { return strings.Count(text.String(), of) }
	if count("waiting: receipt and ticket\n") != 1 || count("problem: ") != 2 || count("not there yet") != 0 {
		t.Errorf("written\n%s", text)
	}
	clock = clock.Add(heartbeat)
	look("deliver-backup", "receipt and ticket", "")
	look("deliver-backup", "receipt and ticket", "")
	if count("waiting: receipt and ticket (for 8 min ") != 1 || count("waiting: ") != 2 {
		t.Errorf("a heart-beat is written so:\n%s", text)
	}
	look("erase-reader-keys", "receipt and ticket", "")
	if count("waiting: receipt and ticket\n") != 2 {
		t.Errorf("another step:\n%s", text)
	}
}
