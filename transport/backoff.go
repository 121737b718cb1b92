package transport

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff says how long to wait between attempts: full jitter, uniform between
// nothing and a bound that doubles from Min to Max. With the whole range random
// a fleet that lost its desk at one moment does not return at one moment.
type Backoff struct {
	Min time.Duration                                    // first bound; 1 s if zero
	Max time.Duration                                    // last bound; 15 min if zero
	Int func(n int64) int64                              // uniform in [0, n); math/rand/v2 if nil
	Nap func(ctx context.Context, d time.Duration) error // waits for d or for ctx; a timer if nil
}

// Delay is how long to wait after the given number of failures in a row,
// counted from 1.
func (b Backoff) Delay(failures int) time.Duration {
	bound, last := b.bounds()
	for i := 1; i < failures && bound < last; i++ {
		bound *= 2
	}
	draw := b.Int
	if draw == nil {
		draw = rand.Int64N
	}
	return time.Duration(draw(int64(min(bound, last)) + 1))
}

func (b Backoff) bounds() (first, last time.Duration) {
	first, last = b.Min, b.Max
	if first <= 0 {
		first = time.Second
	}
	if last <= 0 {
		last = 15 * time.Minute
	}
	return min(first, last), last
}

func (b Backoff) nap(ctx context.Context, d time.Duration) error {
	if b.Nap != nil {
		return b.Nap(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
