package agent

import (
	"slices"
	"sync"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/journal"
	"unbindd/agent/ledger"
	"unbindd/agent/local"
)

// shown is what the local API tells of the moment; it is never asked by a step.
type shown struct {
	mu        sync.Mutex
	modeNow   string
	books     *local.Ledger
	open      []command.OpenSum // of the ledger: what is not settled
	way       local.Link
	waitsFor  string
	waitsOver *local.Error
	problem   *local.Error
	tried     hindered // what the try before this one met
	alarm     *local.Error
	refused   *local.Refused
	untrusted *local.Untrusted
	unsaid    *local.Undelivered
	damage    *local.Error // of the ledger: told before any other alarm, until it is found whole
	stone     *local.Tombstone
}

// hindered is what a step waited for, and over what, or why it failed.
type hindered struct {
	waitsFor      string
	over, problem *local.Error
}

func (s *shown) setMode(mode string) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed = s.modeNow != mode
	s.modeNow = mode
	if mode != local.Obeying {
		s.waitsFor, s.waitsOver, s.problem, s.tried = "", nil, nil, hindered{}
	}
	return changed
}

func (s *shown) mode() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.modeNow
}

func (s *shown) setLedger(l *ledger.Ledger) {
	t, head, open := l.Tally(), l.Head(), unsettled(l)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open, s.books = open, &local.Ledger{Transactions: t.Count, Events: t.Events, Refused: t.Refused, Head: headText(head)}
}

func (s *shown) openBatch() []command.OpenSum {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

func (s *shown) setTombstone(t certificate.Tombstone, revealed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stone = &local.Tombstone{
		Action: string(t.Action), Case: string(t.Case), Certificate: string(t.Certificate),
		Epoch: t.Epoch, Result: t.Result, Revealed: revealed,
	}
}

func (s *shown) setLink(name string, err error, now int64) (changed bool) {
	next := local.Link{Name: name, State: "up", Since: now}
	if err != nil {
		next.State, next.Error = "down", err.Error()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if changed = s.way.State != next.State || s.way.Error != next.Error; changed {
		s.way = next
	}
	return changed
}

func (s *shown) link() local.Link {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.way
}

// setWaiting says what a step waits for; a step that waits is not a problem of
// its own, what it waits over may be.
func (s *shown) setWaiting(what string, over *local.Error) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed = s.waitsFor != what || (over == nil) != (s.waitsOver == nil) ||
		(over != nil && *over != *s.waitsOver)
	s.waitsFor, s.waitsOver = what, over
	return changed
}

// setProblem says why a step failed, or that one is worked at or done. What the try before
// met is shown on while the same step is tried again.
func (s *shown) setProblem(e *local.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e == nil && (s.problem != nil || s.waitsFor != "") {
		s.tried = hindered{s.waitsFor, s.waitsOver, s.problem}
	}
	s.problem = e
	if e == nil {
		s.waitsFor, s.waitsOver = "", nil
	}
}

// quiet says whether nothing is alarming yet.
func (s *shown) quiet() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.alarm == nil && s.damage == nil
}

// setRefused says what was refused last; nil where a command was accepted since.
func (s *shown) setRefused(r *local.Refused) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = r
}

// setUntrusted says which trust was not taken over last; nil where some was since.
func (s *shown) setUntrusted(u *local.Untrusted) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.untrusted = u
}

// setUndelivered says which answer is refused; nil where none is.
func (s *shown) setUndelivered(u *local.Undelivered) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsaid = u
}

// said says that an answer is delivered, by whichever way.
func (s *shown) said(p journal.Parcel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.unsaid; u != nil && u.Case == p.Case && u.Kind == p.Kind && u.N == p.N {
		s.unsaid = nil
	}
}

// turnedDown shows an order that is news. Of the one that is shown a repetition moves
// the time, and another reason is news; of another that had its turn it moves nothing, so that whoever waits for a
// command is not told of an old one.
func (s *shown) turnedDown(r *local.Refused, news bool) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	had := s.refused
	same := had != nil && had.Digest != "" && had.Kind == r.Kind && had.Digest == r.Digest
	again := had != nil && had.Kind == r.Kind && had.Digest == r.Digest && had.Why.Code == r.Why.Code
	if again || same || news {
		s.refused = r
	}
	return (news || same) && !again
}

func (s *shown) setAlarm(e *local.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alarm = e
}

// setDamage says what is wrong with the ledger; nil where it was found whole.
func (s *shown) setDamage(e *local.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.damage = e
}

// damaged is what is known to be wrong with the ledger.
func (s *shown) damaged() *local.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.damage
}

// fill copies the moment into an answer.
func (s *shown) fill(out *local.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out.Mode, out.Ledger, out.Link, out.Alarm, out.Tombstone = s.modeNow, s.books, s.way, s.alarm, s.stone
	if s.damage != nil && s.modeNow != local.Unbound {
		out.Alarm = s.damage
	}
	out.Refused, out.Untrusted = s.refused, s.untrusted
	if out.Outbox > 0 {
		out.Undelivered = s.unsaid
	}
	switch {
	case s.modeNow == local.Unbound: // none of them is there any more
		out.Ledger, out.Link, out.Refused, out.Untrusted = nil, local.Link{State: "idle"}, nil, nil
	case s.way.State == "" && s.modeNow == local.Unenrolled:
		out.Link.State = "idle"
	case s.way.State == "":
		out.Link.State = "untried"
	}
	if out.Case != nil && out.Case.Outcome == journal.Running {
		now := hindered{s.waitsFor, s.waitsOver, s.problem}
		if now == (hindered{}) && triedAgain(out.Case.Steps) {
			now = s.tried
		}
		out.Case.Waiting, out.Case.Problem = now.waitsFor, now.problem
		if now.over != nil {
			out.Case.Problem = now.over
		}
		if out.Refused != nil && out.Refused.Digest == out.Case.Command {
			out.Refused = nil // it was not known whether it was written down; it was
		}
	}
}

// triedAgain says whether a step is worked at that has failed before.
func triedAgain(steps []local.Step) bool {
	return slices.ContainsFunc(steps, func(s local.Step) bool { return s.State == local.Doing && s.Tries > 1 })
}
