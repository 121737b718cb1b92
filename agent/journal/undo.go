package journal

import (
	"context"
	"fmt"
)

// back undoes what was begun, last first, and ends the run.
func (c *Carrier) back(ctx context.Context, outcome string, why error) error {
	for i := len(c.Plan.Reversible) - 1; i >= 0; i-- {
		if err := c.undo(ctx, c.Plan.Reversible[i]); err != nil {
			return err
		}
	}
	ended := Run{Outcome: outcome, Code: c.CodeOf(why), Reason: why.Error()}
	parcels, err := c.Parting(ended)
	if err != nil {
		return fmt.Errorf("cannot write the answer to the end: %w", err)
	}
	return c.end(ended, parcels)
}

func (c *Carrier) undo(ctx context.Context, step Step) error {
	all, err := c.Journal.Steps()
	if err != nil {
		return err
	}
	s, begun := all[step.Name]
	if !begun || s.State == stateUndone {
		return nil
	}
	for tries := 1; ; tries++ {
		c.watch(Event{Step: step.Name, Moment: Undoing, Tries: tries})
		n := c.Journal.note()
		if step.Undo != nil {
			err = step.Undo(ctx, n)
		}
		if err == nil {
			break
		}
		c.watch(Event{Step: step.Name, Moment: Failed, Tries: tries, Err: err})
		if err := c.Pause(ctx, tries); err != nil {
			return err
		}
	}
	s.State, s.Finished = stateUndone, c.Journal.now().UnixMilli()
	err = c.Journal.store.Update(func(tx Tx) error { return writeStatus(tx, step.Name, s) })
	if err != nil {
		return fmt.Errorf("cannot write down that %s is undone: %w", step.Name, err)
	}
	c.watch(Event{Step: step.Name, Moment: Reverted})
	return nil
}

// end writes the outcome, with the parcels that go with it.
func (c *Carrier) end(as Run, parcels []Parcel) error {
	err := c.Journal.store.Update(func(tx Tx) error {
		run, _, err := readRun(tx)
		if err != nil {
			return err
		}
		run.Outcome, run.Code, run.Reason = as.Outcome, as.Code, as.Reason
		run.Ended = c.Journal.now().UnixMilli()
		for _, p := range parcels {
			if err := putParcel(tx, p); err != nil {
				return err
			}
		}
		return writeRun(tx, run)
	})
	if err != nil {
		return fmt.Errorf("cannot write down the end: %w", err)
	}
	return nil
}
