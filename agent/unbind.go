package agent

import (
	"context"
	"errors"
	"time"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/local"
)

// unbind is the plan. The point of no return is the boundary between the two
// fields. docs/UNBIND.md says of each step what, why here, and what if the power
// goes; a test compares the names.
func (a *Agent) unbind() journal.Plan {
	return journal.Plan{
		Reversible: []journal.Step{
			{Name: "check-papers", Do: a.checkPapers},
			{Name: "inspect", Do: a.inspect, Undo: a.uninspect},
			{Name: "freeze", Do: a.freeze, Undo: a.thaw},
			{Name: "settle", Do: a.settle},
			{Name: "drain", Do: a.drain},
			{Name: "seal-backup", Do: a.sealBackup, Undo: a.discardBackup},
			{Name: "deliver-backup", Do: a.deliverBackup},
			{Name: "await-successor", Do: a.awaitSuccessor},
		},
		Gate: a.gate,
		Final: []journal.Step{
			{Name: "erase-reader-keys", Do: a.eraseReaderKeys},
			{Name: "erase-keys", Do: a.eraseKeys},
			{Name: "erase-data", Do: a.eraseData},
			{Name: "remove-software", Do: a.removeSoftware},
			{Name: "verify-erased", Do: a.verifyErased},
			{Name: "sign-certificate", Do: a.signCertificate},
			{Name: "deliver-certificate", Do: a.deliverCertificate},
			{Name: "erase-identity", Do: a.eraseIdentity},
			{Name: "tombstone", Do: a.leaveTombstone},
		},
	}
}

// StepNames lists the plan in order: the reversible steps, then the final ones.
func StepNames() (reversible, final []string) { return New(Parts{}).unbind().Steps() }

// How long a step that failed waits before it is tried again.
const (
	firstPause = 250 * time.Millisecond
	lastPause  = 30 * time.Second
)

// obey carries the command in the journal on from where it is. Without one it
// comes back at once.
func (a *Agent) obey(ctx context.Context) (journal.Run, error) {
	run, begun, err := a.journal.Current()
	if err != nil || !begun || run.Outcome == journal.Undone || run.Outcome == journal.Cancelled {
		return run, err
	}
	if run.Outcome == journal.Running {
		a.enter(local.Obeying)
	}
	cancel := make(chan struct{})
	a.mu.Lock()
	a.cancel = cancel
	a.mu.Unlock()
	c := &journal.Carrier{
		Journal: a.journal, Plan: a.plan, Watch: a.watch, CodeOf: code,
		Pause: a.patience, Parting: a.parting, Cancel: cancel,
	}
	run, err = c.Carry(ctx)
	if err == nil && run.Outcome != journal.Done && run.Outcome != journal.Running {
		a.Log.Info().Str("outcome", run.Outcome).Str("code", run.Code).Str("why", run.Reason).Msg("the command has ended; nothing was erased")
		a.bell.ring()
	}
	return run, err
}

// patience waits before a step is tried again. The first part of the wait is
// for everybody, so that a reader which comes and goes cannot keep the terminal
// busy; whatever rings ends the rest early.
func (a *Agent) patience(ctx context.Context, tries int) error {
	rung := a.bell.wait()
	nap(ctx, firstPause)
	inner, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-rung:
			stop()
		case <-inner.Done():
		}
	}()
	if err := journal.Wait(firstPause, lastPause)(inner, tries); ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	return nil
}

// pause is patience without a count.
func (a *Agent) pause(ctx context.Context) error { return a.patience(ctx, 1) }

// parting answers the end of a command that was undone or cancelled.
func (a *Agent) parting(r journal.Run) ([]journal.Parcel, error) {
	c, e, err := a.readCase()
	if err != nil {
		return nil, err
	}
	outcome := command.Undone
	if r.Outcome == journal.Cancelled {
		outcome, r.Code = command.Cancelled, command.CodeNone
	}
	p, err := a.answer(c.command.Case, e.Digest(), outcome, r.Code)
	return []journal.Parcel{p}, err
}

// watch is told of every moment of every step: the log, the watchers of the
// local API, and a test that waits for one.
func (a *Agent) watch(e journal.Event) {
	shown := local.Event{Kind: "step", Name: e.Step, State: e.Moment, Final: e.Final, Detail: e.Detail}
	line := a.Log.Info()
	if e.Err != nil && !errors.Is(e.Err, journal.ErrCancelled) {
		shown.Code, shown.Detail = envelope.CodeOf(e.Err), e.Err.Error()
		line = a.Log.Warn().Err(e.Err)
		a.show.setProblem(told(e.Err))
	} else if e.Moment == journal.Recorded || e.Moment == journal.Starting {
		a.show.setProblem(nil)
	}
	if a.undoes.news(e) {
		line.Str("step", e.Step).Str("moment", e.Moment).Int("attempt", e.Tries).Str("detail", e.Detail).Msg("step")
	}
	a.hub.tell(shown)
	a.Moment(e.Step + ":" + e.Moment)
}

// waiting tells what a step waits for; it is not a failure.
func (a *Agent) waiting(step, what string, err error) {
	over := told(err)
	if !a.show.setWaiting(what, over) {
		return
	}
	code := ""
	if over != nil {
		code = over.Code
	}
	a.Log.Info().Str("step", step).Str("for", what).AnErr("why", err).Msg("waiting")
	a.hub.tell(local.Event{Kind: "wait", Name: step, State: "waiting", Detail: what, Code: code})
}

// alarm tells something that a person must look at.
func (a *Agent) alarm(code, message string) {
	a.show.setAlarm(spoken(code, message))
	a.Log.Error().Str("code", code).Msg(message)
}

// spoken is an alarm with the next step of its code.
func spoken(code, message string) *local.Error {
	e := &local.Error{Code: code, Message: message}
	if m, ok := envelope.MeaningOf(code); ok {
		e.Next = m.Next(envelope.English)
	}
	return e
}

// giveUp ends the command: what was done is undone and the terminal trades again.
func giveUp(code, detail, format string, args ...any) error {
	return &journal.GiveUp{Err: envelope.Refuse(code, detail, format, args...)}
}
