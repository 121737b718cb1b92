package devicesim

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func scriptOf(t testing.TB, lines ...string) Script {
	t.Helper()
	s, err := ParseScript(strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// play runs a script beside the test and returns what ends with it.
func play(t *testing.T, s *Sim, lines ...string) <-chan error {
	script := scriptOf(t, lines...)
	ended := make(chan error, 1)
	go func() { ended <- s.RunScript(t.Context(), script) }()
	return ended
}

// armed waits until so many lines of the script wait for their time.
func armed(t *testing.T, s *Sim, n int) {
	t.Helper()
	for {
		_, changed, err := s.script.look(0)
		must(t, err)
		s.script.mu.Lock()
		now := len(s.script.armed)
		s.script.mu.Unlock()
		if now == n {
			return
		}
		select {
		case <-changed:
		case <-t.Context().Done():
			t.Fatalf("%d lines wait, not %d", now, n)
		}
	}
}

func TestScriptFollowsTheCounts(t *testing.T) {
	path, _ := newReader(t)
	s := start(t, path, Options{})
	h := newHost(t, s)
	ended := play(t, s, "# a day", "sell 1200 CNY", "at commands 2: sell 100 CNY  # later", "wait commands 3", "close-batch 000001",
		"after 2 commands: fault nak=1", "after 1 commands: event battery")
	info := func() frameType {
		h.write(h.seal(opInfo, nil))
		f := h.read()
		if f.typ == tNAK {
			h.nextOut--
			return f.typ
		}
		h.answer()
		return f.typ
	}
	want := func(last uint32) {
		t.Helper()
		if got := s.State().LastEvent; got != last {
			t.Errorf("last event %d, not %d", got, last)
		}
	}
	armed(t, s, 2)
	info()
	want(1)
	info()
	want(2)
	info()
	armed(t, s, 2) // the batch is closed by the script's own hand
	want(3)
	info()
	want(4)
	if info() == tNAK {
		t.Error("too early")
	}
	if typ := info(); typ != tNAK {
		t.Errorf("frame %02X", typ)
	}
	must(t, <-ended)
}

// TestScriptCutsAndUnplugsAtOnce: the command that something was waiting for is not executed.
func TestScriptCutsAndUnplugsAtOnce(t *testing.T) {
	for act, check := range map[string]func(t *testing.T, s *Sim, h *host){
		"cut": func(t *testing.T, s *Sim, _ *host) {
			<-s.Done()
			if !errors.Is(s.Err(), errPowerCut) {
				t.Errorf("ended with %v", s.Err())
			}
		},
		"unplug": func(t *testing.T, s *Sim, h *host) {
			for {
				if _, err := h.tty.Read(make([]byte, 100)); err != nil {
					break // hung up
				}
			}
			must(t, s.Unplug())
			must(t, s.Plug())
			newHost(t, s)
		},
		"reboot": func(t *testing.T, s *Sim, h *host) {
			if h.until(tRST); s.State().BootCount != 2 {
				t.Error("it did not restart")
			}
		},
	} {
		t.Run(act, func(t *testing.T) {
			path, in := newReader(t)
			s := start(t, path, Options{})
			h := newHost(t, s)
			h.pair(in.Pairing)
			play(t, s, "after 1 commands: "+act)
			armed(t, s, 1)
			h.write(h.seal(opFreeze, nil))
			check(t, s, h)
			if !errors.Is(s.Err(), errPowerCut) && s.State().Frozen {
				t.Error("the command was executed")
			}
		})
	}
}

func TestScriptTellsWhatFailed(t *testing.T) {
	path, _ := newReader(t)
	s := start(t, path, Options{})
	must(t, s.Tamper())
	if err := s.RunScript(t.Context(), scriptOf(t, "", "sell 1 CNY")); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("error %v", err)
	}
	h := newHost(t, s)
	ended := play(t, s, "at commands 1: sell 1 CNY")
	armed(t, s, 1)
	h.write(h.seal(opInfo, nil))
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("error %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	must(t, s.RunScript(ctx, scriptOf(t, "wait events 9")))
}

func TestScriptIsParsedStrictly(t *testing.T) {
	for _, good := range []string{"", "# only words", "at erase: cut", "at events 100: fault silent", "after 3 commands: unplug 2s", "wait erases 1",
		"at commands 1 :  line flip=1e-4"} {
		scriptOf(t, good)
	}
	for _, bad := range []string{"rain", "at events 100 fault silent", "at noon 1: cut", "at events x: cut", "at events 0: cut", "after 3: cut",
		"at erase: rain", "at erase: fault rain", "at erase: line rain=1", "wait", "wait commands", "at erase: unplug soon", "after -1 commands: cut",
		"sell much CNY", "generate many", "at erase: at erase: cut"} {
		_, err := ParseScript(strings.NewReader("\n\n" + bad))
		if err == nil || !strings.Contains(err.Error(), "line 3") {
			t.Errorf("%q: error %v", bad, err)
		}
	}
}

func FuzzParseScript(f *testing.F) {
	for _, seed := range []string{"at erase: cut", "after 3 commands: unplug 2s\nwait events 9", "sell 1 CNY # x", "at events 1: fault nak=2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseScript(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, line := range s.lines {
			if line.counter != "" && line.count == 0 || line.number == 0 || !line.wait && verbs[line.act.verb] == nil {
				t.Fatalf("line %+v", line)
			}
		}
	})
}

// TestScriptDoesAllThatIsDue: what ends the conversation comes behind everything else that is due, and a second such
// thing the next time.
func TestScriptDoesAllThatIsDue(t *testing.T) {
	path, _ := newReader(t)
	s := start(t, path, Options{})
	h := newHost(t, s)
	ended := play(t, s, "at commands 1: reboot", "at commands 1: plug", "at commands 1: fault nak=1", "at commands 1: reboot", "at commands 1: sell 100 CNY")
	armed(t, s, 5)
	h.write(h.seal(opInfo, nil))
	h.until(tRST)
	if got := s.State(); got.BootCount != 2 || got.LastEvent != 1 || len(got.Faults) != 1 {
		t.Errorf("%+v", got)
	}
	h.reset()
	h.write(h.seal(opInfo, nil))
	h.until(tNAK)
	h.nextOut--
	h.reset()
	h.write(h.seal(opInfo, nil))
	h.until(tRST)
	if got := s.State().BootCount; got != 3 {
		t.Errorf("%d starts", got)
	}
	must(t, <-ended)
}
