package main

import (
	"encoding/json"
	"strings"
	"time"
)

// What an erase may take is made of the waiting times of docs/WIRE-READER.md, docs/WIRE-MPOS.md and the back-off of
// docs/LINE.md, times a slack for a machine that runs many unbindings at once under the race detector. It is read from the
// daemon's own account of its steps.
const (
	slack = 5

	tAck       = 150 * time.Millisecond
	tResponse  = 3 * time.Second
	mostBusy   = 30 * time.Second // that a reader can ask for in its erase
	mostSearch = 3 * time.Second  // a list of mpos: 620 questions

	pedlinkPeace = tResponse      // some fifty questions, each of which a good reader answers at once
	mposPeace    = 4 * mostSearch // what is there, the deletes, and two looks

	noisyLosses = 3
	stuckThrice = 3 * time.Second
	noAck       = 50 * tAck // every question is sent once more
)

// lost is what n lost lines in a row cost: three sends without an acknowledgement, the pause before the line is opened
// again, the pause of the step; both pauses grow.
func lost(n int) (all time.Duration) {
	opening, step := 200*time.Millisecond, 250*time.Millisecond
	for range n {
		all += 3*tAck + opening*6/5 + 250*time.Millisecond + step
		opening, step = min(2*opening, 10*time.Second), min(2*step, 30*time.Second)
	}
	return all
}

// inTime: from the step's first beginning to what it was recorded as, whatever the reader did.
func (w *world) inTime(bound time.Duration) {
	w.t.Helper()
	var began, ended time.Time
	for text := range strings.Lines(w.daemon.said()) {
		var line struct {
			Time         time.Time
			Step, Moment string
		}
		if json.Unmarshal([]byte(text), &line) != nil || line.Step != "erase-reader-keys" {
			continue
		}
		switch {
		case line.Moment == "starting" && began.IsZero():
			began = line.Time
		case (line.Moment == "recorded" || line.Moment == "open") && ended.IsZero():
			ended = line.Time
		}
	}
	took := ended.Sub(began)
	if began.IsZero() || ended.IsZero() || took > bound {
		w.t.Errorf("the erase began %v and ended %v: %v, at most %v", began, ended, took, bound)
	}
	w.t.Logf("the erase took %v of %v", took.Round(time.Millisecond), bound)
}
