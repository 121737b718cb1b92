package device

import (
	"context"
	"fmt"
)

// turn lets one command at a time onto a line.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

// alone runs ask when the line is ours. If ctx ends first, ask goes on without us, since the next command
// needs a quiet line: the outcome is then unknown.
func alone[answer any](ctx context.Context, t turn, l *line, ask func() (answer, error)) (answer, error) {
	var none answer
	select {
	case t <- struct{}{}:
	case <-l.dead:
		return none, absent(l.cause)
	case <-ctx.Done():
		return none, fmt.Errorf("%w: %w", ErrAbsent, ctx.Err())
	}
	type outcome struct {
		answer answer
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		a, err := ask()
		<-t
		done <- outcome{a, err}
	}()
	select {
	case o := <-done:
		return o.answer, o.err
	case <-ctx.Done():
		return none, fmt.Errorf("%w: %w", ErrTimeout, ctx.Err())
	}
}
