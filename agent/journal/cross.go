package journal

import (
	"context"
	"fmt"
)

// cross asks the gate, and crosses the point of no return in one transaction
// with what the gate kept, unless a cancel stands before it.
func (c *Carrier) cross(ctx context.Context) error {
	for tries := 1; ; tries++ {
		n := c.Journal.note()
		c.watch(Event{Step: CrossName, Moment: Starting, Tries: tries})
		err := c.Plan.Gate(ctx, n)
		if err == nil {
			c.watch(Event{Step: CrossName, Moment: Worked, Tries: tries})
			return c.crossed(n, tries)
		}
		if steers(err) || ctx.Err() != nil {
			return err
		}
		c.watch(Event{Step: CrossName, Moment: Failed, Tries: tries, Err: err})
		if err := c.Pause(ctx, tries); err != nil {
			return err
		}
	}
}

func (c *Carrier) crossed(n *Note, tries int) error {
	err := c.Journal.store.Update(func(tx Tx) error {
		if tx.Get(bucketRun, keyCancel) != nil {
			return ErrCancelled
		}
		run, _, err := readRun(tx)
		if err != nil {
			return err
		}
		run.Crossed = true
		if err := n.write(tx); err != nil {
			return err
		}
		return writeRun(tx, run)
	})
	if err != nil {
		return fmt.Errorf("cannot cross the point of no return: %w", err)
	}
	c.watch(Event{Step: CrossName, Moment: Recorded, Tries: tries, Detail: n.detail})
	return nil
}
