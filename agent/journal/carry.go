package journal

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Carrier carries out the run in a journal.
type Carrier struct {
	Journal *Journal
	Plan    Plan
	Watch   Watch
	// Pause waits before a step that failed is tried again; it ends early with
	// the context.
	Pause func(ctx context.Context, tries int) error
	// CodeOf names the code of what made a run give up.
	CodeOf func(error) string
	// Parting gives the parcels that go with the end of an undone or cancelled
	// run, in the transaction that ends it.
	Parting func(r Run) ([]Parcel, error)
	// Cancel is told, by its closing, that a cancel was written.
	Cancel <-chan struct{}
}

// Carry carries the run on from where the journal says it is, until it is done,
// undone or cancelled, or the context ends. What it returns is the run as it is
// on disk. A run that has ended is left as it is; one that began when this one had
// just ended is returned as it stands, running, since Cancel speaks of this one.
func (c *Carrier) Carry(ctx context.Context) (Run, error) {
	for mine := ""; ; {
		run, ok, err := c.Journal.Current()
		if err != nil || !ok || run.Outcome != Running || (mine != "" && run.Name != mine) {
			return run, err
		}
		mine = run.Name
		if !run.Crossed {
			err = c.reversible(ctx)
		} else {
			err = c.final(ctx)
		}
		var again *Again
		if errors.As(err, &again) {
			if err := c.again(again, run.Crossed); err != nil {
				return run, err
			}
			continue
		}
		if err != nil {
			return run, err
		}
	}
}

// reversible does the steps up to the gate and crosses it, or undoes them.
func (c *Carrier) reversible(ctx context.Context) error {
	inner, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	watchCancel := context.AfterFunc(closed(inner, c.Cancel), func() { stop(ErrCancelled) })
	defer watchCancel()
	err := c.forward(inner)
	if err == nil {
		err = c.cross(inner)
	}
	cancelled, readErr := c.Journal.cancelled()
	if readErr != nil {
		return readErr
	}
	var giveUp *GiveUp
	switch {
	case err == nil:
		return nil
	case cancelled:
		return c.back(ctx, Cancelled, ErrCancelled)
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &giveUp):
		return c.back(ctx, Undone, giveUp)
	}
	return err
}

// closed is a context that ends with the channel (or with its parent).
func closed(parent context.Context, ch <-chan struct{}) context.Context {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	go func() {
		select {
		case <-ch:
			cancel()
		case <-parent.Done():
		}
	}()
	return ctx
}

func (c *Carrier) forward(ctx context.Context) error {
	for _, step := range c.Plan.Reversible {
		if err := c.do(ctx, step, false); err != nil {
			return err
		}
	}
	return nil
}

func (c *Carrier) final(ctx context.Context) error {
	for _, step := range c.Plan.Final {
		if err := c.do(ctx, step, true); err != nil {
			return err
		}
	}
	return c.end(Run{Outcome: Done}, nil)
}

// do does one step until it works, unless it is done or open already.
func (c *Carrier) do(ctx context.Context, step Step, final bool) error {
	for {
		status, skip, err := c.announce(ctx, step.Name, final)
		if err != nil || skip {
			return err
		}
		n := c.Journal.note()
		c.watch(Event{Step: step.Name, Moment: Starting, Final: final, Tries: status.Tries})
		err = step.Do(ctx, n)
		var open *LeftOpen
		switch {
		case err == nil:
			c.watch(Event{Step: step.Name, Moment: Worked, Final: final, Tries: status.Tries, Detail: n.detail})
			return c.record(step.Name, status, n, stateDone, final)
		case final && errors.As(err, &open):
			n.Say("%s", open.Detail)
			return c.record(step.Name, status, n, stateOpen, final)
		case steers(err) || ctx.Err() != nil:
			return err
		}
		c.watch(Event{Step: step.Name, Moment: Failed, Final: final, Tries: status.Tries, Err: err})
		if err := c.Pause(ctx, status.Tries); err != nil {
			return err
		}
	}
}

func steers(err error) bool {
	var giveUp *GiveUp
	var again *Again
	return errors.As(err, &giveUp) || errors.As(err, &again)
}

// announce writes "doing" before the work; skip is true for a step that needs
// none. A cancel that was written stops the run here.
func (c *Carrier) announce(ctx context.Context, name string, final bool) (s Status, skip bool, err error) {
	if err := ctx.Err(); err != nil {
		return s, false, context.Cause(ctx)
	}
	err = c.Journal.store.Update(func(tx Tx) error {
		if s, err = readStatus(tx, name); err != nil {
			return err
		}
		if skip = s.State == stateDone || s.State == stateOpen; skip {
			return nil
		}
		if !final && tx.Get(bucketRun, keyCancel) != nil {
			return ErrCancelled
		}
		s = Status{State: stateDoing, Tries: s.Tries + 1, Started: c.Journal.now().UnixMilli()}
		return writeStatus(tx, name, s)
	})
	if err != nil && !errors.Is(err, ErrCancelled) {
		err = fmt.Errorf("cannot write down that %s begins: %w", name, err)
	}
	return s, skip, err
}

// record writes the end of a step and what it kept in one transaction.
func (c *Carrier) record(name string, s Status, n *Note, state string, final bool) error {
	s.State, s.Detail, s.Finished = state, n.detail, c.Journal.now().UnixMilli()
	err := c.Journal.store.Update(func(tx Tx) error {
		if err := n.write(tx); err != nil {
			return err
		}
		return writeStatus(tx, name, s)
	})
	if err != nil {
		return fmt.Errorf("cannot write down that %s is done: %w", name, err)
	}
	moment := Recorded
	if state == stateOpen {
		moment = Opened
	}
	c.watch(Event{Step: name, Moment: moment, Final: final, Tries: s.Tries, Detail: s.Detail})
	return nil
}

// again sets steps back, so that they are done once more. After the point of no
// return only final steps can be named.
func (c *Carrier) again(a *Again, crossed bool) error {
	known := map[string]bool{}
	reversible, final := c.Plan.Steps()
	names := reversible
	if crossed {
		names = final
	}
	for _, name := range names {
		known[name] = true
	}
	err := c.Journal.store.Update(func(tx Tx) error {
		for _, name := range a.Steps {
			if !known[name] {
				return fmt.Errorf("%s is no step that can be done again now", name)
			}
			if err := tx.Delete(bucketSteps, []byte(name)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot do steps again: %w", err)
	}
	c.watch(Event{Step: a.Steps[0], Moment: Repeated, Final: crossed, Detail: a.Why})
	return nil
}

func (c *Carrier) watch(e Event) {
	if c.Watch != nil {
		c.Watch(e)
	}
}

// Wait is a Pause: it doubles from first up to last.
func Wait(first, last time.Duration) func(context.Context, int) error {
	return func(ctx context.Context, tries int) error {
		d := first << min(tries-1, 16)
		t := time.NewTimer(min(d, last))
		defer t.Stop()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-t.C:
			return nil
		}
	}
}
