package main

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/store"
)

// watchEvery is how often a desk looks for cases that are overdue.
const watchEvery = time.Minute

// watched adds the flag of when a case is overdue without anybody asking.
func (s *serving) watched(c *cobra.Command) {
	c.Flags().Int64Var(&s.overdue, "overdue", 72, "hours after which a case that has not moved raises an alarm; 0 raises none")
}

// watch raises alarms of cases that are overdue until ctx ends, and logs each. It ends by
// itself only when the store does not know its own state any more.
func (s *serving) watch(ctx context.Context, d *desk.Desk, log zerolog.Logger) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for s.overdue > 0 {
		raised, err := d.Watch(s.overdue)
		if errors.Is(err, store.ErrUnknown) {
			return err
		}
		if err != nil {
			log.Error().Err(err).Msg("cannot look for overdue cases")
		} else {
			for _, a := range raised {
				log.Warn().Str("kind", a.Kind).Str("about", a.About).Str("what", a.What).Msg("alarm")
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
	return nil
}
