package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"unbindd/agent/local"
)

// errNothingRuns means that there is no unbinding to follow.
var errNothingRuns = &fault{
	code: exitBlocked, err: errors.New("cannot watch: no unbinding runs on this terminal"),
	next: words{"Load a signed command first, or wait for one with --wait.", "请先载入已签名的指令，或用 --wait 等待。"},
}

// view is what a watch is drawn with.
type view interface {
	before(b before) // at the beginning, where there is something to tell
	status(s local.Status)
	event(e local.Event)
	silent(gone bool) // the daemon stopped answering, or answers again
}

// follower follows one unbinding. The status is the truth and the events are
// the bell: every change is read from the status, so that an event that was
// lost in a restart changes nothing.
//
//	start ──answers──> following ──over──> ended with the case's own code
//	start ──silent───> ended with 5
//	following <──answers── ──silent──> waiting
//	waiting ──patience──> ended, where the daemon was about to remove itself
//	following, waiting ──timeout──> ended with 7 or 8, or 3 where nothing has begun
//	following (--wait) ──the command is refused, or the named one was──> ended with 6
//	following, waiting ──interrupt──> ended with 130
type follower struct {
	ask    func(context.Context) (local.Status, error)
	events func(ctx context.Context, after int64, each func(local.Event) bool) error
	view   view
	now    func() time.Time
	after  int64 // the last event seen
	wait   bool  // for a case, when there is none
	order  order // the one that is waited for

	timeout time.Duration // from the first answer on; 0 never

	tick     time.Duration // how often the status is asked without a bell
	pause    time.Duration // between two tries to reach the daemon
	burst    time.Duration // how long no event must come before the status is asked
	patience time.Duration // how long a daemon that was leaving may be silent

	begun   before
	ended   string // the command of a case that was over when the watch began
	refused string // the order that had been refused before that, and its code
	reached bool
	last    local.Status
	unbound bool      // an event said so
	silence time.Time // since when the daemon is silent; zero when it answers
}

// sign is an event, or why none could be read.
type sign struct {
	event local.Event
	err   error
}

// run follows until the end, the deadline or the interrupt of ctx.
func (f *follower) run(ctx context.Context) (ending, error) {
	inner, stop := context.WithCancelCause(ctx)
	signs := make(chan sign)
	var listening sync.WaitGroup
	listening.Go(func() { f.listen(inner, signs) })
	defer listening.Wait()
	defer stop(nil)
	for begun := false; ; {
		end, over, err := f.look(inner)
		switch {
		case inner.Err() != nil:
			if f.reached {
				f.view.status(f.last) // so that what was heard since is not lost
			}
			return f.left(context.Cause(inner)), nil
		case err != nil:
			return ending{}, err
		case over:
			f.collect(inner, signs, time.After(time.Second), 10*f.burst)
			f.view.status(f.last) // below which stands what came with the last events
			return end, nil
		}
		if f.timeout > 0 && !begun {
			begun = true
			defer time.AfterFunc(f.timeout, func() { stop(errTimeout) }).Stop()
		}
		f.idle(inner, signs)
	}
}

// look asks the status and judges it.
func (f *follower) look(ctx context.Context) (ending, bool, error) {
	s, err := ask(ctx, f.ask)
	switch {
	case ctx.Err() != nil:
		return ending{}, false, nil // it was left; the daemon is not to blame
	case err != nil && !f.reached:
		return ending{}, false, err
	case err != nil:
		end, over := f.unanswered()
		return end, over, nil
	}
	if !f.silence.IsZero() {
		f.silence = time.Time{}
		f.view.silent(false)
	}
	if s.Mode == local.Unbound && s.Case == nil {
		s.Case = finished(f.last.Case) // an unbound daemon has no case any more
	}
	if !f.reached {
		if err := f.begin(s); err != nil {
			return ending{}, false, err
		}
	}
	if f.wait && s.Mode != local.Unbound && !f.awaited(s.Case) {
		s.Case = nil
	}
	turnedDown := f.turnedDown(s)
	f.reached, f.last = true, s
	if s.Case == nil && s.Mode != local.Unbound && !f.wait {
		return ending{}, false, errNothingRuns
	}
	f.view.status(s)
	if turnedDown != nil {
		return *turnedDown, true, nil
	}
	end, over := judge(s)
	if end.Past = f.begun.Last != nil && end.Case == f.begun.Last.Case; end.Past {
		end.Refused = f.begun.Refused
	}
	return end, over, nil
}

// unanswered waits on, except for a daemon whose last acts were to erase its
// identity and to remove itself: it will not come back.
func (f *follower) unanswered() (ending, bool) {
	if f.silence.IsZero() {
		f.silence = f.now()
		f.view.silent(true)
	}
	if (f.unbound || leaving(f.last.Case)) && f.now().Sub(f.silence) >= f.patience {
		return departed(f.last.Case), true
	}
	return ending{}, false
}

// idle waits for a bell, for the next look, or for the end of ctx.
func (f *follower) idle(ctx context.Context, signs <-chan sign) {
	wait := f.tick
	if !f.silence.IsZero() {
		wait = f.pause
	}
	next := time.NewTimer(wait)
	defer next.Stop()
	select {
	case s := <-signs:
		f.take(s)
		f.collect(ctx, signs, next.C, f.burst)
	case <-next.C:
	case <-ctx.Done():
	}
}

// collect takes events until none comes for so long, or until the limit: after
// a burst the status is asked once, not once an event.
func (f *follower) collect(ctx context.Context, signs <-chan sign, limit <-chan time.Time, quiet time.Duration) {
	for {
		select {
		case s := <-signs:
			f.take(s)
		case <-time.After(quiet):
			return
		case <-limit:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (f *follower) take(s sign) {
	if s.err != nil {
		f.view.event(local.Event{Kind: "unreadable", Detail: s.err.Error()})
		return
	}
	f.unbound = f.unbound || s.event.Kind == "mode" && s.event.State == local.Unbound
	f.view.event(s.event)
}

// listen reads the events, connecting again whenever the stream ends. An event
// seen before is passed over; one with an old id and a new time is not, because
// a daemon whose numbers began anew must still be heard.
func (f *follower) listen(ctx context.Context, signs chan<- sign) {
	after, seen := f.after, int64(0)
	for ctx.Err() == nil {
		err := f.events(ctx, after, func(e local.Event) bool {
			if e.ID <= after && (seen == 0 || e.Time <= seen) {
				return true
			}
			after, seen = e.ID, max(seen, e.Time)
			return send(ctx, signs, sign{event: e})
		})
		if err != nil && ctx.Err() == nil && !errors.Is(err, local.ErrNotReachable) {
			send(ctx, signs, sign{err: err})
		}
		select {
		case <-time.After(f.pause):
		case <-ctx.Done():
		}
	}
}

func send(ctx context.Context, to chan<- sign, s sign) bool {
	select {
	case to <- s:
		return true
	case <-ctx.Done():
		return false
	}
}

// left is the end of a watch that was not waited for.
func (f *follower) left(cause error) ending {
	end := endingOf(f.last.Case)
	switch {
	case !errors.Is(cause, errTimeout):
		end.Exit = exitDetached
	case end.Case == "": // waited for one that has not come
		end.Exit, end.Last = exitBlocked, f.begun.Last
		if isOrder(f.last.Refused) {
			end.Refused = f.last.Refused
		}
	case end.Crossed && !end.Receipted:
		end.Exit = exitUnacknowledged
	default:
		end.Exit = exitRunning
	}
	return end
}
