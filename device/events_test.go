package device_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"unbindd/device"
)

// collect takes n events and acknowledges what it took.
func collect(t *testing.T, r *device.Reader, n int) []device.Event {
	t.Helper()
	var all []device.Event
	for len(all) < n {
		events, err := r.Next(testContext(t), 256)
		must(t, err)
		all = append(all, events...)
		must(t, r.Acknowledge(testContext(t), events[len(events)-1].Seq))
	}
	return all
}

func TestManyEventsArriveOnceAndInOrder(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	const n = 2000
	_, err := b.sim.Generate(n)
	must(t, err)
	began := time.Now()
	backlog, err := r.Follow(testContext(t), 0)
	must(t, err)
	if backlog != (device.Backlog{First: 1, Last: n}) {
		t.Fatalf("backlog %+v", backlog)
	}
	for i, e := range collect(t, r, n) {
		var record struct{ Evseq uint32 }
		must(t, json.Unmarshal(e.Body, &record))
		if e.Seq != uint32(i+1) || record.Evseq != e.Seq || e.Code != device.EventTransaction {
			t.Fatalf("event %d is %d", i+1, e.Seq)
		}
	}
	t.Logf("%d events in %v", n, time.Since(began))
	if s := b.sim.State(); s.Held != 0 || s.Acked != n {
		t.Errorf("reader still holds %d", s.Held)
	}
}

func TestUnacknowledgedEventsComeAgain(t *testing.T) {
	b := newBench(t)
	_, err := b.sim.Generate(100)
	must(t, err)
	r := b.reader()
	_, err = r.Follow(testContext(t), 0)
	must(t, err)
	first := collectOnly(t, r, 64)
	must(t, r.Acknowledge(testContext(t), first[9].Seq))
	must(t, b.sim.Cut()) // the reader forgets nothing but what was acknowledged
	if _, err := r.Next(testContext(t), 1); err == nil {
		// Events that had been received whole may still be handed over.
		for err == nil {
			_, err = r.Next(testContext(t), 100)
		}
		if !errors.Is(err, device.ErrHangup) {
			t.Fatalf("after the cut: %v", err)
		}
	}
	b.start()
	backlog, err := followWhenBack(t, r, 10)
	must(t, err)
	if backlog != (device.Backlog{First: 11, Last: 100}) {
		t.Fatalf("backlog %+v", backlog)
	}
	again := collect(t, r, 90)
	if again[0].Seq != 11 || again[89].Seq != 100 {
		t.Errorf("got %d..%d", again[0].Seq, again[89].Seq)
	}
}

// collectOnly takes n events and acknowledges none.
func collectOnly(t *testing.T, r *device.Reader, n int) []device.Event {
	t.Helper()
	var all []device.Event
	for len(all) < n {
		events, err := r.Next(testContext(t), n-len(all))
		must(t, err)
		all = append(all, events...)
	}
	return all
}

// followWhenBack repeats while the reader is away; the reconnection paces it.
func followWhenBack(t *testing.T, r *device.Reader, after uint32) (device.Backlog, error) {
	t.Helper()
	ctx := testContext(t)
	for {
		backlog, err := r.Follow(ctx, after)
		if err == nil || ctx.Err() != nil || !(errors.Is(err, device.ErrAbsent) || errors.Is(err, device.ErrHangup)) {
			return backlog, err
		}
	}
}

func TestWindowStopsAtSixtyFour(t *testing.T) {
	b := newBench(t)
	_, err := b.sim.Generate(65)
	must(t, err)
	r := b.reader()
	_, err = r.Follow(testContext(t), 0)
	must(t, err)
	collectOnly(t, r, 64)
	// Any further event would be on the line before the answer to this.
	_, err = r.Tamper(testContext(t))
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if events, err := r.Next(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Fatalf("beyond the window: %d events, %v", len(events), err)
	}
	must(t, r.Acknowledge(testContext(t), 64))
	if e := collectOnly(t, r, 1); e[0].Seq != 65 {
		t.Errorf("event %d", e[0].Seq)
	}
}

func TestLostEventsAreTold(t *testing.T) {
	b := newBench(t)
	_, err := b.sim.Generate(10)
	must(t, err)
	must(t, b.sim.Lose(4))
	r := b.reader()
	backlog, err := r.Follow(testContext(t), 1)
	must(t, err)
	if backlog != (device.Backlog{First: 5, Last: 10, Lost: 3}) {
		t.Errorf("backlog %+v", backlog)
	}
	if e := collectOnly(t, r, 6); e[0].Seq != 5 {
		t.Errorf("flow begins at %d", e[0].Seq)
	}
}

func TestAcknowledgementsThatCannotBe(t *testing.T) {
	b := newBench(t)
	_, err := b.sim.Generate(3)
	must(t, err)
	r := b.reader()
	if err := r.Acknowledge(testContext(t), 3); !refusedWith(err, device.CodeEventUnpushed) {
		t.Errorf("never pushed: %v", err)
	}
	if err := r.Acknowledge(testContext(t), 4); !refusedWith(err, device.CodeEventAhead) {
		t.Errorf("never given: %v", err)
	}
	if _, err := r.Follow(testContext(t), 4); !refusedWith(err, device.CodeEventAhead) {
		t.Errorf("follow ahead: %v", err)
	}
	if b.sim.State().Held != 3 {
		t.Error("the reader let go of an event")
	}
	// A caller that has them from an earlier flow says so by following after them.
	_, err = r.Follow(testContext(t), 3)
	must(t, err)
	must(t, r.Acknowledge(testContext(t), 3))
	must(t, r.Acknowledge(testContext(t), 2)) // repeated and older: nothing happens
	if b.sim.State().Held != 0 {
		t.Error("the reader holds on")
	}
}

func TestSecondFollowReplacesTheFirst(t *testing.T) {
	b := newBench(t)
	_, err := b.sim.Generate(30)
	must(t, err)
	r := b.reader()
	_, err = r.Follow(testContext(t), 0)
	must(t, err)
	_, err = r.Follow(testContext(t), 20)
	must(t, err)
	if e := collectOnly(t, r, 10); e[0].Seq != 21 || e[9].Seq != 30 {
		t.Errorf("got %d..%d", e[0].Seq, e[9].Seq)
	}
}

func refusedWith(err error, code device.Code) bool {
	var refused device.ErrRefused
	return errors.As(err, &refused) && refused.Code == code
}

// A Follow that the reader refuses has ended the flow before it all the same: nobody may wait there for ever.
func TestFollowThatFailsEndsTheFlowBefore(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	_, err := r.Follow(testContext(t), 0)
	must(t, err)
	waiting := make(chan error, 1)
	go func() {
		_, err := r.Next(testContext(t), 1)
		waiting <- err
	}()
	if _, err := r.Follow(testContext(t), 99); !refusedWith(err, device.CodeEventAhead) {
		t.Fatalf("error %v", err)
	}
	if err := <-waiting; !errors.Is(err, device.ErrHangup) {
		t.Errorf("error %v", err)
	}
	if _, err := r.Next(testContext(t), 1); !errors.Is(err, device.ErrHangup) {
		t.Errorf("afterwards: %v", err)
	}
}
