package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"unbindd/agent/envelope"
	"unbindd/agent/local"
)

// recorder is a view that keeps what it is shown.
type recorder struct {
	modes  []string
	events []int64
	silent []bool
	stood  []before
}

func (r *recorder) status(s local.Status) { r.modes = append(r.modes, s.Mode) }
func (r *recorder) before(b before)       { r.stood = append(r.stood, b) }
func (r *recorder) event(e local.Event)   { r.events = append(r.events, e.ID) }
func (r *recorder) silentNow(gone bool)   { r.silent = append(r.silent, gone) }

type recording struct{ *recorder }

func (r recording) silent(gone bool) { r.silentNow(gone) }

// quick is a follower that never waits long and hears no events.
func quick(r *recorder, ask func(context.Context) (local.Status, error)) *follower {
	return &follower{
		ask: ask, view: recording{r}, now: time.Now,
		events: func(ctx context.Context, _ int64, _ func(local.Event) bool) error {
			<-ctx.Done()
			return ctx.Err()
		},
		tick: time.Millisecond, pause: time.Millisecond, burst: time.Millisecond, patience: time.Hour,
	}
}

// answers gives one answer after the other, the last for ever; an empty mode is
// a daemon that is not there.
func answers(list ...local.Status) func(context.Context) (local.Status, error) {
	n := 0
	return func(context.Context) (local.Status, error) {
		s := list[min(n, len(list)-1)]
		n++
		if s.Mode == "" {
			return s, local.ErrNotReachable
		}
		return s, nil
	}
}

var gone local.Status

func TestKilledDaemonDoesNotEndAWatch(t *testing.T) {
	r := &recorder{}
	end, err := quick(r, answers(obeying("freeze", local.Doing), gone, gone, obeying("erase-keys", local.Doing), gone, unbound("complete"))).run(t.Context())
	if err != nil || end.Exit != exitDone {
		t.Fatalf("ended with %d, %v", end.Exit, err)
	}
	if !slices.Equal(r.silent, []bool{true, false, true, false}) {
		t.Errorf("silence was shown as %v", r.silent)
	}
}

func TestDaemonThatWasNeverThereEndsAWatch(t *testing.T) {
	_, err := quick(&recorder{}, answers(gone)).run(t.Context())
	if exitOf(err) != exitUnreachable {
		t.Errorf("ended with %d, %v", exitOf(err), err)
	}
}

// TestDepartedDaemon: a daemon that erased its identity and is gone for good has
// done its work; one that is gone earlier is waited for.
func TestDepartedDaemon(t *testing.T) {
	last := obeying("tombstone", local.Doing)
	last.Case.Result, last.Case.Receipted = "complete", true
	f := quick(&recorder{}, answers(last, gone))
	clock := time.Unix(0, 0)
	f.now = func() time.Time { clock = clock.Add(time.Minute); return clock }
	end, err := f.run(t.Context())
	if err != nil || end.Exit != exitDone || !end.Departed {
		t.Errorf("a departed daemon: %+v, %v", end, err)
	}

	f = quick(&recorder{}, answers(obeying("erase-data", local.Doing), gone))
	f.patience, f.timeout = 0, 50*time.Millisecond
	if end, err := f.run(t.Context()); err != nil || end.Exit != exitUnacknowledged {
		t.Errorf("a daemon gone in the middle: %+v, %v", end, err)
	}
}

func TestUnboundEventLetsADaemonDepart(t *testing.T) {
	s := obeying("erase-identity", local.Doing)
	s.Case.Result = "complete"
	f := quick(&recorder{}, answers(s, gone))
	f.patience = 0
	f.tick = time.Hour
	f.events = oneStream(local.Event{ID: 1, Kind: "mode", State: local.Unbound})
	if end, err := f.run(t.Context()); err != nil || end.Exit != exitDone || !end.Departed {
		t.Errorf("%+v, %v", end, err)
	}
}

// oneStream sends some events and then stays open.
func oneStream(list ...local.Event) func(context.Context, int64, func(local.Event) bool) error {
	return func(ctx context.Context, _ int64, each func(local.Event) bool) error {
		for _, e := range list {
			if !each(e) {
				return nil
			}
		}
		<-ctx.Done()
		return ctx.Err()
	}
}

// TestEventsResume: a broken stream is taken up after the last event seen, a
// repeated event is passed over, and one of a daemon that counts anew is not.
func TestEventsResume(t *testing.T) {
	streams := [][]local.Event{
		{{ID: 1, Time: 10}, {ID: 2, Time: 20}},
		{{ID: 2, Time: 20}, {ID: 3, Time: 30}},
		{{ID: 1, Time: 40}},
	}
	var asked []int64
	r := &recorder{}
	f := quick(r, func(context.Context) (local.Status, error) {
		if len(r.events) == 4 {
			return unbound("complete"), nil
		}
		return obeying("freeze", local.Doing), nil
	})
	f.events = func(ctx context.Context, after int64, each func(local.Event) bool) error {
		if asked = append(asked, after); len(asked) > len(streams) {
			<-ctx.Done()
			return ctx.Err()
		}
		for _, e := range streams[len(asked)-1] {
			each(e)
		}
		return local.ErrNotReachable
	}
	if _, err := f.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.events, []int64{1, 2, 3, 1}) || !slices.Equal(asked[:3], []int64{0, 2, 3}) {
		t.Errorf("events %v, asked after %v", r.events, asked)
	}
}

func TestUnreadableEventIsTold(t *testing.T) {
	r := &recorder{}
	f := quick(r, func(context.Context) (local.Status, error) {
		if len(r.events) > 0 {
			return unbound("complete"), nil
		}
		return obeying("freeze", local.Doing), nil
	})
	told := false
	f.events = func(ctx context.Context, _ int64, _ func(local.Event) bool) error {
		if told {
			<-ctx.Done()
			return ctx.Err()
		}
		told = true
		return errors.New("cannot read an event")
	}
	if _, err := f.run(t.Context()); err != nil || len(r.events) == 0 {
		t.Errorf("told %v, %v", r.events, err)
	}
}

// TestAWaitEndsWithTheNewCase: the case that had ended before is not the one that
// is waited for, also while the daemon still tells of it.
func TestAWaitEndsWithTheNewCase(t *testing.T) {
	old, next := undone(), undone("settle")
	next.Case.Case, next.Case.Command = "C-2026-000124", "sha256:dd"
	f := quick(&recorder{}, answers(old, old, gone, old, next))
	f.wait = true
	if end, err := f.run(t.Context()); err != nil || end.Case != "C-2026-000124" || end.Exit != exitFailed {
		t.Errorf("%+v, %v", end, err)
	}
	f = quick(&recorder{}, answers(obeying("freeze", local.Doing), old))
	f.wait = true
	if end, err := f.run(t.Context()); err != nil || end.Case != old.Case.Case || end.Exit != exitBlocked {
		t.Errorf("a case that ran already: %+v, %v", end, err)
	}
}

// TestAWaitPassesOverWhatWasRefusedBefore: a repetition moves only the time. Another
// order that is refused ends the wait, and so does another reason.
func TestAWaitPassesOverWhatWasRefusedBefore(t *testing.T) {
	first, again := refusedAt(caseStart, "sha256:cc"), refusedAt(caseStart+5000, "sha256:cc")
	other, late, follow := refusedAt(caseStart, "sha256:dd"), refusedAt(caseStart, "sha256:cc"), refusedAt(caseStart, "sha256:dd")
	late.Refused.Why.Code, follow.Refused.Kind = "E13", "cancel"
	for name, c := range map[string]struct {
		list []local.Status
		want exit
	}{
		"the same, later":       {[]local.Status{first, again}, exitBlocked},
		"after a restart":       {[]local.Status{first, trading(), again}, exitBlocked},
		"another, in between":   {[]local.Status{first, follow, again}, exitBlocked},
		"another, at that time": {[]local.Status{first, again, other}, exitRefused},
		"for another reason":    {[]local.Status{first, again, late}, exitRefused},
		"the first":             {[]local.Status{trading(), first}, exitRefused},
	} {
		f := quick(&recorder{}, answers(c.list...))
		f.wait, f.timeout = true, 10*time.Second
		if c.want == exitBlocked {
			f.timeout = 100 * time.Millisecond
		}
		if end, err := f.run(t.Context()); err != nil || end.Exit != c.want {
			t.Errorf("%s: %+v, %v", name, end, err)
		}
	}
}

// lastHeard is a view of lines that is interrupted by the first event.
type lastHeard struct {
	*lines
	stop func()
}

func (l lastHeard) event(e local.Event) {
	l.lines.event(e)
	l.stop()
}

// TestWhatWasHeardIsToldBeforeAWatchIsLeft: lines hold an event until the next
// status, and an interrupt may come before that.
func TestWhatWasHeardIsToldBeforeAWatchIsLeft(t *testing.T) {
	text := &strings.Builder{}
	ctx, stop := context.WithCancel(t.Context())
	f := quick(&recorder{}, answers(obeying("erase-data", local.Doing)))
	f.view = lastHeard{&lines{out: &paper{to: text, lang: envelope.English}, now: time.Now}, stop}
	f.tick, f.burst = time.Hour, time.Hour
	f.events = oneStream(local.Event{ID: 1, Time: caseStart + 10_100, Kind: "erased", Name: "logs-1", State: "pass"})
	if end, err := f.run(ctx); err != nil || end.Exit != exitDetached || !strings.Contains(text.String(), "erased: logs-1") {
		t.Errorf("%+v, %v, told\n%s", end, err, text)
	}
}

func TestInterruptDetaches(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	f := quick(&recorder{}, func(context.Context) (local.Status, error) {
		stop()
		return obeying("freeze", local.Doing), nil
	})
	if end, err := f.run(ctx); err != nil || end.Exit != exitDetached {
		t.Errorf("%+v, %v", end, err)
	}
}

func TestJudge(t *testing.T) {
	closed := crossed(false)
	closed.Mode, closed.Case.Outcome = local.Trading, "done"
	obedient := unbound("complete")
	obedient.Mode = local.Obeying
	reversed := undone()
	reversed.Case.Outcome = "cancelled"
	strange := undone()
	strange.Case.Crossed = true
	finished := unbound("complete")
	finished.Mode, finished.Tombstone = local.Trading, nil
	for _, c := range []struct {
		name string
		s    local.Status
		over bool
		code exit
	}{
		{"trading", trading(), false, 0},
		{"reversible step", obeying("drain", local.Doing), false, 0},
		{"final step", obeying("erase-data", local.Doing), false, 0},
		{"open, not yet reported", obeying("erase-reader-keys", local.Open), false, 0},
		{"certificate on its way", crossed(false), false, 0},
		{"identity still to erase", crossed(true), false, 0},
		{"unbound", unbound("complete"), true, exitDone},
		{"unbound, partial", unbound("partial"), true, exitFailed},
		{"unbound, tombstone not shown yet", local.Status{Mode: local.Unbound}, false, 0},
		{"done, tombstone not shown yet", obedient, false, 0},
		{"done and enrolled again", finished, true, exitDone},
		{"partial and reported", partial(), true, exitFailed},
		{"closed without a receipt", closed, true, exitUnacknowledged},
		{"undone", undone(), true, exitBlocked},
		{"undone, batch closed", undone("settle"), true, exitFailed},
		{"undone after looking only", undone("check-papers", "inspect"), true, exitBlocked},
		{"cancelled", reversed, true, exitBlocked},
		{"undone and crossed", strange, true, exitFailed},
	} {
		end, over := judge(c.s)
		if over != c.over || over && end.Exit != c.code {
			t.Errorf("%s: over %v with %d, want %v with %d", c.name, over, end.Exit, c.over, c.code)
		}
	}
}

// TestEveryEndingIsTold: no ending is silent, in either language.
func TestEveryEndingIsTold(t *testing.T) {
	for _, row := range exits {
		for _, lang := range []string{"en", "zh"} {
			text := &strings.Builder{}
			p := &paper{to: text, lang: spoken([]string{"--lang=" + lang}, os.Getenv)}
			p.ending(ending{Exit: row.code, Case: "C-1", Crossed: true})
			if text.Len() == 0 || strings.Contains(text.String(), "%!") {
				t.Errorf("exit %d in %s is told as %q", row.code, lang, text)
			}
		}
	}
}
