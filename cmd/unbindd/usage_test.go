package main

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/journal"
)

// A wrong call ends with 2, whatever is wrong about it, and says where to read on.
func TestAWrongCallEndsWithTwo(t *testing.T) {
	for _, args := range []string{"nonsense", "run nonsense", "run --nonsense", "ledger nonsense", "ledger export", "ledger export --out x",
		"help nonsense", "run --lang fr --config /none", "check --lang fr --config /none", "enrol --lang fr --ticket /none"} {
		var problems strings.Builder
		if code := execute(strings.Fields(args), io.Discard, &problems); code != exitUsage || !strings.Contains(problems.String(), "\nNext: Read: ") {
			t.Errorf("%s ends with %d: %s", args, code, problems.String())
		}
	}
	t.Setenv("LC_ALL", "zh_CN.UTF-8") // whoever sits there reads Chinese, whatever was typed
	var problems strings.Builder
	if execute(strings.Fields("check --config /none --lang fr"), io.Discard, &problems); strings.Count(problems.String(), `"fr" 既不是 zh 也不是 en`) != 1 {
		t.Errorf("a language of nobody is refused so: %s", problems.String())
	}
	if code := execute([]string{"ledger", "--help"}, io.Discard, io.Discard); code != exitDone {
		t.Errorf("help ends with %d", code)
	}
}

// The next step is of the place: who enrols has no trust bundles to load, and who
// enrols beside a daemon has to stop it.
func TestTheNextStepIsOfThePlace(t *testing.T) {
	locked, unknown := fmt.Errorf("cannot enrol: %w", journal.ErrLocked), envelope.Refuse("E16", "anchor", "cannot take over a trust bundle")
	for _, c := range []struct {
		err  error
		code int
		next string
	}{
		{locked, exitBlocked, "Ask the daemon that runs"},
		{placed{locked, envelope.AtEnrolment}, exitBlocked, "Stop the daemon, enrol, and start it again"},
		{unknown, exitRefused, "Ask the desk's operator for every version after"},
		{placed{unknown, envelope.AtEnrolment}, exitRefused, "Nothing was bound. Compare the anchor"},
		{placed{envelope.Refuse("E19", "bound", "cannot enrol"), envelope.AtEnrolment}, exitRefused, "Have it unbound by a signed command first"},
	} {
		var said strings.Builder
		tell(&said, c.err, envelope.English)
		if code := exitCode(c.err); code != c.code || !strings.Contains(said.String(), "\nNext: "+c.next) {
			t.Errorf("it ends with %d: %s", code, said.String())
		}
	}
}
