package device_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"unbindd/device"
	"unbindd/device/devicesim"
)

// TestMposPowerCutsInADelete takes the power after each key. This reader has no journal: what is gone is found out by
// asking, and the same order again does the rest.
func TestMposPowerCutsInADelete(t *testing.T) {
	cuts := map[string]int{"cut-before-journal": 0, "cut-before-answer": 1}
	for k := range len(newMposBench(t).scope()) + 1 {
		cuts[fmt.Sprintf("cut-after=%d", k)] = k
	}
	for cut, gone := range cuts {
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
			scope := slices.Sorted(slices.Values(b.scope()))
			if left := slices.Sorted(slices.Values(b.answering(r))); !slices.Equal(left, scope[gone:]) {
				t.Errorf("slots %04X answer after the cut", left)
			}
			must(t, r.DeleteKeys(testContext(t), scope))
			if left := b.full(r); !slices.Equal(left, []uint16{0x0501}) || len(b.answering(r)) > 0 {
				t.Errorf("left are %04X", left)
			}
			b.onceEach()
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
	t.Run("half", func(t *testing.T) {
		b := newMposBench(t, "half")
		r := b.reader()
		var refused device.ErrRefused
		if err := r.DeleteKeys(testContext(t), b.scope()); !errors.As(err, &refused) || refused.Reason() != "reader's memory failed (mpos 08)" {
			t.Errorf("error %v", err)
		}
		if left := b.answering(r); len(left) == 0 || len(left) != len(b.full(r))-1 {
			t.Errorf("slots %04X answer", left)
		}
		b.sim.ClearFaults()
		must(t, r.DeleteKeys(testContext(t), b.scope()))
		if left := b.answering(r); len(left) > 0 {
			t.Errorf("slots %04X answer", left)
		}
	})
	t.Run("erases-but-says-failed", func(t *testing.T) {
		b := newMposBench(t, "erases-but-says-failed")
		r := b.reader()
		var refused device.ErrRefused
		if err := r.DeleteKeys(testContext(t), []uint16{0x0106}); !errors.As(err, &refused) {
			t.Errorf("error %v", err)
		}
		if err := r.Probe(testContext(t), 0x0106); !errors.Is(err, device.ErrNoKey) {
			t.Errorf("probe: %v", err)
		}
	})
	t.Run("erases-too-much", func(t *testing.T) {
		b := newMposBench(t, "erases-too-much")
		r := b.reader()
		must(t, r.DeleteKeys(testContext(t), []uint16{0x0106}))
		if left := b.full(r); len(left) > 0 {
			t.Errorf("listed are %04X", left)
		}
	})
	t.Run("ignores-reboot", func(t *testing.T) {
		b := newMposBench(t, "ignores-reboot")
		r := b.reader(func(o *device.Options) { o.Retry.Ack = 200 * time.Millisecond })
		if err := r.Reboot(testContext(t)); !errors.Is(err, device.ErrNoRestart) {
			t.Errorf("error %v", err)
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

// TestMposReadersThatAnswerWrongly: whatever happens to answers, every key is deleted, and once.
func TestMposReadersThatAnswerWrongly(t *testing.T) {
	for _, fault := range []string{"silent-after-ack=2", "no-ack=2", "late-ack=2", "answers-twice", "wrong-seq=2", "nak=2", "busy-forever=2", "reboots=3"} {
		t.Run(fault, func(t *testing.T) {
			b := newMposBench(t)
			s := newStates()
			r := b.reader(func(o *device.Options) { o.Notify, o.Retry.Ack = s.notify, 100*time.Millisecond })
			s.wait(t, 0, device.StateReady)
			b.fault(fault)
			b.deleteUntilDone(r)
			b.sim.ClearFaults()
			if left := b.full(b.patient(r)); !slices.Equal(left, []uint16{0x0501}) {
				t.Errorf("left are %04X", left)
			}
			b.onceEach()
		})
	}
}

// deleteUntilDone gives the order until it is answered.
func (b mposBench) deleteUntilDone(r *device.Reader) {
	b.t.Helper()
	ctx := testContext(b.t)
	for err := r.DeleteKeys(ctx, b.scope()); err != nil; err = r.DeleteKeys(ctx, b.scope()) {
		if ctx.Err() != nil {
			b.t.Fatal(err)
		}
	}
}

// patient takes the place of a reader with short times, whose questions a busy machine answers too late.
func (b mposBench) patient(r *device.Reader) *device.Reader {
	b.t.Helper()
	must(b.t, r.Close())
	return b.reader()
}

// onceEach checks that every key but the TLK was overwritten, and none of them twice.
func (b mposBench) onceEach() {
	b.t.Helper()
	for slot, times := range b.overwritten() {
		if (slot != 0x0501) != (times == 1) || times > 1 {
			b.t.Errorf("slot %04X was overwritten %d times", slot, times)
		}
	}
}

// TestMposLostFramesAreSentAgain: a reader that gets its order again, since the answer was lost, only answers again.
func TestMposLostFramesAreSentAgain(t *testing.T) {
	for _, way := range []string{"in", "out"} {
		t.Run(way, func(t *testing.T) {
			b := newMposBench(t)
			s := newStates()
			r := b.reader(func(o *device.Options) { o.Notify, o.Retry.Ack = s.notify, 500*time.Millisecond })
			s.wait(t, 0, device.StateReady)
			b.line("drop-frame=1x,way=" + way)
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
			r = b.patient(r)
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
	b.deleteUntilDone(r)
	b.line("none")
	if left := b.answering(b.patient(r)); len(left) > 0 {
		t.Errorf("slots %04X answer", left)
	}
	b.onceEach()
}

func (b mposBench) line(text string) {
	b.t.Helper()
	noise, err := devicesim.ParseNoise(text)
	must(b.t, err)
	b.sim.SetLine(noise)
}
