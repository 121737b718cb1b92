package main

import (
	"strings"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/local"
)

// TestANoteOfEveryTargetIsWrittenOnce: what stands at all of them stands below the list,
// what stands at one of them stays there, and what is not there is not counted.
func TestANoteOfEveryTargetIsWrittenOnce(t *testing.T) {
	blind, swap := local.Note{Code: "blind", Text: "blind"}, local.Note{Code: "hard-links", N: 2, Text: "links"}
	list := []local.Target{
		{Class: "reader-keys", Name: "slots", Items: 8, Notes: []local.Note{{Code: "slots-unseen"}}},
		{Class: "logs", Name: "logs-1", Path: "/a", Items: 1, Notes: []local.Note{blind}},
		{Class: "logs", Name: "logs-2", Path: "/b", Items: 1, Notes: []local.Note{blind, swap}},
		{Class: "logs", Name: "logs-3", Path: "/c", Notes: []local.Note{swap}},
	}
	for n, want := range map[int][3]int{4: {1, 0, 1}, 2: {0, 1, 0}} { // below the list, at a target, the other note
		text := &strings.Builder{}
		(&paper{to: text, lang: envelope.English}).targets(list[:n])
		below, all := strings.Count(text.String(), "  note, for all of the host that is there: not every process"), strings.Count(text.String(), "not every process")
		if below != want[0] || all-below != want[1] || strings.Count(text.String(), "note: 2 files") != want[2] || strings.Count(text.String(), "note: the reader does not list") != 1 {
			t.Errorf("of %d targets:\n%s", n, text)
		}
	}
}
