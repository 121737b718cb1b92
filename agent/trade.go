package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"unbindd/agent/envelope"
	"unbindd/agent/ledger"
	"unbindd/agent/local"
	"unbindd/device"
)

// group is how many waiting events share one commit at most.
const group = 64

// openLedger opens the ledger for whoever needs it now; it is closed again by
// the same. Opening it at the start would make anew what was erased.
func (a *Agent) openLedger(create bool) (*ledger.Ledger, error) {
	o, err := a.ledgerOptions()
	if err != nil {
		return nil, err
	}
	if err := makeDirs(a.at.ledger()); err != nil {
		return nil, err
	}
	o.NoCreate = !create
	l, err := a.openOwn(o)
	if isDamage(err) && a.nothingIsSaved() {
		a.noteDamage(err)
		return a.openBeside(o)
	}
	return l, err
}

func (a *Agent) ledgerOptions() (ledger.Options, error) {
	id := a.identity()
	if id == nil {
		return ledger.Options{}, errNotBound
	}
	aead, err := a.keys.LedgerAEAD()
	if err != nil {
		return ledger.Options{}, fmt.Errorf("cannot open the ledger: %w", err)
	}
	known, err := a.journal.LedgerKnown()
	return ledger.Options{AEAD: aead, Binding: id.raw, Known: known}, err
}

// trade takes the reader's events into the ledger until a command is accepted.
func (a *Agent) trade(ctx context.Context) error {
	if a.line() == nil {
		return errors.New("cannot trade: there is no pairing key for the card reader; enrol the terminal anew")
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-a.orders:
			stop()
		case <-ctx.Done():
		}
	}()
	if err := a.asKnown(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	for ctx.Err() == nil {
		if err := a.tradeOnce(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		// A medium that takes no commit is asked again at the pace of a person, not of the line.
		if err := a.pause(ctx); err != nil {
			return nil
		}
	}
	return nil
}

// tradeOnce trades on one opening of the ledger. It comes back without an error
// when the ledger must be opened anew: a commit of unknown outcome is told by
// what is there afterwards, never by trying it again.
func (a *Agent) tradeOnce(ctx context.Context) error {
	l, err := a.openLedger(true)
	if err != nil {
		return a.ledgerFailed(err)
	}
	defer func() {
		a.remember(l)
		if err := l.Close(); err != nil {
			a.Log.Error().Err(err).Msg("the ledger cannot be closed")
		}
	}()
	a.show.setLedger(l)
	ctx, watched := a.watchLedger(ctx, l)
	err = a.tradeOn(ctx, l)
	return errors.Join(err, watched())
}

// tradeOn trades until the ledger must be opened anew, or must not be written on.
func (a *Agent) tradeOn(ctx context.Context, l *ledger.Ledger) error {
	said := ""
	for ctx.Err() == nil {
		err := a.conversation(ctx, l)
		switch {
		case errors.Is(err, ledger.ErrOutcomeUnknown):
			a.alarm("E18", "the outcome of a commit is not known; the ledger is opened anew")
			return nil
		case errors.Is(err, ledger.ErrDamaged):
			return a.ledgerFailed(err)
		case err != nil && ctx.Err() == nil:
			if said != err.Error() { // once, not with every attempt
				said = err.Error()
				a.Log.Warn().Err(err).Msg("the conversation with the reader broke off")
			}
			if err := a.pause(ctx); err != nil {
				return nil
			}
		}
	}
	return nil
}

// ledgerFailed stops trading for good: a ledger that cannot be read as it was
// written must not be written on.
func (a *Agent) ledgerFailed(err error) error {
	a.noteDamage(err)
	return fmt.Errorf("cannot trade: %w", err)
}

// conversation follows one connection of the reader until it breaks.
func (a *Agent) conversation(ctx context.Context, l *ledger.Ledger) error {
	silent := !a.identity().binding.Reader.Signs()
	if err := a.line().Thaw(ctx); err != nil && !(silent && errors.Is(err, device.ErrUnsupported)) {
		return err
	}
	switch _, err := a.flow(ctx, l); {
	case err != nil && silent && errors.Is(err, device.ErrUnsupported):
		return a.eventless(ctx)
	case errors.Is(err, device.ErrUnsupported):
		a.alarm("E26", "the bound reader does not give its events any more")
		return err
	case err != nil:
		return err
	}
	for {
		if err := a.burst(ctx, l); err != nil {
			return err
		}
	}
}

// burst commits events as they come, and acknowledges many at a time: on a
// slow line each acknowledgement takes room from the events. The reader holds
// what is not acknowledged, so waiting a little loses nothing; it is done at the
// latest when half the reader's window is used up, or nothing came for a moment.
func (a *Agent) burst(ctx context.Context, l *ledger.Ledger) error {
	lull := lullAt(a.line().Status().Baud)
	last, owed, err := a.commitEvents(ctx, l)
	for err == nil && owed < group/2 {
		soon, stop := context.WithTimeout(ctx, lull)
		var more int
		var newer uint64
		newer, more, err = a.commitEvents(soon, l)
		stop()
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			err = nil
			break
		}
		last, owed = max(last, newer), owed+more
	}
	if err != nil {
		return err
	}
	return a.letGo(ctx, last)
}

// lullAt is how long nothing must have come before what was committed is
// acknowledged: at least the time of two large events on the line.
func lullAt(baud int) time.Duration {
	const twoEvents = 2 * 450 * 10 // bits
	if baud == 0 {
		return minLull
	}
	return max(minLull, twoEvents*time.Second/time.Duration(baud))
}

const minLull = 50 * time.Millisecond

// eventless waits beside a reader that has no events to give, and has it asked
// again now and then.
func (a *Agent) eventless(ctx context.Context) error {
	a.Log.Info().Msg("the reader keeps no events: nothing comes into the ledger from it")
	again := time.NewTimer(eventlessTime)
	defer again.Stop()
	select {
	case <-ctx.Done():
	case <-again.C:
	}
	return nil
}

const eventlessTime = time.Minute

// flow begins the flow of events after the last one that is in the ledger, and
// acknowledges what was committed before a cut. A reader has a past: what it
// gave to an earlier binding was let go of by that one, and the number where
// this binding begins is written down once, so that a ledger which vanished
// later still shows as lost events.
func (a *Agent) flow(ctx context.Context, l *ledger.Ledger) (device.Backlog, error) {
	after, err := a.lastEvent(l)
	if err != nil {
		return device.Backlog{}, err
	}
	backlog, err := a.line().Follow(ctx, uint32(after))
	if err != nil {
		return backlog, err
	}
	if _, known, err := a.journal.Base(); err != nil || !known {
		if err == nil {
			base := uint64(0) // a ledger that has events says itself where it is
			if after == 0 {
				base = uint64(backlog.First - 1)
			}
			err = a.journal.SetBase(base)
		}
		if err != nil {
			return backlog, err
		}
		return a.flow(ctx, l)
	}
	if backlog.Lost > 0 {
		if err := a.missing(l, after, backlog); err != nil {
			return backlog, err
		}
		after = uint64(backlog.First) - 1
	}
	if after == 0 {
		return backlog, nil
	}
	return backlog, a.line().Acknowledge(ctx, uint32(after))
}

// missing is for numbers that the reader does not have any more and this ledger
// has not. A ledger beside a lost one begins behind them: they are in the other,
// if anywhere.
func (a *Agent) missing(l *ledger.Ledger, after uint64, b device.Backlog) error {
	serial := string(a.identity().binding.Reader.SN)
	if a.isBeside(l) && l.Last(serial) == 0 {
		return l.BeginAfter(serial, uint64(b.First)-1)
	}
	return a.recordLoss(l, after, b)
}

// recordLoss writes into the ledger, whose chain goes on only without a gap,
// each number that the reader lost before anybody had it. That is the one book
// of losses: backup, manifest and an unbinding look there.
func (a *Agent) recordLoss(l *ledger.Ledger, after uint64, b device.Backlog) error {
	first, last := after+1, uint64(b.First)-1
	a.alarm("E26", fmt.Sprintf("the reader has lost %d events before they were taken over", b.Lost))
	if last < first || last-first >= mostLost {
		return envelope.Refuse("E22", "events-lost", "cannot go on: the reader says that it lost %d events after number %d and has them from %d on; that is not believed", b.Lost, after, b.First)
	}
	serial := string(a.identity().binding.Reader.SN)
	for ; first <= last; first += lossGroup {
		var lost []ledger.Event
		for seq := first; seq <= min(last, first+lossGroup-1); seq++ {
			lost = append(lost, ledger.Event{Seq: seq, Lost: true})
		}
		if _, err := l.Append(serial, lost); err != nil {
			return err
		}
	}
	return nil
}

const (
	// mostLost bounds what one loss may be: a reader that claims more is not
	// believed, and no ledger is filled at its word.
	mostLost = 1 << 20
	// lossGroup is how many lost numbers share a commit.
	lossGroup = 4096
)

// lastEvent is the number of the reader's last event that needs no taking over:
// the ledger's, or where this binding began.
func (a *Agent) lastEvent(l *ledger.Ledger) (uint64, error) {
	base, _, err := a.journal.Base()
	return max(base, l.Last(string(a.identity().binding.Reader.SN))), err
}

// takeOver waits for events, commits them together, and acknowledges them only
// then.
func (a *Agent) takeOver(ctx context.Context, l *ledger.Ledger) (last uint64, err error) {
	if last, _, err = a.commitEvents(ctx, l); err != nil {
		return 0, err
	}
	return last, a.letGo(ctx, last)
}

// commitEvents waits for events and puts them into the ledger together. It
// returns the number of the last one there and how many came.
func (a *Agent) commitEvents(ctx context.Context, l *ledger.Ledger) (last uint64, count int, err error) {
	events, err := a.line().Next(ctx, group)
	if err != nil {
		return 0, 0, err
	}
	serial := string(a.identity().binding.Reader.SN)
	a.Moment("trade:starting")
	done, err := l.Append(serial, bodies(events))
	if err != nil {
		return 0, 0, err
	}
	a.Moment("trade:worked")
	for _, r := range done.Refused {
		a.Log.Warn().Str("code", r.Code).Uint64("evseq", r.Evseq).Msg("a record was refused")
		a.hub.tell(local.Event{Kind: "trade", State: "refused", Code: r.Code})
	}
	a.show.setLedger(l)
	a.rememberSometimes(l)
	return l.Last(serial), len(events), nil
}

// letGo tells the reader that everything up to this number is in the ledger.
func (a *Agent) letGo(ctx context.Context, last uint64) error {
	if err := a.line().Acknowledge(ctx, uint32(last)); err != nil {
		return err
	}
	a.Moment("trade:recorded")
	return nil
}

func bodies(events []device.Event) []ledger.Event {
	out := make([]ledger.Event, len(events))
	for i, e := range events {
		out[i] = ledger.Event{Seq: uint64(e.Seq), Body: e.Body}
	}
	return out
}
