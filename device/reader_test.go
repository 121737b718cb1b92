package device_test

import (
	"context"
	"encoding/hex"
	"errors"
	"os"
	"testing"
	"time"

	"unbindd/device"
	"unbindd/device/devicesim"
)

func TestIdentityAndSlotsAreAsInjected(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	id, err := r.Identify(testContext(t))
	must(t, err)
	if id.Serial != b.serial || id.Model != b.injection.Model || id.Firmware != b.injection.Firmware ||
		hex.EncodeToString(id.RecordKey) != hex.EncodeToString(b.injection.Pub) || id.BootCount != 1 || id.MaxLength != 4096 {
		t.Errorf("identity %+v", id)
	}
	slots, err := r.Slots(testContext(t))
	must(t, err)
	for i, in := range b.injection.Slots {
		s := slots[i]
		if s.ID != in.Slot || s.Type != in.Type || s.Alg != in.Alg || s.KCV != in.KCV || s.Method != in.Method || s.Retained != in.Retained || s.KSN != in.KSN {
			t.Errorf("slot %+v, injected %+v", s, in)
		}
	}
	own := slots[len(b.injection.Slots):]
	if len(own) != 2 || own[0].Reason != "reader-link" || own[1].Reason != "record-signing" || !own[0].Retained || !own[1].Retained {
		t.Errorf("the reader's own keys: %+v", own)
	}
}

func TestSlotStates(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	must(t, b.sim.SetSlot(0x30, "exhausted"))
	must(t, b.sim.SetSlot(0x10, "blocked"))
	slots, err := r.Slots(testContext(t))
	must(t, err)
	state := map[uint16]device.SlotState{}
	for _, s := range slots {
		state[s.ID] = s.State
	}
	if state[0x30] != device.SlotExhausted || state[0x10] != device.SlotBlocked || state[0x11] != device.SlotLoaded || state[0x31] != device.SlotEmpty {
		t.Errorf("states %v", state)
	}
	must(t, r.Probe(testContext(t), 0x30)) // at its end of life, and still there
	must(t, r.Probe(testContext(t), 0x01))
	if err := r.Probe(testContext(t), 0x31); !errors.Is(err, device.ErrNoKey) {
		t.Errorf("empty slot: %v", err)
	}
	if err := r.Probe(testContext(t), 0x10); !refusedWith(err, device.CodeKeyBlocked) {
		t.Errorf("blocked slot: %v", err)
	}
	if err := r.Probe(testContext(t), 0x99); !refusedWith(err, device.CodeNoSlot) {
		t.Errorf("unknown slot: %v", err)
	}
}

func TestFreezeSurvivesAPowerCut(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	must(t, r.Freeze(testContext(t)))
	must(t, r.Freeze(testContext(t)))
	must(t, b.sim.Cut())
	b.start()
	if _, err := b.sim.Sell(100, "CNY"); err == nil {
		t.Error("a frozen reader sells")
	}
	if id := identifyWhenBack(t, r); !id.Frozen {
		t.Errorf("identity %+v", id)
	}
	must(t, r.Thaw(testContext(t)))
	if _, err := b.sim.Sell(100, "CNY"); err != nil {
		t.Error(err)
	}
}

// identifyWhenBack repeats while the reader is away.
func identifyWhenBack(t *testing.T, r *device.Reader) device.Identity {
	t.Helper()
	ctx := testContext(t)
	for {
		id, err := r.Identify(ctx)
		if err == nil {
			return id
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

func TestTamperIsTold(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	if state, err := r.Tamper(testContext(t)); err != nil || state.Detected {
		t.Fatalf("%+v %v", state, err)
	}
	must(t, b.sim.Tamper())
	if state, err := r.Tamper(testContext(t)); err != nil || !state.Detected {
		t.Errorf("%+v %v", state, err)
	}
}

func TestReopenAndReboot(t *testing.T) {
	b := newBench(t)
	s := newStates()
	r := b.reader(func(o *device.Options) { o.Notify = s.notify })
	_, at := s.wait(t, 0, device.StateReady)
	must(t, r.Reopen(testContext(t)))
	_, at = s.wait(t, at, device.StateReady)
	if id := identifyWhenBack(t, r); id.BootCount != 1 {
		t.Errorf("reopened: boot count %d", id.BootCount)
	}
	must(t, r.Reboot(testContext(t)))
	s.wait(t, at, device.StateReady)
	if id := identifyWhenBack(t, r); id.BootCount != 2 {
		t.Errorf("restarted: boot count %d", id.BootCount)
	}
}

func TestReaderThatDoesNotRestartIsFoundOut(t *testing.T) {
	b := newBench(t, "ignores-reboot")
	if err := b.reader().Reboot(testContext(t)); err == nil {
		t.Error("believed")
	}
}

// A reader that is away for long is asked for at the pauses of the reconnection, not as fast as its tty can be missed.
func TestRestartKeepsThePauses(t *testing.T) {
	b := newBench(t)
	s := newStates()
	ordered := make(chan struct{})
	r := b.reader(func(o *device.Options) {
		o.Retry.BackoffFirst, o.Retry.BackoffMax = time.Hour, time.Hour
		o.Notify = func(st device.Status) {
			select {
			case <-ordered:
				if st.State == device.StateLost { // before the next attempt
					_ = b.sim.Unplug()
				}
			default:
			}
			s.notify(st)
		}
	})
	_, at := s.wait(t, 0, device.StateReady)
	close(ordered)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := r.Reboot(ctx); !errors.Is(err, device.ErrAbsent) {
		t.Errorf("error %v", err)
	}
	if n := s.count(at, device.StateOpening); n > 5 {
		t.Errorf("%d attempts", n)
	}
}

func TestUnpluggedReaderHangsUpAndComesBack(t *testing.T) {
	b := newBench(t)
	s := newStates()
	r := b.reader(func(o *device.Options) { o.Notify = s.notify })
	_, at := s.wait(t, 0, device.StateReady)
	_, err := r.Follow(testContext(t), 0)
	must(t, err)
	blocked := make(chan error, 1)
	go func() { _, err := r.Next(testContext(t), 1); blocked <- err }()
	must(t, b.sim.Unplug())
	if err := <-blocked; !errors.Is(err, device.ErrHangup) || errors.Is(err, device.ErrTimeout) {
		t.Errorf("blocked call: %v", err)
	}
	_, at = s.wait(t, at, device.StateLost)
	gone, at := s.wait(t, at, device.StateAbsent)
	if gone.Cycles == 0 || gone.Err == "" {
		t.Errorf("status %+v", gone)
	}
	if _, err := r.Slots(testContext(t)); !errors.Is(err, device.ErrAbsent) {
		t.Errorf("call to an absent reader: %v", err)
	}
	must(t, b.sim.Plug())
	back, _ := s.wait(t, at, device.StateReady)
	if back.Cycles != 0 || back.Serial != b.serial {
		t.Errorf("status %+v", back)
	}
}

func TestLineThatLeadsElsewhereIsLeft(t *testing.T) {
	b, other := newBench(t), newBench(t)
	s := newStates()
	b.reader(func(o *device.Options) { o.Notify = s.notify })
	_, at := s.wait(t, 0, device.StateReady)
	must(t, os.Remove(b.link))
	must(t, os.Symlink(other.sim.Path(), b.link)) // the old line is still there and answers
	seen, _ := s.wait(t, at, device.StateForeign)
	if seen.Serial != other.serial {
		t.Errorf("status %+v", seen)
	}
}

func TestSilentReaderIsATimeout(t *testing.T) {
	b := newBench(t)
	r := b.reader(func(o *device.Options) { o.Retry.Ack = 10 * time.Millisecond })
	identifyWhenBack(t, r)
	b.fault("silent")
	if err := r.Freeze(testContext(t)); !errors.Is(err, device.ErrTimeout) {
		t.Errorf("error %v", err)
	}
	if _, err := r.Identify(testContext(t)); !errors.Is(err, device.ErrAbsent) {
		t.Errorf("while it is silent: %v", err)
	}
	must(t, b.sim.ClearFaults())
	identifyWhenBack(t, r)
}

func TestQuietReaderIsAskedWhetherItLives(t *testing.T) {
	b := newBench(t)
	s := newStates()
	b.reader(func(o *device.Options) {
		o.Notify = s.notify
		o.Retry.Ack = 10 * time.Millisecond
		o.Retry.KeepAlive = 20 * time.Millisecond
	})
	_, at := s.wait(t, 0, device.StateReady)
	b.fault("silent")
	s.wait(t, at, device.StateLost) // nobody called anything
}

func TestForeignReaderIsAskedForItsNameOnly(t *testing.T) {
	b := newBench(t)
	s := newStates()
	r := b.reader(func(o *device.Options) { o.Notify = s.notify })
	_, at := s.wait(t, 0, device.StateReady)
	b.fault("foreign=PED-9999")
	seen, at := s.wait(t, at, device.StateForeign)
	if seen.Serial != "PED-9999" {
		t.Errorf("status %+v", seen)
	}
	id, err := r.Identify(testContext(t))
	must(t, err)
	if id.Serial != "PED-9999" {
		t.Errorf("identity %+v", id)
	}
	calls := map[string]func() error{
		"slots":  func() error { _, err := r.Slots(testContext(t)); return err },
		"follow": func() error { _, err := r.Follow(testContext(t), 0); return err },
		"freeze": func() error { return r.Freeze(testContext(t)) },
		"begin":  func() error { _, err := r.BeginErase(testContext(t), order, b.scope()); return err },
		"commit": func() error { _, err := r.CommitErase(testContext(t), nil, [16]byte{}); return err },
		"status": func() error { _, _, err := r.EraseStatus(testContext(t), order); return err },
		"reopen": func() error { return r.Reopen(testContext(t)) },
	}
	for name, call := range calls {
		var foreign device.ErrForeign
		if err := call(); !errors.As(err, &foreign) || foreign.Serial != "PED-9999" {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, b.sim.ClearFaults())
	s.wait(t, at, device.StateReady)
}

func TestUnpairedTerminalMayOnlyIdentify(t *testing.T) {
	b := newBench(t)
	r := b.reader(func(o *device.Options) { o.Pairing = device.Secret{}; o.Serial = "" })
	if id := identifyWhenBack(t, r); id.Serial != b.serial {
		t.Errorf("identity %+v", id)
	}
	if _, err := r.Slots(testContext(t)); !errors.Is(err, device.ErrUnpaired) {
		t.Errorf("slots: %v", err)
	}
	if r.Status().State != device.StateUnpaired {
		t.Errorf("status %+v", r.Status())
	}
}

func TestWrongPairingKeyLocks(t *testing.T) {
	b := newBench(t)
	wrong, err := device.NewSecret(make([]byte, 16))
	must(t, err)
	r := b.reader(func(o *device.Options) { o.Pairing = wrong })
	if err := r.Freeze(testContext(t)); !errors.Is(err, device.ErrLocked) {
		t.Errorf("freeze: %v", err)
	}
	if id := identifyWhenBack(t, r); id.Serial != b.serial {
		t.Errorf("identity %+v", id)
	}
	if s := b.sim.State(); s.Frozen || s.FailedProofs > 0 {
		t.Errorf("state %+v", s)
	}
}

func TestCloseFreesBlockedCalls(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	_, err := r.Follow(testContext(t), 0)
	must(t, err)
	b.fault("silent")
	blocked := make(chan error, 2)
	started := make(chan struct{}, 2)
	go func() { started <- struct{}{}; _, err := r.Next(context.Background(), 1); blocked <- err }()
	go func() { started <- struct{}{}; blocked <- r.Freeze(context.Background()) }()
	<-started
	<-started
	must(t, r.Close())
	for range 2 {
		if err := <-blocked; !errors.Is(err, device.ErrClosed) {
			t.Errorf("blocked call: %v", err)
		}
	}
	if err := r.Freeze(context.Background()); !errors.Is(err, device.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if r.Status().State != device.StateClosed {
		t.Errorf("status %+v", r.Status())
	}
	must(t, r.Close())
}

func TestContextEndsACallAndNotTheConversation(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	identifyWhenBack(t, r)
	b.fault("silent")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Freeze(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	must(t, b.sim.ClearFaults())
	must(t, r.Thaw(testContext(t))) // waits for its turn behind the abandoned call
}

func TestLineWithNoiseStillDelivers(t *testing.T) {
	b := newBench(t)
	must(t, b.sim.Close())
	b.ack = 20 * time.Millisecond
	b.start()
	_, err := b.sim.Generate(150)
	must(t, err)
	r := b.reader(func(o *device.Options) {
		o.Retry = device.RetryConfig{Ack: 20 * time.Millisecond, Gap: 5 * time.Millisecond, BackoffFirst: time.Millisecond, BackoffMax: time.Millisecond}
	})
	identifyWhenBack(t, r)
	noise, err := devicesim.ParseNoise("lose=0.0003,flip=0.0003,seed=3")
	must(t, err)
	b.sim.SetLine(noise)
	var last uint32
	for last < 150 {
		_, err := followWhenBack(t, r, last)
		must(t, err)
		for last < 150 {
			events, err := r.Next(testContext(t), 16)
			if errors.Is(err, device.ErrHangup) {
				break
			}
			must(t, err)
			for _, e := range events {
				if last++; e.Seq != last {
					t.Fatalf("event %d instead of %d", e.Seq, last)
				}
			}
			// A lost acknowledgement is repeated with the next one.
			if err := r.Acknowledge(testContext(t), last); err != nil && !errors.Is(err, device.ErrHangup) &&
				!errors.Is(err, device.ErrTimeout) && !errors.Is(err, device.ErrAbsent) && !refusedWith(err, device.CodeEventUnpushed) {
				t.Fatal(err)
			}
		}
	}
}
