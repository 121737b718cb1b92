package device_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"unbindd/device"
	"unbindd/device/devicesim"
)

// mposBench is a simulated reader that speaks mpos; of bench it has what no pedlink is in.
type mposBench struct{ *bench }

func newMposBench(t *testing.T, faults ...string) mposBench {
	t.Helper()
	dir := t.TempDir()
	seed := sha256.Sum256([]byte(dir)) // a reader of its own, as in newBench
	b := mposBench{&bench{t: t, nvm: filepath.Join(dir, "nvm"), link: filepath.Join(dir, "tty")}}
	b.serial = fmt.Sprintf("MPOS-%X", seed[:4])
	var err error
	b.injection, err = devicesim.Create(b.nvm, devicesim.Spec{
		Serial: b.serial, Protocol: "mpos", TicketKey: make([]byte, 32), Rand: rand.NewChaCha8(seed),
	})
	must(t, err)
	b.start(faults...)
	t.Cleanup(func() { must(t, b.sim.Close()) })
	return b
}

func (b mposBench) start(faults ...string) {
	b.t.Helper()
	options := devicesim.Options{Link: b.link, Protocol: "mpos"}
	for _, text := range faults {
		f, err := devicesim.ParseFault(text)
		must(b.t, err)
		options.Faults = append(options.Faults, f)
	}
	var err error
	b.sim, err = devicesim.Start(b.nvm, options)
	must(b.t, err)
}

func (b mposBench) reader(change ...func(*device.Options)) *device.Reader {
	b.t.Helper()
	options := device.Options{Serial: b.serial, Retry: quick}
	options.Retry.Ack = calm / 2 // an answer has twice that time
	for _, f := range change {
		f(&options)
	}
	r := device.New(device.Config{Driver: "mpos", Path: b.link, Baud: 115200}, options)
	b.t.Cleanup(func() { must(b.t, r.Close()) })
	if options.Notify == nil {
		identifyWhenBack(b.t, r)
	}
	return r
}

// full lists the slots that the reader says hold a key.
func (b mposBench) full(r *device.Reader) (ids []uint16) {
	b.t.Helper()
	slots, err := r.Slots(testContext(b.t))
	must(b.t, err)
	for _, s := range slots {
		if s.State != device.SlotEmpty {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// overwritten counts how often each key was, in the reader's life.
func (b mposBench) overwritten() map[uint16]uint32 {
	times := map[uint16]uint32{}
	for _, s := range b.sim.State().Slots {
		times[s.Slot] = s.Zeroised
	}
	return times
}

func TestMposReaderIsAsInjected(t *testing.T) {
	b := newMposBench(t)
	r := b.reader()
	id, err := r.Identify(testContext(t))
	must(t, err)
	if id.Serial != b.serial || id.Model != b.injection.Model || id.Firmware != b.injection.Firmware || id.RecordKey != nil || id.BootCount != 0 {
		t.Errorf("identity %+v", id)
	}
	slots, err := r.Slots(testContext(t))
	must(t, err)
	listed := map[uint16]device.Slot{}
	for _, s := range slots {
		if s.State != device.SlotEmpty {
			listed[s.ID] = s
		}
	}
	for _, in := range b.injection.Slots {
		s := listed[in.Slot]
		if s.Type != in.Type || s.Alg != in.Alg || !strings.HasPrefix(in.KCV, s.KCV) || len(s.KCV) != 8 || s.Retained != in.Retained {
			t.Errorf("slot %+v, injected %+v", s, in)
		}
		if err := r.Probe(testContext(t), in.Slot); err != nil {
			t.Error(err)
		}
	}
	if len(listed) != len(b.injection.Slots) {
		t.Errorf("%d keys are listed, %d were injected", len(listed), len(b.injection.Slots))
	}
	if err := r.Probe(testContext(t), 0x01C8); !errors.Is(err, device.ErrNoKey) {
		t.Errorf("empty slot: %v", err)
	}
}

func TestMposReaderLacksWhatItsProtocolLacks(t *testing.T) {
	b := newMposBench(t)
	r := b.reader()
	can, err := r.Capabilities(testContext(t))
	must(t, err)
	want := []device.Capability{device.CanTamper, device.CanList, device.CanProbe, device.CanDelete, device.CanRestart, device.CanLoad}
	if !slices.Equal(can, want) {
		t.Errorf("it can %v", can)
	}
	calls := map[string]func() error{
		"follow": func() error { _, err := r.Follow(testContext(t), 0); return err },
		"freeze": func() error { return r.Freeze(testContext(t)) },
		"begin":  func() error { _, err := r.BeginErase(testContext(t), order, b.scope()); return err },
		"commit": func() error { _, err := r.CommitErase(testContext(t), nil, [16]byte{}); return err },
		"status": func() error { _, _, err := r.EraseStatus(testContext(t), order); return err },
		"sam":    func() error { _, err := r.SAMSlots(testContext(t)); return err },
		"rotate": func() error { _, err := r.RotateRecordKey(testContext(t), nil); return err },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, device.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMposTamperIsTold(t *testing.T) {
	b := newMposBench(t)
	r := b.reader()
	if state, err := r.Tamper(testContext(t)); err != nil || state.Detected {
		t.Fatalf("%+v %v", state, err)
	}
	must(t, b.sim.Tamper())
	if state, err := r.Tamper(testContext(t)); err != nil || !state.Detected {
		t.Errorf("%+v %v", state, err)
	}
}

func TestMposDeleteIsReal(t *testing.T) {
	b := newMposBench(t)
	r := b.reader()
	before := b.full(r)
	must(t, r.DeleteKeys(testContext(t), []uint16{0x0106}))
	if left := b.full(r); !slices.Equal(left, slices.DeleteFunc(before, func(s uint16) bool { return s == 0x0106 })) {
		t.Errorf("left are %04X", left)
	}
	must(t, r.DeleteKeys(testContext(t), b.scope()))
	must(t, r.DeleteKeys(testContext(t), b.scope()))
	must(t, r.Reboot(testContext(t)))
	if left := b.full(r); !slices.Equal(left, []uint16{0x0501}) {
		t.Errorf("left are %04X", left)
	}
	if left := b.answering(r); len(left) > 0 {
		t.Errorf("slots %04X answer", left)
	}
	b.onceEach()
	if err := r.DeleteKeys(testContext(t), []uint16{0x0501}); !refusedWith(err, device.CodeScope) {
		t.Errorf("the TLK: %v", err)
	}
}

func TestMposReaderIsFoundAgain(t *testing.T) {
	b := newMposBench(t)
	s := newStates()
	r := b.reader(func(o *device.Options) { o.Notify = s.notify })
	_, at := s.wait(t, 0, device.StateReady)
	must(t, b.sim.Unplug())
	_, at = s.wait(t, at, device.StateLost)
	_, at = s.wait(t, at, device.StateAbsent)
	if _, err := r.Slots(testContext(t)); !errors.Is(err, device.ErrAbsent) {
		t.Errorf("call to an absent reader: %v", err)
	}
	must(t, b.sim.Plug())
	back, at := s.wait(t, at, device.StateReady)
	if back.Serial != b.serial {
		t.Errorf("status %+v", back)
	}
	must(t, r.Reopen(testContext(t)))
	s.wait(t, at, device.StateReady)
}

func TestMposForeignReaderIsAskedForItsNameOnly(t *testing.T) {
	b := newMposBench(t)
	s := newStates()
	r := b.reader(func(o *device.Options) { o.Notify = s.notify })
	_, at := s.wait(t, 0, device.StateReady)
	b.fault("foreign=MPOS-9999") // no hang-up tells of it
	var foreign device.ErrForeign
	if err := r.DeleteKeys(testContext(t), b.scope()); !errors.As(err, &foreign) || foreign.Serial != "MPOS-9999" {
		t.Errorf("delete: %v", err)
	}
	seen, at := s.wait(t, at, device.StateForeign)
	if seen.Serial != "MPOS-9999" {
		t.Errorf("status %+v", seen)
	}
	calls := map[string]func() error{
		"slots":  func() error { _, err := r.Slots(testContext(t)); return err },
		"probe":  func() error { return r.Probe(testContext(t), 0x0106) },
		"delete": func() error { return r.DeleteKeys(testContext(t), b.scope()) },
		"tamper": func() error { _, err := r.Tamper(testContext(t)); return err },
		"reopen": func() error { return r.Reopen(testContext(t)) },
	}
	for name, call := range calls {
		if err := call(); !errors.As(err, &foreign) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if id := identifyWhenBack(t, r); id.Serial != "MPOS-9999" {
		t.Errorf("identity %+v", id)
	}
	for slot, times := range b.overwritten() {
		if times > 0 {
			t.Errorf("slot %04X was overwritten", slot)
		}
	}
	b.sim.ClearFaults()
	identifyWhenBack(t, r) // this finds that it is another one again
	s.wait(t, at, device.StateReady)
}

// TestMposReaderIsFoundByProbing: what other protocols ask first is noise to this reader, and changes nothing.
func TestMposReaderIsFoundByProbing(t *testing.T) {
	b := newMposBench(t)
	r := device.New(device.Config{Driver: device.DriverAuto, Path: b.link}, device.Options{Serial: b.serial, Retry: quick})
	t.Cleanup(func() { must(t, r.Close()) })
	if id := identifyWhenBack(t, r); id.Driver != "mpos" || id.Serial != b.serial {
		t.Errorf("identity %+v", id)
	}
	if left := b.full(r); len(left) != len(b.injection.Slots) {
		t.Errorf("left are %04X", left)
	}
}

func TestMposSilentReaderIsATimeout(t *testing.T) {
	b := newMposBench(t)
	r := b.reader(func(o *device.Options) { o.Retry.Ack = 10 * time.Millisecond })
	b.fault("silent")
	if err := r.DeleteKeys(testContext(t), b.scope()); !errors.Is(err, device.ErrTimeout) {
		t.Errorf("error %v", err)
	}
	if _, err := r.Identify(testContext(t)); !errors.Is(err, device.ErrAbsent) {
		t.Errorf("while it is silent: %v", err)
	}
	b.sim.ClearFaults()
	if left := b.full(b.patient(r)); len(left) != len(b.injection.Slots) {
		t.Errorf("left are %04X", left)
	}
}

func TestMposQuietReaderIsAskedWhetherItLives(t *testing.T) {
	b := newMposBench(t)
	s := newStates()
	b.reader(func(o *device.Options) {
		o.Notify = s.notify
		o.Retry.Ack, o.Retry.KeepAlive = 10*time.Millisecond, 20*time.Millisecond
	})
	_, at := s.wait(t, 0, device.StateReady)
	b.fault("silent")
	s.wait(t, at, device.StateLost) // nobody called anything
}
