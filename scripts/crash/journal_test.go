//go:build (amd64 || arm64) && !android

package crash

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"unbindd/agent/journal"
)

func init() {
	works["journal"] = carry
	works["journal begin"] = func(dir string, _ uint64, say func(string)) error {
		j, err := beginJournal(dir, say)
		if err != nil {
			return err
		}
		return j.Close()
	}
	works["journal go on"] = carry
}

var order = journal.Order{
	Name: "sha256:c1", ID: "id-1", Seq: 7, Notes: map[string]any{"command": "unbind"},
	Parcels: []journal.Parcel{{Case: "case", Kind: "acceptance", N: 1, Body: []byte("accepted")}},
}

func journalOptions() journal.Options { return journal.Options{Reserve: 16 << 10} }

// plan has steps that keep, save and send, each on behalf of its own name.
func plan() journal.Plan {
	step := func(name string) journal.Step {
		act := func(_ context.Context, n *journal.Note) error {
			n.Send(journal.Parcel{Case: "case", Kind: name, N: 1, Body: []byte(name)})
			return errors.Join(n.Save("saved "+name, name), n.Keep("kept "+name, strings.Repeat(name, 300)))
		}
		return journal.Step{Name: name, Do: act, Undo: func(context.Context, *journal.Note) error { return nil }}
	}
	return journal.Plan{
		Reversible: []journal.Step{step("freeze"), step("seal"), step("send")},
		Gate:       func(_ context.Context, n *journal.Note) error { return n.Keep("gate", "open") },
		Final:      []journal.Step{step("erase"), step("certify"), step("end")},
	}
}

func beginJournal(dir string, say func(string)) (*journal.Journal, error) {
	j, err := journal.Create(filepath.Join(dir, "journal.db"), journalOptions())
	if err != nil {
		return nil, err
	}
	say("created")
	if err := j.Begin(order); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	say("begun")
	return j, nil
}

func carry(dir string, _ uint64, say func(string)) error {
	j, err := beginJournal(dir, say)
	if err != nil {
		return err
	}
	if err := carryOn(j, say); err != nil {
		return errors.Join(err, j.Close())
	}
	for n := range int64(4) {
		if err := j.Post(journal.Parcel{Case: "case", Kind: "beat", N: n, Body: []byte("beat")}); err != nil {
			return err
		}
		say(fmt.Sprint("posted ", n))
	}
	return j.Close()
}

func carryOn(j *journal.Journal, say func(string)) error {
	c := journal.Carrier{
		Journal: j, Plan: plan(), Pause: func(context.Context, int) error { return errors.New("cannot go on: a step failed") },
		CodeOf: func(error) string { return "E" }, Parting: func(journal.Run) ([]journal.Parcel, error) { return nil, nil },
		Watch: func(e journal.Event) {
			if e.Moment == journal.Recorded || e.Moment == journal.Starting && e.Step != journal.CrossName {
				say(e.Moment + " " + e.Step)
			}
		},
	}
	run, err := c.Carry(context.Background())
	if err == nil && run.Outcome != journal.Done {
		err = fmt.Errorf("the run ended as %q", run.Outcome)
	}
	if err == nil {
		say("done")
	}
	return err
}

// judgeJournal opens what the cut left: what was told as recorded is there with
// all that it kept, nothing is half there, and the case can be ended.
func judgeJournal(dir string, told []string) error {
	path := filepath.Join(dir, "journal.db")
	j, err := journal.Open(path, journalOptions())
	if errors.Is(err, journal.ErrAbsent) && !slices.Contains(told, "created") {
		j, err = journal.Create(path, journalOptions())
	}
	if err != nil {
		return err
	}
	return errors.Join(judgeRun(j, told), j.Close())
}

func judgeRun(j *journal.Journal, told []string) error {
	run, there, err := j.Current()
	if err != nil {
		return err
	}
	used, err := j.Consumed(order.ID)
	if err != nil {
		return err
	}
	if there != used || !there && slices.Contains(told, "begun") {
		return fmt.Errorf("begun %v, and its id consumed %v", there, used)
	}
	if there {
		if err := judgeSteps(j, run, told); err != nil {
			return err
		}
	}
	return errors.Join(j.Begin(order), carryOn(j, func(string) {}))
}

func judgeSteps(j *journal.Journal, run journal.Run, told []string) error {
	steps, err := j.Steps()
	if err != nil {
		return err
	}
	box, err := j.Outbox()
	if err != nil {
		return err
	}
	sent := map[string]int{}
	for _, p := range box {
		sent[p.Kind]++
	}
	reversible, final := plan().Steps()
	for _, name := range append(reversible, final...) {
		var kept string
		there, err := j.Get("kept "+name, &kept)
		done := steps[name].State == "done"
		switch {
		case err != nil:
			return err
		case done != there || there && kept != strings.Repeat(name, 300) || done != (sent[name] == 1):
			return fmt.Errorf("%s is half there: done %v, kept %v, sent %d", name, done, there, sent[name])
		case !done && slices.Contains(told, "recorded "+name):
			return fmt.Errorf("%s was told as recorded, and is %q", name, steps[name].State)
		case steps[name].State == "" && slices.Contains(told, "starting "+name):
			return fmt.Errorf("%s was begun, and nothing says so", name)
		}
	}
	var gate string
	open, err := j.Get("gate", &gate)
	if err != nil || open != run.Crossed || !run.Crossed && slices.Contains(told, "recorded "+journal.CrossName) {
		return fmt.Errorf("the line: crossed %v, with its record %v, %v", run.Crossed, open, err)
	}
	if slices.Contains(told, "done") && run.Outcome != journal.Done {
		return fmt.Errorf("the case was told as done and is %q", run.Outcome)
	}
	for n := range 4 {
		if slices.Contains(told, fmt.Sprint("posted ", n)) && sent["beat"] <= n {
			return fmt.Errorf("parcel %d was told as posted and is not there", n)
		}
	}
	return nil
}

func journalReplay() *replay {
	return &replay{store: "journal", seed: seedOf(1), randoms: number("CRASH_RANDOMS", 8), judge: judgeJournal, only: envCase()}
}

func TestJournalLosesNothing(t *testing.T) {
	r := journalReplay()
	green(t, "journal", r.run(t, recorded(t, r.seed, "journal")))
}
