package agent

import (
	"cmp"
	"context"
	"errors"
	"time"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/ledger"
	"unbindd/agent/local"
)

// checkEvery is how often the whole ledger is read while the terminal trades:
// once after each start, and then at this distance.
const checkEvery = 24 * time.Hour

// lookAtLedger is the look at the ledger before the terminal says what it is:
// what was noticed before, and whether it opens at all, in constant time. A
// command that runs looks itself.
func (a *Agent) lookAtLedger() error {
	d, known, err := a.journal.Damage()
	if err != nil {
		return err
	}
	if known {
		a.show.setDamage(spoken(cmp.Or(d.Code, "E26"), d.Why))
		a.show.setMode(local.Blocked)
		return nil
	}
	run, begun, err := a.journal.Current()
	if err != nil || begun && run.Outcome == journal.Running {
		return err
	}
	l, err := a.openLedger(false)
	if err == nil {
		return l.Close()
	}
	if a.noteDamage(err) {
		a.show.setMode(local.Blocked)
	}
	return nil // what else is wrong with it is told by whoever needs it
}

// noteDamage tells damage of the ledger from any other error, and remembers it
// until the whole ledger was read and found whole: a restart does not make it
// good, and neither does a command that ended over it.
func (a *Agent) noteDamage(err error) bool {
	if !isDamage(err) {
		return false
	}
	code := damageCode(ledger.LossOf(err))
	a.show.setDamage(spoken(code, err.Error()))
	a.Log.Error().Str("code", code).Msg(err.Error())
	now, _ := a.clock.read()
	if err := a.journal.SetDamage(journal.Damage{Why: err.Error(), Code: code, Since: now}); err != nil {
		a.Log.Error().Err(err).Msg("the damage of the ledger is not written down: it is forgotten with this process")
	}
	return true
}

// isDamage tells a ledger that cannot be read as it was written from one that
// cannot be read now.
func isDamage(err error) bool {
	return errors.Is(err, ledger.ErrDamaged) || ledger.LossOf(err) != ""
}

// damageCode is E26 with the kind of loss, if it is one that has a name.
func damageCode(loss ledger.Loss) string {
	if loss == "" {
		return "E26"
	}
	return "E26:" + string(loss)
}

// foundWhole forgets what was noticed.
func (a *Agent) foundWhole() {
	if a.show.damaged() != nil {
		a.Log.Info().Msg("the whole ledger was read: it is as it was written")
	}
	if err := a.journal.Sound(); err != nil {
		a.Log.Error().Err(err).Msg("the ledger is whole, and that is not written down")
		return
	}
	a.show.setDamage(nil)
}

// asKnown lets a terminal whose ledger was found damaged trade only after the
// whole of it was read and is whole.
func (a *Agent) asKnown(ctx context.Context) error {
	if a.show.damaged() == nil {
		return nil
	}
	a.enter(local.Blocked)
	l, err := a.openLedger(false)
	if err != nil {
		return a.ledgerFailed(err)
	}
	a.show.setLedger(l)
	err = errors.Join(l.Patrol(ctx), l.Close())
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return a.ledgerFailed(err)
	}
	a.whole = time.Now()
	a.foundWhole()
	a.enter(local.Trading)
	return nil
}

// watchLedger reads the whole ledger beside the trade, when it is due, and ends
// the trade if it is not as it was written: what is acknowledged into a damaged
// ledger might be lost with the rest. The second result ends the watch, waits
// for it, and says what it found.
func (a *Agent) watchLedger(ctx context.Context, l *ledger.Ledger) (context.Context, func() error) {
	ctx, stop := context.WithCancel(ctx)
	found := make(chan error, 1)
	go func() {
		err := a.patrol(ctx, l)
		if err != nil {
			stop()
		}
		found <- err
	}()
	return ctx, func() error {
		stop()
		if err := <-found; err != nil {
			return a.ledgerFailed(err)
		}
		return nil
	}
}

// patrol comes back with what is wrong, or with nothing when the context ends.
func (a *Agent) patrol(ctx context.Context, l *ledger.Ledger) error {
	for {
		if !a.whole.IsZero() {
			nap(ctx, time.Until(a.whole.Add(checkEvery)))
		}
		if ctx.Err() != nil {
			return nil
		}
		err := l.Patrol(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, ledger.ErrDamaged) {
			return err
		}
		if err != nil {
			a.Log.Warn().Err(err).Msg("the whole ledger cannot be read now; it is tried again in a day")
		} else {
			a.Log.Info().Uint64("records", l.Head().Seq).Msg("the whole ledger was read: it is as it was written")
		}
		a.whole = time.Now()
	}
}

// ledgerAllows refuses a command that could only be undone: what cannot be read
// cannot be backed up. With the gate "none" nothing is.
func (a *Agent) ledgerAllows(c command.Command) error {
	if d := a.show.damaged(); d != nil && c.Backup.Gate != command.GateNone {
		_, loss, _ := cutCode(d.Code)
		return envelope.Refuse("E26", loss, "cannot obey the command: %s", d.Message)
	}
	return nil
}
