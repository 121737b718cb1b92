package agent

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"unbindd/agent/command"
)

// cycle is after how many calls a life that was killed is where it was.
const cycle = 16

// A data key whose erase failed to the last try is told by a partial certificate, and
// is gone all the same before the terminal calls itself unbound: the last keys take
// their folder with them. It takes four cuts and one failing call at the same file;
// among random histories one in a million has them.
func TestModelOfAKeyThatFailed(t *testing.T) {
	if raced && os.Getenv("MODEL_RACE") == "" {
		return // the build that TestModel starts does it
	}
	m := newModel(t)
	failed := 0
	begins := stepsUntil(t, m, "erase-keys")
	for first := 1; first <= 8; first++ {
		for last := 12; last <= 28; last++ {
			h := history{Gate: command.GateReceipt, Events: []happening{{Gap: begins + first, What: theKill}}}
			for range maxTries - 2 {
				h.Events = append(h.Events, happening{Gap: cycle, What: theKill})
			}
			h.Events = append(h.Events, happening{Gap: last, What: failingCall})
			w, problem := m.play(h, noBug, nil)
			if problem != "" {
				t.Fatalf("gaps %d and %d: %s", first, last, problem)
			}
			if w.tally["signed partial"] > 0 {
				failed++
			}
		}
	}
	t.Logf("%d histories in which it failed", failed)
	if failed == 0 {
		t.Error("no key failed to the last try")
	}
}

// stepsUntil is after how many calls a step begins when nothing happens.
func stepsUntil(t *testing.T, m *model, step string) (n int) {
	t.Helper()
	calls := 0
	_, problem := m.play(history{Gate: command.GateReceipt}, noBug, func(_ string, args ...any) {
		calls++
		if len(args) == 3 && n == 0 && strings.HasPrefix(fmt.Sprint(args[1]), step) {
			n = calls
		}
	})
	if problem != "" || n == 0 {
		t.Fatalf("nothing happened, and %s began after %d calls: %s", step, n, problem)
	}
	return n
}
