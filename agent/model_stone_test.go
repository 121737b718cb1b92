package agent

import (
	"os"
	"testing"
)

// A process that dies once the tombstone has its name, and power that goes while
// its successor destroys the last keys: by lot this comes once in some 50,000
// histories, so it is lived here on purpose.
func TestModelOfTheLastKeys(t *testing.T) {
	if raced && os.Getenv("MODEL_RACE") == "" {
		return // the build that TestModel starts does it
	}
	m := newModel(t)
	calls, first := 0, 0 // of a life that nothing befalls, and where its last keys begin to go
	if _, problem := m.play(history{}, noBug, func(_ string, args ...any) {
		if len(args) != 3 {
			return
		}
		calls = args[0].(int)
		if args[1].(string) == "erase-identity" && first == 0 {
			first = calls
		}
	}); problem != "" || first == 0 {
		t.Fatalf("%d calls, the last keys from %d on: %s", calls, first, problem)
	}
	// A gap counts from where the terminal is laid out, a few calls later than calls.
	for at := first - 20; at <= first+12; at++ {
		for later := 20; later <= calls-first; later += 8 {
			h := history{Events: []happening{{Gap: at, What: theKill}, {Gap: later, What: theCut}}}
			if _, problem := m.play(h, noBug, nil); problem != "" {
				t.Fatalf("killed about call %d, and the power gone %d calls later: %s", at, later, problem)
			}
		}
	}
}
