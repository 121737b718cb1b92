package main

import (
	"strings"
	"testing"

	"unbindd/scripts/fleet"
)

func newBench(t *testing.T) *bench {
	t.Helper()
	return &bench{ctx: t.Context(), bin: t.TempDir()}
}

func TestASignIsHeardOfAProgramThatHasEnded(t *testing.T) {
	b := newBench(t)
	for range 20 {
		p, rest, err := b.start(t.TempDir(), "ready ", "sh", "-c", "echo no; echo is ready here")
		if err != nil || rest != "here" {
			t.Fatalf("%q, %v", rest, err)
		}
		if err := p.stop(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAProgramThatEndsWithoutTheSignExplainsItself(t *testing.T) {
	_, _, err := newBench(t).start(t.TempDir(), "ready", "sh", "-c", "echo almost; echo why >&2")
	if err == nil || !strings.Contains(err.Error(), "why") {
		t.Errorf("got %v", err)
	}
}

func TestStopEndsWhatRuns(t *testing.T) {
	p, _, err := newBench(t).start(t.TempDir(), "ready", "sh", "-c", "echo ready; exec tail -f /dev/null")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // once more does nothing
		if err := p.stop(); err != nil {
			t.Fatal(err)
		}
	}
	var none *process
	if err := none.stop(); err != nil {
		t.Fatal(err)
	}
}

func TestCallTellsWhatWentWrong(t *testing.T) {
	b := newBench(t)
	if out, err := b.call(t.TempDir(), "sh", "-c", "echo fine"); err != nil || out != "fine\n" {
		t.Errorf("%q, %v", out, err)
	}
	if _, err := b.call(t.TempDir(), "sh", "-c", "echo why >&2; exit 3"); err == nil || !strings.Contains(err.Error(), "why") {
		t.Errorf("got %v", err)
	}
}

func TestOnlyTheEndOfALogIsKept(t *testing.T) {
	var l fleet.Tail
	for range 3 {
		if n, err := l.Write([]byte(strings.Repeat("x", fleet.TailSize-1) + "y")); n != fleet.TailSize || err != nil {
			t.Fatal(n, err)
		}
	}
	if got := l.String(); len(got) != fleet.TailSize || !strings.HasSuffix(got, "y") {
		t.Errorf("%d bytes are kept", len(got))
	}
}
