package fleet

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Pace is what many calls took.
type Pace struct {
	Calls   int
	Seconds float64
	P50     time.Duration
	P99     time.Duration
}

// PerSecond is how many calls ended in a second.
func (p Pace) PerSecond() float64 { return float64(p.Calls) / p.Seconds }

// Crowd does something for each of many, so many at once, and says how long each
// took. The first error ends it.
func Crowd[T any](ctx context.Context, workers int, all []T, do func(T) error) (Pace, error) {
	took := make([]time.Duration, len(all))
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wait sync.WaitGroup
	began := time.Now()
	for range workers {
		wait.Go(func() {
			for failed.Load() == nil && ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(all) {
					return
				}
				from := time.Now()
				if err := do(all[i]); err != nil {
					failed.CompareAndSwap(nil, &err)
					return
				}
				took[i] = time.Since(from)
			}
		})
	}
	wait.Wait()
	p := Pace{Calls: len(all), Seconds: time.Since(began).Seconds()}
	if err := failed.Load(); err != nil {
		return p, *err
	}
	if err := ctx.Err(); err != nil {
		return p, errors.Join(err, context.Cause(ctx))
	}
	slices.Sort(took)
	if len(took) > 0 {
		p.P50, p.P99 = took[len(took)/2], took[len(took)*99/100]
	}
	return p, nil
}
