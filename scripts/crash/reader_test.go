//go:build (amd64 || arm64) && !android

package crash

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"unbindd/device/devicesim"
)

func init() { works["reader"] = trade }

func memoryOf(dir string) string { return filepath.Join(dir, "nvm") }

// trade makes a simulated reader and has it hold events.
func trade(dir string, seed uint64, say func(string)) error {
	_, err := devicesim.Create(memoryOf(dir), devicesim.Spec{
		Serial: "PED-0001", Rand: seeded(seed),
		TicketKey: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey),
	})
	if err != nil {
		return err
	}
	say("created")
	s, err := devicesim.Start(memoryOf(dir), devicesim.Options{})
	if err != nil {
		return err
	}
	for n := range 4 {
		say(fmt.Sprint("begin ", n+1))
		if _, err := s.Sell(1, "CNY"); err != nil {
			return errors.Join(err, s.Close())
		}
		say(fmt.Sprint("ack ", n+1))
	}
	return s.Close()
}

// judgeReader starts the reader on what the cut left: a number that left the
// reader is not given twice, and the event behind it is held.
func judgeReader(dir string, told []string) error {
	s, err := devicesim.Start(memoryOf(dir), devicesim.Options{})
	if err != nil && !slices.Contains(told, "created") {
		return nil // a reader that was never finished is made anew by hand
	}
	if err != nil {
		return err
	}
	acked, begun := bounds(told)
	st := s.State()
	if last := uint64(st.LastEvent); last < acked || last > begun || uint64(st.Held) != last {
		err = fmt.Errorf("told up to %d, begun %d, last %d, held %d", acked, begun, last, st.Held)
	}
	if err == nil {
		_, err = s.Sell(1, "CNY")
	}
	return errors.Join(err, s.Close())
}

// The simulator's log packs its events: a block that a cut spoils as a whole takes
// acknowledged ones with it. That is not asked of it.
func readerReplay() *replay {
	return &replay{store: "reader", whole: true, seed: seedOf(1), randoms: number("CRASH_RANDOMS", 1), judge: judgeReader, only: envCase()}
}

func TestReaderNeverGivesANumberTwice(t *testing.T) {
	r := readerReplay()
	tr := recorded(t, r.seed, "reader")
	green(t, "reader", r.run(t, tr))
	deaf := readerReplay()
	deaf.deaf, deaf.enough = deafTo(sync, "nvm"), 3
	red(t, "reader, its memory", deaf.run(t, tr))
}
