package device_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"unbindd/device"
	"unbindd/device/devicesim"
)

// What every driver promises, tried with each driver of the registry against the simulator that speaks its protocol.
// A new driver needs no line here: it needs a front in devicesim under the same name, and a column in
// docs/DRIVERS.md.

// asks is one call for each capability.
var asks = map[device.Capability]func(context.Context, *device.Reader) error{
	device.CanEvents:  func(ctx context.Context, r *device.Reader) error { _, err := r.Follow(ctx, 0); return err },
	device.CanFreeze:  func(ctx context.Context, r *device.Reader) error { return r.Freeze(ctx) },
	device.CanTamper:  func(ctx context.Context, r *device.Reader) error { _, err := r.Tamper(ctx); return err },
	device.CanList:    func(ctx context.Context, r *device.Reader) error { _, err := r.Slots(ctx); return err },
	device.CanProbe:   func(ctx context.Context, r *device.Reader) error { return r.Probe(ctx, 1) },
	device.CanErase:   func(ctx context.Context, r *device.Reader) error { _, _, err := r.EraseStatus(ctx, order); return err },
	device.CanDelete:  func(ctx context.Context, r *device.Reader) error { return r.DeleteKeys(ctx, nil) },
	device.CanRestart: func(ctx context.Context, r *device.Reader) error { return r.Reboot(ctx) },
	device.CanSAM:     func(ctx context.Context, r *device.Reader) error { _, err := r.SAMSlots(ctx); return err },
	device.CanLoad:    func(ctx context.Context, r *device.Reader) error { _, err := r.LoadKey(ctx, 1, nil); return err },
	device.CanRotate:  func(ctx context.Context, r *device.Reader) error { _, err := r.RotateRecordKey(ctx, nil); return err },
}

// party is a reader of one protocol, and how to speak with it.
type party struct {
	*bench
	driver string
}

func newParty(t *testing.T, driver string) party {
	t.Helper()
	dir := t.TempDir()
	seed := sha256.Sum256([]byte(dir)) // a reader of its own, as in newBench
	p := party{driver: driver, bench: &bench{t: t, nvm: filepath.Join(dir, "nvm"), link: filepath.Join(dir, "tty")}}
	p.options = func(o *devicesim.Options) { o.Protocol = driver }
	key := ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)
	var err error
	p.injection, err = devicesim.Create(p.nvm, devicesim.Spec{
		Serial: "PARTY-" + driver, Protocol: driver, TicketKey: key, Rand: rand.NewChaCha8(seed),
	})
	must(t, err)
	p.start()
	t.Cleanup(func() { must(t, p.sim.Close()) })
	return p
}

// reader speaks with the party as the bound reader of that serial number, "": any.
func (p party) reader(serial string, change ...func(*device.Options)) *device.Reader {
	p.t.Helper()
	options := device.Options{Serial: serial, Retry: quick}
	if len(p.injection.Pairing) > 0 {
		var err error
		options.Pairing, err = device.NewSecret(p.injection.Pairing)
		must(p.t, err)
	}
	for _, f := range change {
		f(&options)
	}
	r := device.New(device.Config{Driver: p.driver, Path: p.link, Baud: 115200}, options)
	p.t.Cleanup(func() { must(p.t, r.Close()) })
	return r
}

func forEveryDriver(t *testing.T, f func(t *testing.T, p party)) {
	t.Helper()
	for _, name := range device.DriverNames() {
		t.Run(name, func(t *testing.T) { f(t, newParty(t, name)) })
	}
}

func TestEveryDriverHasASimulator(t *testing.T) {
	for _, name := range device.DriverNames() {
		if !slices.Contains(devicesim.Protocols(), name) {
			t.Errorf("nothing to test driver %s against", name)
		}
	}
}

func TestContractIdentity(t *testing.T) {
	forEveryDriver(t, func(t *testing.T, p party) {
		r := p.reader("")
		id := identifyWhenBack(t, r)
		again, err := r.Identify(testContext(t))
		must(t, err)
		if id.Driver != p.driver || id.Serial == "" || id.Model == "" || id.Firmware == "" || id.Serial != again.Serial {
			t.Errorf("%+v, then %+v", id, again)
		}
		if !regexp.MustCompile(`^[A-Za-z0-9._:/@+-]{1,64}$`).MatchString(id.Serial) {
			t.Errorf("serial number %q cannot stand in a binding", id.Serial)
		}
		if s := r.Status(); s.State != device.StateReady || s.Serial != id.Serial {
			t.Errorf("status %+v", s)
		}
	})
}

func TestContractCapabilities(t *testing.T) {
	forEveryDriver(t, func(t *testing.T, p party) {
		r := p.reader("")
		identifyWhenBack(t, r)
		can, err := r.Capabilities(testContext(t))
		must(t, err)
		if want := documented(t)[p.driver]; !slices.Equal(slices.Sorted(slices.Values(can)), want) {
			t.Errorf("can %v, docs/DRIVERS.md says %v", can, want)
		}
		for c, ask := range asks {
			err := ask(testContext(t), r)
			if unsupported := errors.Is(err, device.ErrUnsupported); unsupported == slices.Contains(can, c) {
				t.Errorf("%s: %v", c, err)
			}
			if unknown := errors.Is(err, device.ErrTimeout) || errors.Is(err, device.ErrHangup); unknown {
				t.Errorf("%s leaves the outcome open: %v", c, err)
			}
		}
	})
}

func TestContractForeignReader(t *testing.T) {
	forEveryDriver(t, func(t *testing.T, p party) {
		r := p.reader("another")
		id := identifyWhenBack(t, r)
		if s := r.Status(); s.State != device.StateForeign || s.Serial != id.Serial {
			t.Errorf("status %+v", s)
		}
		for c, ask := range asks {
			var foreign device.ErrForeign
			if c == device.CanRestart {
				continue // it identifies first, and is refused behind that: below
			}
			if err := ask(testContext(t), r); !errors.As(err, &foreign) || foreign.Serial != id.Serial {
				t.Errorf("%s: %v", c, err)
			}
		}
		var foreign device.ErrForeign
		if err := r.Reboot(testContext(t)); !errors.As(err, &foreign) {
			t.Errorf("restart: %v", err)
		}
		if _, err := r.Capabilities(testContext(t)); !errors.As(err, &foreign) {
			t.Errorf("capabilities: %v", err)
		}
	})
}

// TestContractClose checks that Close comes back at once while a reader that says nothing holds a call.
func TestContractClose(t *testing.T) {
	forEveryDriver(t, func(t *testing.T, p party) {
		asked := make(chan error, 1)
		r := p.reader("")
		identifyWhenBack(t, r)
		p.fault("silent")
		said := r.Stats().FramesOut
		go func() {
			_, err := r.Identify(testContext(t))
			asked <- err
		}()
		waitForQuestion(t, r, said)
		must(t, r.Close())
		select {
		case err := <-asked:
			if err == nil {
				t.Error("a silent reader identified itself")
			}
		case <-testContext(t).Done():
			t.Fatal("the call was not freed")
		}
		if _, err := r.Identify(testContext(t)); !errors.Is(err, device.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
		must(t, r.Close())
		if s := r.Status(); s.State != device.StateClosed {
			t.Errorf("status %+v", s)
		}
	})
}

// waitForQuestion returns when more frames than so many are out.
func waitForQuestion(t *testing.T, r *device.Reader, said uint64) {
	t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for ctx := testContext(t); r.Stats().FramesOut <= said; {
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatal("no question went out")
		}
	}
}

func TestContractLossOfTheLine(t *testing.T) {
	forEveryDriver(t, func(t *testing.T, p party) {
		s := newStates()
		r := p.reader("", func(o *device.Options) { o.Notify = s.notify })
		_, at := s.wait(t, 0, device.StateReady)
		must(t, p.sim.Unplug())
		_, at = s.wait(t, at, device.StateAbsent)
		must(t, p.sim.Plug())
		_, at = s.wait(t, at, device.StateReady)
		must(t, p.sim.Cut())
		_, at = s.wait(t, at, device.StateAbsent)
		p.start()
		s.wait(t, at, device.StateReady)
		if id := identifyWhenBack(t, r); id.Driver != p.driver {
			t.Errorf("%+v", id)
		}
	})
}

// TestContractSilence checks that a reader that falls silent is lost in the time of the protocol, and is found
// again by itself.
func TestContractSilence(t *testing.T) {
	forEveryDriver(t, func(t *testing.T, p party) {
		s := newStates()
		r := p.reader("", func(o *device.Options) {
			o.Notify, o.Retry.Ack, o.Retry.Response = s.notify, calm/10, calm/4
		})
		_, at := s.wait(t, 0, device.StateReady)
		p.fault("silent")
		if _, err := r.Identify(testContext(t)); !errors.Is(err, device.ErrTimeout) && !errors.Is(err, device.ErrHangup) {
			t.Errorf("%v", err)
		}
		_, at = s.wait(t, at, device.StateLost)
		must(t, p.sim.ClearFaults())
		s.wait(t, at, device.StateReady)
	})
}

// TestContractCallerMayLeave checks that a caller with little time gets its line back, and the next one an answer.
func TestContractCallerMayLeave(t *testing.T) {
	forEveryDriver(t, func(t *testing.T, p party) {
		r := p.reader("")
		identifyWhenBack(t, r)
		p.fault("silent")
		said := r.Stats().FramesOut
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() {
			_, err := r.Identify(ctx)
			left <- err
		}()
		waitForQuestion(t, r, said)
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) || !errors.Is(err, device.ErrTimeout) {
			t.Errorf("%v", err)
		}
		must(t, p.sim.ClearFaults())
		if _, err := r.Identify(testContext(t)); err != nil {
			t.Errorf("%v", err)
		}
	})
}

// documented is the table driver × capability of docs/DRIVERS.md, sorted.
func documented(t *testing.T) map[string][]device.Capability {
	t.Helper()
	text, err := os.ReadFile("../docs/DRIVERS.md")
	must(t, err)
	can := map[string][]device.Capability{}
	var columns []string
	rows := map[device.Capability]bool{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
		}
		switch {
		case cells[0] == "capability":
			columns = cells[1 : 1+len(device.DriverNames())]
		case columns != nil && strings.HasPrefix(line, "| `"):
			row := device.Capability(cells[0])
			rows[row] = true
			for i, name := range columns {
				if cells[1+i] == "yes" {
					can[name] = append(can[name], row)
				}
			}
		case columns != nil && !strings.HasPrefix(line, "|"):
			columns = nil // the table is over
		}
	}
	if !maps.EqualFunc(rows, asks, func(bool, func(context.Context, *device.Reader) error) bool { return true }) {
		t.Errorf("docs/DRIVERS.md has rows %v, there are calls for %v", slices.Collect(maps.Keys(rows)), slices.Collect(maps.Keys(asks)))
	}
	for name := range can {
		slices.Sort(can[name])
	}
	return can
}

// TestEveryCapabilityIsAsked reads the capabilities from where they are declared.
func TestEveryCapabilityIsAsked(t *testing.T) {
	source, err := os.ReadFile("driver.go")
	must(t, err)
	declared := regexp.MustCompile(`Can\w+ +Capability = "(\w+)"`).FindAllStringSubmatch(string(source), -1)
	for _, d := range declared {
		if asks[device.Capability(d[1])] == nil {
			t.Errorf("nobody asks for %s", d[1])
		}
	}
	if len(declared) != len(asks) {
		t.Errorf("%d are declared, %d asked for", len(declared), len(asks))
	}
}
