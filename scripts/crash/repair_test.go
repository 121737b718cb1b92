//go:build (amd64 || arm64) && !android

package crash

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"unbindd/agent/ledger"
)

func init() { works["ledger repair"] = repairs }

const bboltPage = 4096

// spoil clears the head of every list of free pages: bbolt opens it no more.
func spoil(file []byte) {
	for at := 2 * bboltPage; at < len(file); at += bboltPage {
		if binary.NativeEndian.Uint16(file[at+8:]) == 0x10 {
			clear(file[at : at+16])
		}
	}
}

// repairs makes a ledger, spoils it, and has it repaired.
func repairs(dir string, seed uint64, say func(string)) error {
	if err := appends(dir, seed, say, 0, 6); err != nil {
		return err
	}
	path := filepath.Join(dir, "ledger", "seg-00000001.db")
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	spoil(file)
	_, err = f.WriteAt(file, 0)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	say("damaged")
	r, err := ledger.Repair(context.Background(), filepath.Join(dir, "ledger"), ledgerOptions(seed+1))
	if err == nil && (!r.Sound() || !r.Changed()) {
		err = fmt.Errorf("it was not repaired: %+v", r)
	}
	say("repaired")
	return err
}

// judgeRepair wants either the damaged segment, which a second repair mends, or
// the one written anew with the damaged one beside it; never neither.
func judgeRepair(dir string, told []string) error {
	acked, begun := bounds(told)
	at := filepath.Join(dir, "ledger")
	l, err := ledger.Open(at, ledgerOptions(99))
	switch {
	case err == nil:
		kept, err := os.ReadFile(filepath.Join(at, "seg-00000001.db.damaged-1"))
		if err == nil {
			spoiled := slices.Clone(kept)
			if spoil(spoiled); !slices.Equal(kept, spoiled) {
				err = errors.New("what was kept is not the damaged file")
			}
		}
		if err != nil {
			return errors.Join(err, l.Close())
		}
	case errors.Is(err, ledger.ErrDamaged) && told[len(told)-1] != "repaired":
		r, err := ledger.Repair(context.Background(), at, ledgerOptions(100))
		if err != nil || !r.Sound() {
			return fmt.Errorf("a second repair: %+v, %w", r, err)
		}
		if l, err = ledger.Open(at, ledgerOptions(99)); err != nil {
			return err
		}
	default:
		return err
	}
	return errors.Join(judgeOpen(l, acked, begun), l.Close())
}

// A repair that is cut leaves the damaged segment or the one written anew.
func TestRepairOfTheLedgerIsWholeOrNot(t *testing.T) {
	r := ledgerReplay(seedOf(1))
	r.judge, r.from = judgeRepair, "damaged"
	r.randoms = number("CRASH_RANDOMS", 4)
	green(t, "ledger repair", r.run(t, recorded(t, r.seed, "ledger repair")))
}
