package transport

import (
	"context"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDelayDoublesUpToItsBound(t *testing.T) {
	highest := Backoff{Min: time.Second, Max: 10 * time.Second, Int: func(n int64) int64 { return n - 1 }}
	for i, want := range []time.Duration{1, 2, 4, 8, 10, 10} {
		if got := highest.Delay(i + 1); got != want*time.Second {
			t.Errorf("after %d failures: %v, want %v", i+1, got, want*time.Second)
		}
	}
}

func TestDelayStaysInItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := Backoff{
			Min: time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "min")),
			Max: time.Duration(rapid.Int64Range(0, int64(100*24*time.Hour)).Draw(t, "max")),
		}
		last := b.Max
		if last == 0 {
			last = 15 * time.Minute
		}
		if d := b.Delay(rapid.IntRange(0, 1<<30).Draw(t, "failures")); d < 0 || d > last {
			t.Fatalf("delay %v outside 0..%v", d, last)
		}
	})
}

// naps records waits instead of waiting.
type naps struct{ taken []time.Duration }

func (n *naps) nap(_ context.Context, d time.Duration) error {
	n.taken = append(n.taken, d)
	return nil
}

func TestRetryKeepsTryingUntilItWorks(t *testing.T) {
	var n naps
	noted := 0
	b := Backoff{Min: time.Second, Max: time.Minute, Int: func(n int64) int64 { return n - 1 }, Nap: n.nap}
	err := Retry(t.Context(), b, func() error {
		if len(n.taken) < 100 {
			return errors.New("no way")
		}
		return nil
	}, func(failures int, wait time.Duration, err error) {
		noted++
		if failures != noted || err == nil {
			t.Errorf("note %d: failures %d, %v", noted, failures, err)
		}
	})
	if err != nil || noted != 100 || n.taken[99] != time.Minute {
		t.Fatalf("%v after %d notes", err, noted)
	}
}

func TestRetryHonoursTheDesksWait(t *testing.T) {
	var n naps
	b := Backoff{Min: time.Second, Max: time.Minute, Int: func(int64) int64 { return 7 }, Nap: n.nap}
	err := Retry(t.Context(), b, func() error {
		if len(n.taken) == 0 {
			return &Status{Code: 503, Err: "E28:busy", RetryAfter: time.Hour}
		}
		return nil
	}, nil)
	if err != nil || n.taken[0] != time.Hour+7 {
		t.Fatalf("%v, waited %v; want an hour and the jitter", err, n.taken)
	}
}

func TestRetryGivesUpOnlyWhenTold(t *testing.T) {
	final := &Status{Code: 409, Err: "E11:other-bytes"}
	calls := 0
	err := Retry(t.Context(), Backoff{}, func() error { calls++; return final }, nil)
	if !errors.Is(err, final) || calls != 1 {
		t.Errorf("%v after %d calls; want the refusal after one", err, calls)
	}
	why := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	err = Retry(ctx, Backoff{Min: time.Hour}, func() error { cancel(why); return ErrNotYet }, nil)
	if !errors.Is(err, why) {
		t.Errorf("got %v, want %v", err, why)
	}
	ctx, cancel = context.WithCancelCause(t.Context())
	err = Retry(ctx, Backoff{Min: time.Hour}, func() error { return ErrNotYet },
		func(int, time.Duration, error) { cancel(why) })
	if !errors.Is(err, why) {
		t.Errorf("while waiting: got %v, want %v", err, why)
	}
}
