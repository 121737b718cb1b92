package device_test

import (
	"os"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"unbindd/device"
	"unbindd/device/devicesim"
)

// gate is a line on which a reader understands one speed only: at any other, bytes come changed. A pseudo-terminal
// alone carries everything at every speed.
type gate struct {
	t      *testing.T
	path   string
	speed  atomic.Uint32
	master *os.File
	reader *os.File
}

// newGate stands before the reader of a bench, at a speed of unix.B….
func newGate(b *bench, speed uint32) *gate {
	b.t.Helper()
	master, path := device.NewPTY(b.t)
	// Without this end the master would see a hang-up whenever the terminal closes the line.
	kept, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	must(b.t, err)
	reader, err := os.OpenFile(b.sim.Path(), os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	must(b.t, err)
	g := &gate{t: b.t, path: path, master: master, reader: reader}
	g.speed.Store(speed)
	done := make(chan struct{}, 2)
	go func() { g.carry(master, reader); done <- struct{}{} }()
	go func() { g.carry(reader, master); done <- struct{}{} }()
	b.t.Cleanup(func() {
		must(b.t, kept.Close())
		must(b.t, reader.Close())
		_ = master.Close() // NewPTY closes it too
		<-done
		<-done
	})
	return g
}

// carry ends with either end of the line.
func (g *gate) carry(from, to *os.File) {
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if !g.fits() {
			for i := range buf[:n] {
				buf[i] ^= 0xA5
			}
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// fits compares the terminal's speed, which the master shows, with the reader's.
func (g *gate) fits() bool {
	control, err := g.master.SyscallConn()
	if err != nil {
		return false
	}
	var settings *unix.Termios
	if control.Control(func(fd uintptr) { settings, err = unix.IoctlGetTermios(int(fd), unix.TCGETS) }) != nil || err != nil {
		return false // closed
	}
	return settings.Cflag&unix.CBAUD == g.speed.Load()
}

// searching connects to a reader of which nothing is known but its line.
func (b *bench) searching(path string, s *states, baud int) *device.Reader {
	b.t.Helper()
	pairing, err := device.NewSecret(b.injection.Pairing)
	must(b.t, err)
	r := device.New(device.Config{Driver: device.DriverAuto, Path: path, Baud: baud}, device.Options{
		Pairing: pairing, Serial: b.serial, Notify: s.notify,
		Retry: device.RetryConfig{
			Ack: 300 * time.Millisecond, Probe: 200 * time.Millisecond,
			BackoffFirst: 10 * time.Millisecond, BackoffMax: 50 * time.Millisecond,
		},
	})
	b.t.Cleanup(func() { must(b.t, r.Close()) })
	return r
}

// seen counts the statuses behind a position that are in a state.
func (s *states) count(from int, state device.State) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.seen[from:] {
		if st.State == state {
			n++
		}
	}
	return n
}

func TestProtocolAndSpeedAreFoundAndRemembered(t *testing.T) {
	b := newBench(t)
	g := newGate(b, unix.B921600)
	s := newStates()
	r := b.searching(g.path, s, 0)
	ready, at := s.wait(t, 0, device.StateReady)
	if ready.Driver != "pedlink" || ready.Baud != 921600 || ready.Serial != b.serial {
		t.Errorf("status %+v", ready)
	}
	if s.count(0, device.StateProbing) == 0 {
		t.Error("it was found without probing")
	}
	must(t, r.Reopen(testContext(t)))
	if ready, _ := s.wait(t, at, device.StateReady); ready.Baud != 921600 {
		t.Errorf("status %+v", ready)
	}
	if n := s.count(at, device.StateProbing); n > 0 {
		t.Errorf("what was found is searched for %d times more", n)
	}
}

func TestReaderThatChangedItsSpeedIsFoundAgain(t *testing.T) {
	b := newBench(t)
	g := newGate(b, unix.B115200)
	s := newStates()
	r := b.searching(g.path, s, 0)
	_, at := s.wait(t, 0, device.StateReady)
	g.speed.Store(unix.B921600)
	_ = r.Freeze(testContext(t)) // is answered by nobody, or, with luck, later
	ready, end := s.wait(t, at, device.StateReady)
	if ready.Baud != 921600 {
		t.Errorf("status %+v", ready)
	}
	if s.count(at, device.StateProbing) == 0 || end == 0 {
		t.Error("it was found without probing")
	}
}

func TestUnpluggedReaderIsNotSearchedForAgain(t *testing.T) {
	b := newBench(t)
	s := newStates()
	b.searching(b.link, s, 0)
	_, at := s.wait(t, 0, device.StateReady)
	must(t, b.sim.Unplug())
	s.wait(t, at, device.StateAbsent)
	must(t, b.sim.Plug())
	s.wait(t, at, device.StateReady)
	if n := s.count(at, device.StateProbing); n > 0 {
		t.Errorf("%d rounds of probing after the loss", n)
	}
}

// While a line is searched, nothing is asked of the reader that leaves a trace: no proof, no freezing, no restart.
func TestProbingLeavesNoTrace(t *testing.T) {
	b := newBench(t)
	s := newStates()
	before := b.sim.State()
	r := device.New(device.Config{Driver: device.DriverAuto, Path: b.link}, device.Options{Notify: s.notify, Retry: quick})
	defer func() { must(t, r.Close()) }()
	found, _ := s.wait(t, 0, device.StateUnpaired)
	if found.Driver != "pedlink" || found.Serial != b.serial {
		t.Errorf("status %+v", found)
	}
	if after := b.sim.State(); after.BootCount != before.BootCount || after.FailedProofs != 0 || after.Frozen || after.EraseCount != before.EraseCount || after.Challenged {
		t.Errorf("state %+v, before %+v", after, before)
	}
}

func TestBadLineIsDegradedAndRecovers(t *testing.T) {
	b := newBench(t)
	must(t, b.sim.Close())
	b.ack = 20 * time.Millisecond
	b.start()
	s := newStates()
	r := b.reader(func(o *device.Options) {
		o.Notify = s.notify
		o.Retry = device.RetryConfig{Ack: 20 * time.Millisecond, Gap: 5 * time.Millisecond, BackoffFirst: time.Millisecond, BackoffMax: time.Millisecond}
	})
	_, at := s.wait(t, 0, device.StateReady)
	noise, err := devicesim.ParseNoise("flip=0.001,seed=5")
	must(t, err)
	b.sim.SetLine(noise)
	talking := keepTalking(t, r)
	bad, at := s.wait(t, at, device.StateDegraded)
	if bad.Err == "" || bad.Serial != b.serial {
		t.Errorf("status %+v", bad)
	}
	b.sim.SetLine(devicesim.Noise{})
	if good, _ := s.wait(t, at, device.StateReady); good.Err != "" {
		t.Errorf("status %+v", good)
	}
	talking()
	if n := r.Stats(); n.Repeats+n.Damaged == 0 || n.FramesIn == 0 || n.FramesOut == 0 || n.BytesIn <= n.FramesIn || n.BytesOut <= n.FramesOut {
		t.Errorf("counts %+v", n)
	}
}

// keepTalking puts questions to the reader until the function it returns is called. Some fail: the line is bad.
func keepTalking(t *testing.T, r *device.Reader) (stop func()) {
	enough, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-enough:
				return
			default:
				_, _ = r.Identify(testContext(t))
			}
		}
	}()
	return func() { close(enough); <-done }
}
