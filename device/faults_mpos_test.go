package device_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"unbindd/device"
	"unbindd/device/devicesim"
)

// TestMposPowerCutsInADelete takes the power in the middle. This reader has no journal: what is gone is found out by
// asking, and the same order again does the rest.
func TestMposPowerCutsInADelete(t *testing.T) {
	cuts := []string{"cut-after=0", "cut-after=1", "cut-before-answer"}
	for _, cut := range cuts {
		t.Run(cut, func(t *testing.T) {
			b := newMposBench(t, cut)
			r := b.reader()
			if err := r.DeleteKeys(testContext(t), b.scope()); !errors.Is(err, device.ErrHangup) {
				t.Fatalf("error %v", err)
			}
			<-b.sim.Done()
			must(t, b.sim.Close())
			b.start()
			identifyWhenBack(t, r)
			left := b.answering(r)
			if want := len(b.scope()); len(left) != want && len(left) != want-1 {
				t.Errorf("%d of %d slots answer after the cut", len(left), want)
			}
			must(t, r.DeleteKeys(testContext(t), b.scope()))
			if left := b.answering(r); len(left) > 0 {
				t.Errorf("slots %04X answer", left)
			}
			if left := b.full(r); !slices.Equal(left, []uint16{0x0501}) {
				t.Errorf("left are %04X", left)
			}
		})
	}
}

func TestMposReadersThatDoWrong(t *testing.T) {
	t.Run("refuses", func(t *testing.T) {
		b := newMposBench(t, "refuses")
		r := b.reader()
		var refused device.ErrRefused
		if err := r.DeleteKeys(testContext(t), b.scope()); !errors.As(err, &refused) || refused.Reason() != "refused (mpos 05)" {
			t.Errorf("error %v", err)
		}
		if left := b.answering(r); len(left) != len(b.scope()) {
			t.Errorf("slots %04X answer", left)
		}
	})
	t.Run("lies-keeps", func(t *testing.T) {
		b := newMposBench(t, "lies-keeps")
		r := b.reader()
		must(t, r.DeleteKeys(testContext(t), b.scope()))
		if left := b.full(r); len(left) != len(b.injection.Slots) {
			t.Errorf("listed are %04X", left)
		}
	})
	t.Run("lies-until-reboot", func(t *testing.T) {
		b := newMposBench(t, "lies-until-reboot")
		r := b.reader()
		must(t, r.DeleteKeys(testContext(t), b.scope()))
		if len(b.full(r)) != 1 || len(b.answering(r)) != 0 {
			t.Error("the lie shows too early")
		}
		must(t, r.Reboot(testContext(t)))
		if len(b.full(r)) == 1 || len(b.answering(r)) == 0 {
			t.Error("the keys are really gone")
		}
	})
}

// TestMposKeyThatIsHiddenIsFoundByItsUse also shows the limit: only a TDK and a TAK can be used by a host.
func TestMposKeyThatIsHiddenIsFoundByItsUse(t *testing.T) {
	b := newMposBench(t, "lies-hides-from-list")
	r := b.reader()
	must(t, r.DeleteKeys(testContext(t), b.scope()))
	if left := b.full(r); len(left) != 1 {
		t.Errorf("listed are %04X", left)
	}
	var usable []uint16
	for _, s := range b.injection.Slots {
		if s.Type == "TDK" || s.Type == "TAK" {
			usable = append(usable, s.Slot)
		}
	}
	if left := b.answering(r); !slices.Equal(slices.Sorted(slices.Values(left)), slices.Sorted(slices.Values(usable))) {
		t.Errorf("slots %04X answer, not %04X", left, usable)
	}
}

// TestMposLostFramesAreSentAgain: a reader that gets its order again, since the answer was lost, only answers again.
func TestMposLostFramesAreSentAgain(t *testing.T) {
	for _, way := range []string{"in", "out"} {
		t.Run(way, func(t *testing.T) {
			b := newMposBench(t)
			s := newStates()
			r := b.reader(func(o *device.Options) { o.Notify, o.Retry.Ack = s.notify, 50*time.Millisecond })
			s.wait(t, 0, device.StateReady)
			b.line("drop-frame=2x,way=" + way)
			must(t, r.DeleteKeys(testContext(t), []uint16{0x0106}))
			if times := b.overwritten()[0x0106]; times != 1 {
				t.Errorf("the key was overwritten %d times", times)
			}
			if st := r.Status(); st.State != device.StateReady {
				t.Errorf("status %+v", st)
			}
		})
	}
}

// TestMposLineFaults puts each fault of the line into three frames of an order. Whatever comes of it is an answer or an
// error that says it is unknown; asked again, the key is gone, and it was deleted once.
func TestMposLineFaults(t *testing.T) {
	for _, fault := range devicesim.LineFaultNames() {
		t.Run(fault, func(t *testing.T) {
			b := newMposBench(t)
			s := newStates()
			r := b.reader(func(o *device.Options) { o.Notify, o.Retry.Ack = s.notify, 50*time.Millisecond })
			s.wait(t, 0, device.StateReady)
			b.line(fault + "=3x,seed=5")
			ctx := testContext(t)
			for err := r.DeleteKeys(ctx, []uint16{0x0106}); err != nil; err = r.DeleteKeys(ctx, []uint16{0x0106}) {
				if ctx.Err() != nil {
					t.Fatal(err)
				}
			}
			b.line("none")
			identifyWhenBack(t, r)
			if err := r.Probe(ctx, 0x0106); !errors.Is(err, device.ErrNoKey) {
				t.Errorf("probe: %v", err)
			}
			for slot, times := range b.overwritten() {
				if (slot == 0x0106) != (times == 1) || times > 1 {
					t.Errorf("slot %04X was overwritten %d times", slot, times)
				}
			}
		})
	}
}

// TestMposLineWithNoise: whatever the line does to the frames, the order is carried out, and no key is touched twice.
func TestMposLineWithNoise(t *testing.T) {
	b := newMposBench(t)
	r := b.reader(func(o *device.Options) {
		o.Retry = device.RetryConfig{Ack: 20 * time.Millisecond, Gap: 5 * time.Millisecond, BackoffFirst: time.Millisecond, BackoffMax: time.Millisecond}
	})
	b.line("lose=0.002,flip=0.001,seed=3")
	ctx := testContext(t)
	for err := errors.New("not asked yet"); err != nil; err = r.DeleteKeys(ctx, b.scope()) {
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	b.line("none")
	identifyWhenBack(t, r)
	if left := b.answering(r); len(left) > 0 {
		t.Errorf("slots %04X answer", left)
	}
	for slot, times := range b.overwritten() {
		if (slot != 0x0501) != (times == 1) || times > 1 {
			t.Errorf("slot %04X was overwritten %d times", slot, times)
		}
	}
}

func (b mposBench) line(text string) {
	b.t.Helper()
	noise, err := devicesim.ParseNoise(text)
	must(b.t, err)
	b.sim.SetLine(noise)
}
