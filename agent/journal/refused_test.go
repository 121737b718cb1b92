package journal

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// The last refusal goes with the transaction that accepts a command, and not without
// it; which orders were judged outlives both, as many as fit.
func TestTheLastRefusalGoesWithTheAcceptance(t *testing.T) {
	j := begun(t)
	last := func() (why string) {
		t.Helper()
		if _, err := j.LastRefused(&why); err != nil {
			t.Fatal(err)
		}
		return why
	}
	if err := errors.Join(j.Refuse("unsigned", "one"), j.Refuse("no disk", "")); err != nil {
		t.Fatal(err)
	}
	if err := j.Begin(Order{Name: "two", ID: "id-2", Seq: 2}); !errors.Is(err, ErrOther) || last() != "no disk" {
		t.Errorf("beside a command that runs: %v, last %q", err, last())
	}
	if err := j.store.Update(func(tx Tx) error { return writeRun(tx, Run{Name: "cmd", Outcome: Undone}) }); err != nil {
		t.Fatal(err)
	}
	if err := j.Begin(Order{Name: "two", ID: "id-2", Seq: 2}); err != nil || last() != "" {
		t.Errorf("accepted: %v, last %q", err, last())
	}
	if names, err := j.Judged(); err != nil || !slices.Equal(names, []string{"cmd", "one", "two"}) {
		t.Errorf("judged are %v, %v", names, err)
	}
	for n := range mostJudged {
		if err := j.Refuse("again", fmt.Sprint(n)); err != nil {
			t.Fatal(err)
		}
	}
	if names, err := j.Judged(); err != nil || len(names) != mostJudged || names[0] != "0" {
		t.Errorf("judged are %v, %v", names, err)
	}
}
