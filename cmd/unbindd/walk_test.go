package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"unbindd/agent/local"
)

// byFolder takes the network away from the terminal: the folder that somebody carries to
// the desk and back is all there is.
func (w *world) byFolder() {
	w.t.Helper()
	w.byFolderBeside()
	w.setting("courier:\n", "courier:\n  use: only\n")
}

// byFolderBeside has the network tried as well, where nobody answers.
func (w *world) byFolderBeside() {
	w.t.Helper()
	w.apart = true
	w.setting("link:\n", "link:\n  url: https://127.0.0.1:1\n")
}

// fresh is what an order needs besides where no signed time reaches the terminal.
func (w *world) fresh() []string {
	if !w.apart {
		return nil
	}
	return []string{"--challenge", string(w.challenged())}
}

// walks carries the folder until the case is over; where there is a network it has
// nothing to do. The terminal is without its medium while it is at the desk.
func (w *world) walks() {
	w.t.Helper()
	if !w.apart {
		return
	}
	w.walk("--terminal", terminalID)
	for _, what := range []string{"receipt and ticket", "certificate", "preimage"} {
		w.until("the wait for the "+what, carriesAfter(what))
		w.walk()
	}
	w.unbound()
	w.receiptedOnce()
	if again := w.walk(); again.Counts["refused"]+again.Counts["laid-down"] != 0 {
		w.t.Errorf("the same folder once more: %+v", again)
	}
}

func carriesAfter(what string) func(local.Status) bool {
	return func(s local.Status) bool {
		return s.Case != nil && strings.Contains(s.Case.Waiting, what) && strings.HasSuffix(s.Case.Waiting, "carry the courier's folder to the desk")
	}
}

// walked is what unbind-desk courier says of one walk.
type walked struct {
	Objects []struct{ Terminal, Case, Object, Outcome, Code, Message string }
	Counts  map[string]int
}

// walk takes the medium out, carries it through the desk and brings it back.
func (w *world) walk(args ...string) (got walked) {
	w.t.Helper()
	away := w.path("in-a-bag")
	if err := os.Rename(w.path("usb"), away); err != nil {
		w.t.Fatal(err)
	}
	out := must(w.t, "unbind-desk", append([]string{"courier", "--json", "--wait", "1m", "--dir", w.path("desk"), away}, args...)...)
	if err := os.Rename(away, w.path("usb")); err != nil {
		w.t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		w.t.Fatalf("%v in %s", err, out)
	}
	return got
}

// receiptedOnce compares what the terminal put out with what it got for it: a receipt
// for every object that the desk signs for, and one certificate.
func (w *world) receiptedOnce() {
	w.t.Helper()
	out, err := filepath.Glob(w.path("usb", "unbind", "*", "*", "out", "*"))
	if err != nil || len(out) == 0 {
		w.t.Fatal(out, err)
	}
	kinds := map[string]int{}
	for _, path := range out {
		name, _, _ := strings.Cut(filepath.Base(path), ".")
		kind, _, _ := strings.Cut(name, "-")
		if kinds[kind]++; kind == "manifest" {
			continue
		}
		receipt := filepath.Join(filepath.Dir(filepath.Dir(path)), "in", "receipt-"+name+".json")
		if text, err := os.ReadFile(receipt); err != nil || len(text) == 0 {
			w.t.Errorf("no receipt for %s: %v", name, err)
		}
	}
	if kinds["certificate"] != 1 || kinds["tombstone"] != 1 || kinds["backup"] != 1 || kinds["answer"] < 2 {
		w.t.Errorf("put out: %v", kinds)
	}
}
