package device_test

import (
	"errors"
	"slices"
	"testing"

	"unbindd/device"
)

var base = []device.Capability{
	device.CanEvents, device.CanFreeze, device.CanTamper, device.CanList, device.CanProbe, device.CanErase, device.CanRestart,
}

func TestReaderTellsWhatItCan(t *testing.T) {
	for name, c := range map[string]struct {
		faults   []string
		revision int
		want     []device.Capability
	}{
		"everything":      {nil, 2, append(slices.Clone(base), device.CanSAM, device.CanLoad, device.CanRotate)},
		"no sam, no load": {[]string{"lacks=sam,load"}, 2, append(slices.Clone(base), device.CanRotate)},
		"no restart":      {[]string{"lacks=restart,sam,load,rotate"}, 2, base[:6]},
		"an older reader": {[]string{"lacks=revision"}, 1, base},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newBench(t, c.faults...).reader()
			can, err := r.Capabilities(testContext(t))
			if err != nil || !slices.Equal(can, c.want) {
				t.Errorf("capabilities %v, %v", can, err)
			}
			if id := identifyWhenBack(t, r); id.Revision != c.revision {
				t.Errorf("revision %d", id.Revision)
			}
		})
	}
}

func TestWhatAReaderLacksIsUnsupported(t *testing.T) {
	b := newBench(t, "lacks=sam,load,rotate,restart,probe,tamper")
	r := b.reader()
	ctx := testContext(t)
	for name, ask := range map[string]func() error{
		"sam":     func() error { _, err := r.SAMSlots(ctx); return err },
		"load":    func() error { _, err := r.LoadKey(ctx, 0x11, nil); return err },
		"rotate":  func() error { _, err := r.RotateRecordKey(ctx, nil); return err },
		"restart": func() error { return r.Reboot(ctx) },
		"probe":   func() error { return r.Probe(ctx, 0x10) },
		"tamper":  func() error { _, err := r.Tamper(ctx); return err },
	} {
		if err := ask(); !errors.Is(err, device.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := r.Slots(ctx)
	must(t, err)
}

// A command that the reader does not know although it said so is unsupported too, and the conversation goes on.
func TestUnknownCommandIsUnsupported(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	_, err := r.Capabilities(testContext(t))
	must(t, err)
	b.fault("lacks=tamper")
	if _, err := r.Tamper(testContext(t)); !errors.Is(err, device.ErrUnsupported) {
		t.Errorf("error %v", err)
	}
	_, err = r.Slots(testContext(t))
	must(t, err)
}
