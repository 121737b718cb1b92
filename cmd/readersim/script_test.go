package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"unbindd/device"
	"unbindd/device/devicesim"
)

// TestScriptOverANoisyLine: what a script wants comes at its count, over a line that loses frames.
func TestScriptOverANoisyLine(t *testing.T) {
	s := newShop(t)
	must(t, os.WriteFile(s.path("script"), []byte(`
generate 5
wait events 5           # the host has them
sell 1200 CNY
at events 6: sell 1300 CNY
after 4 commands: unplug 20ms
`), 0o600))
	s.start("--script", s.path("script"), "--line", "drop-frame=0.05,split=0.5,seed=4", "--protocol", "pedlink", "--seed", "9")
	r := s.reader()
	var last uint32
	for ctx := limit(t); last < 7; {
		if ctx.Err() != nil {
			t.Fatalf("only %d events came", last)
		}
		if _, err := r.Follow(ctx, last); err != nil {
			continue // the reconnection paces it
		}
		for last < 7 {
			events, err := r.Next(ctx, 64)
			if err != nil {
				break
			}
			for _, e := range events {
				if last++; e.Seq != last || e.Code != device.EventTransaction {
					t.Fatalf("event %d %04X instead of %d", e.Seq, e.Code, last)
				}
			}
			if r.Acknowledge(ctx, last) != nil {
				break // asked again with the next flow
			}
		}
	}
	var state devicesim.State
	must(t, json.Unmarshal([]byte(s.control("state")), &state))
	if state.LastEvent != 7 {
		t.Errorf("%d events were made", state.LastEvent)
	}
	if got := s.control("line?"); !strings.HasPrefix(got, "drop-frame=0.05") {
		t.Errorf("the line is %q", got)
	}
}

func TestBadInstrumentsDoNotStart(t *testing.T) {
	s := newShop(t)
	must(t, os.WriteFile(s.path("script"), []byte("sell 1 CNY\nat noon: cut\n"), 0o600))
	for want, args := range map[string][]string{
		"line 2":      {"--script", s.path("script")},
		"no such":     {"--script", s.path("nothing")},
		"flip":        {"--line", "flip=2"},
		"protocol":    {"--protocol", "semaphore"},
		"fault":       {"--fault", "rain"},
		"known are":   {"--fault", "lies-answers-probe"},
		"given twice": {"--line", "lose=1x,lose=2x"},
	} {
		err := s.run(append([]string{"run", "--nvm", s.path("nvm"), "--link", s.path("tty")}, args...)...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v", args, err)
		}
	}
}
