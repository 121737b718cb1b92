package devicesim

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

func TestControlLines(t *testing.T) {
	path, _ := newReader(t)
	s := start(t, path, Options{Link: filepath.Join(t.TempDir(), "tty")})
	for _, c := range []struct{ line, want string }{
		{"sale 1250 CNY", "ok 1"},
		{"sale -1 CNY", "error"},
		{"sale 1 cny", "error"},
		{"sale many CNY", "error"},
		{"generate 10", "ok 11"},
		{"generate 0", "error"},
		{"close-batch 000001", "ok 12"},
		{"close-batch a b", "error"},
		{`raw {"not":"a record"}`, "ok 13"},
		{"event battery", "ok 14"},
		{"event rain", "error"},
		{"lose 2", "ok"},
		{"lose 99", "error"},
		{"freeze?", "ok false"},
		{"slot 0x30 exhausted", "ok"},
		{"slot 0x31 loaded", "error"},
		{"slot 0x30 empty", "error"},
		{"fault half", "ok"},
		{"fault half=2", "error"},
		{"fault cut-after=x", "error"},
		{"fault nothing", "error"},
		{"line flip=1e-4,seed=3", "ok"},
		{"line flip=2", "error"},
		{"line none", "ok"},
		{"at erase: fault silent", "ok"},
		{"after 2 commands: rain", "error"},
		{"clear-faults", "ok"},
		{"tamper", "ok"},
		{"sale 1 CNY", "error"},
		{"reboot", "ok"},
		{"unplug", "ok"},
		{"unplug", "ok"},
		{"plug", "ok"},
		{"", "error"},
		{"nonsense", "error"},
	} {
		if got := s.Control(c.line); got != c.want && !(c.want == "error" && strings.HasPrefix(got, "error ")) {
			t.Errorf("%q: %q, not %q", c.line, got, c.want)
		}
	}
	var st State
	must(t, json.Unmarshal([]byte(strings.TrimPrefix(s.Control("state"), "ok ")), &st))
	if st.LastEvent != 15 || st.Held != 13 || st.Acked != 2 || !st.Tampered || st.BootCount != 2 || st.Slots[8].State != "empty" {
		t.Errorf("state %+v", st)
	}
	if got := s.Control("quit"); got != "ok" {
		t.Errorf("quit: %q", got)
	}
	<-s.Done()
	if s.Err() != nil {
		t.Error(s.Err())
	}
}

func TestControlSocket(t *testing.T) {
	path, _ := newReader(t)
	s := start(t, path, Options{})
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.ServeControl(ctx, l) }()
	c, err := net.Dial("unix", l.Addr().String())
	must(t, err)
	defer c.Close()
	answers := bufio.NewScanner(c)
	for i := range 3 {
		_, err = fmt.Fprintln(c, "sale 1 CNY")
		must(t, err)
		if !answers.Scan() || answers.Text() != fmt.Sprintf("ok %d", i+1) {
			t.Errorf("answer %q", answers.Text())
		}
	}
	cancel()
	must(t, <-done) // also with a client that stays
}

func TestFaultsAreParsedStrictly(t *testing.T) {
	for _, good := range []string{"refuses", "refuses=0206", "half", "silent", "foreign=PED-2", "cut-after=0"} {
		f, err := ParseFault(good)
		must(t, err)
		if got := (faults{f.Name: f.Value}).list()[0]; got != good {
			t.Errorf("%q is listed as %q", good, got)
		}
	}
	for _, bad := range []string{"", "refuses=x", "silent=1", "foreign=", "foreign=a b", "cut-after=-1", "cut-after", "drop=0.5", "HALF"} {
		if f, err := ParseFault(bad); err == nil {
			t.Errorf("%q became %+v", bad, f)
		}
	}
}

func FuzzControl(f *testing.F) {
	for word := range verbs {
		f.Add(word + " 1 CNY")
	}
	f.Add("fault cut-after=3")
	f.Fuzz(func(t *testing.T, line string) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if word == "fault" {
			fault, err := ParseFault(strings.TrimSpace(rest))
			if err == nil && !faultChecks[fault.Name](fault.Value) {
				t.Fatal("a fault with a bad value")
			}
			return
		}
		if _, known := verbs[word]; !known && word != "at" && word != "after" {
			if got := (&Sim{}).Control(line); got != "error unknown command" {
				t.Fatalf("answer %q", got)
			}
		}
	})
}

func FuzzScan(f *testing.F) {
	for _, b := range golden(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		left := b
		for range len(b) + 1 {
			x, what, rest := scan(left)
			if what == needMore {
				return
			}
			if what == found && !bytes.Contains(b, x.bytes()) {
				t.Fatal("a frame that was not on the line")
			}
			if len(rest) >= len(left) {
				t.Fatal("scan does not go on")
			}
			left = rest
		}
	})
}

func FuzzBody(f *testing.F) {
	f.Add([]byte(body{}.put16(tgSlot, 7).put(tgNonce, make([]byte, 16))))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, ok := parseBody(b)
		total := 0
		for _, value := range v {
			total += 3 + len(value)
		}
		if ok && total != len(b) {
			t.Fatal("bytes were left out")
		}
	})
}

func FuzzTicket(f *testing.F) {
	g := golden(f)
	f.Add(g["ticket-field"][3:])
	f.Add([]byte{0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		x, ok := parseTicket(b)
		if !ok {
			return
		}
		if len(x.scope) == 0 || len(x.rc) != 16 || len(x.order) != 32 || len(x.signature) != ed25519.SignatureSize {
			t.Fatalf("ticket %+v", x)
		}
		if !bytes.Equal(x.message, lengthPrefixed(unprefixed(x.message)...)) {
			t.Fatal("the message does not give its bytes back")
		}
	})
}
