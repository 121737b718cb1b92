package device_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"unbindd/device"
	"unbindd/device/devicesim"
)

// bench is one simulated reader on a pseudo-terminal and what is needed to speak with it.
type bench struct {
	t         *testing.T
	serial    string
	nvm, link string
	injection devicesim.Injection
	ticketKey ed25519.PrivateKey
	sim       *devicesim.Sim
	ack       time.Duration // the reader's patience
	options   func(*devicesim.Options)
}

func newBench(t *testing.T, faults ...string) *bench {
	t.Helper()
	return newBenchWith(t, func(*devicesim.Options) {}, faults...)
}

// newBenchWith is a bench whose reader is switched on with other options, every time.
func newBenchWith(t *testing.T, options func(*devicesim.Options), faults ...string) *bench {
	t.Helper()
	dir := t.TempDir()
	b := &bench{t: t, nvm: filepath.Join(dir, "nvm"), link: filepath.Join(dir, "tty"), ack: calm, options: options}
	// Every test has a reader of its own name and keys: pseudo-terminals are numbered for the whole machine, and a
	// terminal of another test that comes to this one by accident must find a stranger.
	seed := sha256.Sum256([]byte(dir))
	b.serial = fmt.Sprintf("PED-%X", seed[:4])
	b.ticketKey = ed25519.NewKeyFromSeed(seed[:])
	var err error
	b.injection, err = devicesim.Create(b.nvm, devicesim.Spec{
		Serial: b.serial, TicketKey: b.ticketKey.Public().(ed25519.PublicKey), Rand: rand.NewChaCha8(seed),
	})
	must(t, err)
	b.start(faults...)
	t.Cleanup(func() { must(t, b.sim.Close()) })
	return b
}

// start switches the reader on, as after a power cut.
func (b *bench) start(faults ...string) {
	b.t.Helper()
	options := devicesim.Options{Link: b.link, Seed: 7, Ack: b.ack}
	b.options(&options)
	for _, text := range faults {
		f, err := devicesim.ParseFault(text)
		must(b.t, err)
		options.Faults = append(options.Faults, f)
	}
	var err error
	b.sim, err = devicesim.Start(b.nvm, options)
	must(b.t, err)
}

func (b *bench) fault(text string) {
	b.t.Helper()
	f, err := devicesim.ParseFault(text)
	must(b.t, err)
	must(b.t, b.sim.Fault(f))
}

// calm is patience for a machine that is busy with other tests; where a test wants repetition it says so.
const calm = 2 * time.Second

var quick = device.RetryConfig{Ack: calm, BackoffFirst: 10 * time.Millisecond, BackoffMax: 50 * time.Millisecond}

// reader connects to the simulator with the pairing key; change may alter the options.
func (b *bench) reader(change ...func(*device.Options)) *device.Reader {
	b.t.Helper()
	pairing, err := device.NewSecret(b.injection.Pairing)
	must(b.t, err)
	options := device.Options{Pairing: pairing, Serial: b.serial, Retry: quick}
	for _, f := range change {
		f(&options)
	}
	r := device.New(device.Config{Driver: "pedlink", Path: b.link, Baud: 115200}, options)
	b.t.Cleanup(func() { must(b.t, r.Close()) })
	if options.Notify == nil {
		identifyWhenBack(b.t, r) // a test that watches the states sees the first connection itself
	}
	return r
}

// scope is every slot that an unbinding erases.
func (b *bench) scope() []uint16 {
	var scope []uint16
	for _, s := range b.injection.Slots {
		if !s.Retained {
			scope = append(scope, s.Slot)
		}
	}
	return scope
}

var order = sha256.Sum256([]byte("command"))

// ticket signs the answer to a challenge; change may spoil the fields first.
func (b *bench) ticket(c device.EraseChallenge, scope []uint16, change ...func(fields [][]byte)) []byte {
	var slots []byte
	for _, id := range slices.Sorted(slices.Values(scope)) {
		slots = binary.BigEndian.AppendUint16(slots, id)
	}
	authority := sha256.Sum256([]byte("receipt"))
	fields := [][]byte{
		[]byte("pedlink-ticket/1"), []byte(b.serial), c.RC[:],
		binary.BigEndian.AppendUint32(nil, c.EraseCounter), slots, order[:], authority[:],
	}
	for _, f := range change {
		f(fields)
	}
	return signTicket(b.ticketKey, fields)
}

func signTicket(key ed25519.PrivateKey, fields [][]byte) []byte {
	var m []byte
	for _, f := range fields {
		m = binary.BigEndian.AppendUint16(m, uint16(len(f)))
		m = append(m, f...)
	}
	ticket := binary.BigEndian.AppendUint16(nil, uint16(len(m)))
	return append(append(ticket, m...), ed25519.Sign(key, m)...)
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// states records what Notify is told, and lets a test wait for a state.
type states struct {
	mu   sync.Mutex
	seen []device.Status
	news chan struct{}
}

func newStates() *states { return &states{news: make(chan struct{}, 1)} }

func (s *states) notify(st device.Status) {
	s.mu.Lock()
	s.seen = append(s.seen, st)
	s.mu.Unlock()
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// wait returns the first status after the given position that is in the state, and the position behind it.
func (s *states) wait(t *testing.T, from int, state device.State) (device.Status, int) {
	t.Helper()
	for {
		s.mu.Lock()
		for i := from; i < len(s.seen); i++ {
			if s.seen[i].State == state {
				defer s.mu.Unlock()
				return s.seen[i], i + 1
			}
		}
		s.mu.Unlock()
		select {
		case <-s.news:
		case <-testContext(t).Done():
			t.Fatalf("state %s was not reached", state)
		}
	}
}
