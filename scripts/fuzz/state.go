package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// result is what is known of one target at one commit.
type result struct {
	Commit     string        `json:"commit"`
	Day        string        `json:"day"`  // of the last round
	Time       time.Duration `json:"time"` // under the fuzzer, all rounds together
	CPU        time.Duration `json:"cpu"`  // of it on a processor
	Executions int64         `json:"executions"`
	Findings   []string      `json:"findings,omitempty"`
	Seeds      int           `json:"seeds"`      // committed
	Inputs     int           `json:"inputs"`     // found interesting, now and before
	BySeeds    int           `json:"by_seeds"`   // statements of the decoder that the committed inputs reach
	Reached    int           `json:"reached"`    // that all inputs reach
	Statements int           `json:"statements"` // that there are
}

// state is the last result of every target, by its folder and name.
type state map[string]result

func statePath() string { return filepath.Join(out, "state.json") }

func readState() (state, error) {
	known := state{}
	text, err := os.ReadFile(statePath())
	if errors.Is(err, os.ErrNotExist) {
		return known, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &known)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read what is known: %w", err)
	}
	return known, nil
}

// recall is what is known of a target at the commit that is fuzzed.
func (f *fuzz) recall(t target) result {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r := f.known[t.String()]; r.Commit == f.tree.commit {
		return r
	}
	return result{Commit: f.tree.commit}
}

// keep writes the state whole or not at all, beside what another run may have
// written meanwhile.
func (f *fuzz) keep(t target, r result) (err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	unlock, err := alone()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if f.known, err = readState(); err != nil {
		return err
	}
	r.Day = time.Now().UTC().Format(time.DateOnly)
	f.known[t.String()] = r
	text, err := json.MarshalIndent(f.known, "", " ")
	if err != nil {
		return err
	}
	next := statePath() + ".new"
	if err := os.WriteFile(next, text, 0o644); err != nil {
		return fmt.Errorf("cannot keep what is known: %w", err)
	}
	return os.Rename(next, statePath())
}

// alone waits until no other run has the state.
func alone() (unlock func() error, err error) {
	lock, err := os.OpenFile(statePath()+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot lock what is known: %w", err), lock.Close())
	}
	return lock.Close, nil
}

// findings is an error if there are any.
func (s state) findings(targets []target) error {
	var all error
	for _, t := range targets {
		for _, name := range s[t.String()].Findings {
			all = errors.Join(all, fmt.Errorf("%s breaks on %s/%s", t, t.seeds(), name))
		}
	}
	return all
}
