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
