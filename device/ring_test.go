package device_test

import (
	"errors"
	"testing"

	"unbindd/device"
	"unbindd/device/devicesim"
)

func smallMemory(events int) func(*devicesim.Options) {
	return func(o *devicesim.Options) { o.EventRoom = events }
}

func TestFullEventMemoryTellsWhatItLost(t *testing.T) {
	b := newBenchWith(t, smallMemory(10))
	_, err := b.sim.Generate(25)
	must(t, err)
	r := b.reader()
	for _, c := range []struct {
		after uint32
		lost  uint32
	}{{0, 15}, {5, 10}, {15, 0}, {20, 0}} {
		backlog, err := r.Follow(testContext(t), c.after)
		if want := (device.Backlog{First: 16, Last: 25, Lost: c.lost}); err != nil || backlog != want {
			t.Errorf("after %d: %+v, %v", c.after, backlog, err)
		}
	}
	_, err = r.Follow(testContext(t), 0)
	must(t, err)
	if e := collectOnly(t, r, 10); e[0].Seq != 16 || e[9].Seq != 25 {
		t.Errorf("got %d..%d", e[0].Seq, e[9].Seq)
	}
}

// An overflow under a flow ends the flow: the host never sees a gap and takes it for the whole.
func TestOverflowUnderAFlowEndsIt(t *testing.T) {
	b := newBenchWith(t, smallMemory(70))
	_, err := b.sim.Generate(70)
	must(t, err)
	r := b.reader()
	_, err = r.Follow(testContext(t), 0)
	must(t, err)
	collectOnly(t, r, 64) // the window is full, the host acknowledges nothing
	_, err = b.sim.Generate(65)
	must(t, err)
	if _, err := r.Next(testContext(t), 1); !errors.Is(err, device.ErrHangup) {
		t.Fatalf("error %v", err)
	}
	backlog, err := followWhenBack(t, r, 64)
	if want := (device.Backlog{First: 66, Last: 135, Lost: 1}); err != nil || backlog != want {
		t.Errorf("backlog %+v, %v", backlog, err)
	}
}
