package devicesim

import (
	"crypto/ed25519"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

var ticketSeed = make([]byte, ed25519.SeedSize)

// newReader makes a memory file and returns its path.
func newReader(t *testing.T) (string, Injection) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nvm")
	in, err := Create(path, Spec{
		Serial: "PED-0001", Rand: rand.NewChaCha8([32]byte{1}),
		TicketKey: ed25519.NewKeyFromSeed(ticketSeed).Public().(ed25519.PublicKey),
	})
	must(t, err)
	return path, in
}

func start(t *testing.T, path string, options Options) *Sim {
	t.Helper()
	s, err := Start(path, options)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// clock is a time that the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Unix(1_800_000_000, 0)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func TestMemorySurvivesAPowerCut(t *testing.T) {
	path, _ := newReader(t)
	s := start(t, path, Options{})
	_, err := s.Generate(700)
	must(t, err)
	must(t, s.locked(func() error { return s.mem.release(300) }))
	must(t, s.SetSlot(0x30, "exhausted"))
	before := s.State()
	must(t, s.Cut())
	s = start(t, path, Options{})
	after := s.State()
	if after.Held != 400 || after.Acked != 300 || after.LastEvent != before.LastEvent || after.BootCount != before.BootCount+1 {
		t.Errorf("after the cut: %+v", after)
	}
	for i := range after.Slots {
		if after.Slots[i] != before.Slots[i] {
			t.Errorf("slot %+v was %+v", after.Slots[i], before.Slots[i])
		}
	}
}

func TestNumbersAreNeverGivenTwice(t *testing.T) {
	path, _ := newReader(t)
	s := start(t, path, Options{})
	for range 3 {
		last, err := s.Generate(5)
		must(t, err)
		must(t, s.locked(func() error {
			if err := s.mem.release(last); err != nil {
				return err
			}
			return s.mem.trim() // the log is empty: only the state knows the number
		}))
		must(t, s.Cut())
		s = start(t, path, Options{})
		if next, err := s.Sell(1, "CNY"); err != nil || next != last+1 {
			t.Fatalf("event %d after %d, %v", next, last, err)
		}
		must(t, s.locked(func() error { return s.mem.release(last + 1) }))
	}
}

func TestNothingIsWrittenAfterThePowerIsGone(t *testing.T) {
	path, _ := newReader(t)
	s := start(t, path, Options{})
	must(t, s.locked(func() error { s.powerOff(); return nil }))
	if _, err := s.Sell(1, "CNY"); err == nil {
		t.Error("sold without power")
	}
	if err := s.locked(func() error { return s.setFrozen(true).err }); err == nil {
		t.Error("frozen without power")
	}
	must(t, s.Close())
	s = start(t, path, Options{})
	if st := s.State(); st.LastEvent != 0 || st.Frozen {
		t.Errorf("state %+v", st)
	}
}

func TestMemoryBelongsToOneSimulator(t *testing.T) {
	path, in := newReader(t)
	start(t, path, Options{})
	if s, err := Start(path, Options{}); err == nil {
		t.Errorf("second simulator: %v", s.Close())
	}
	if _, err := Create(path, Spec{Serial: in.Serial, TicketKey: make([]byte, 32), Rand: rand.NewChaCha8([32]byte{})}); err == nil {
		t.Error("a reader was overwritten")
	}
}

func TestFrozenOrTamperedReaderSellsNothing(t *testing.T) {
	path, _ := newReader(t)
	s := start(t, path, Options{})
	must(t, s.locked(func() error { return s.setFrozen(true).err }))
	if _, err := s.Sell(1, "CNY"); err == nil {
		t.Error("frozen and sold")
	}
	if _, err := s.CloseBatch("000001"); err != nil {
		t.Errorf("a frozen reader must close its batch: %v", err)
	}
	must(t, s.locked(func() error { return s.setFrozen(false).err }))
	must(t, s.Tamper())
	if _, err := s.Generate(1); err == nil {
		t.Error("tampered and sold")
	}
	must(t, s.Reboot())
	if st := s.State(); !st.Tampered || st.LastEvent != 2 {
		t.Errorf("state %+v", st)
	}
}

func TestSameSeedMakesTheSameReader(t *testing.T) {
	_, one := newReader(t)
	_, two := newReader(t)
	if string(one.Pairing) != string(two.Pairing) || one.Slots[3] != two.Slots[3] {
		t.Error("two readers of one seed differ")
	}
}
