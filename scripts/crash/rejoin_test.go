//go:build (amd64 || arm64) && !android

package crash

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"unbindd/agent/ledger"
)

func init() {
	works["ledger left open"] = leaves
	works["ledger rejoin"] = rejoins
}

// leaves appends and ends without closing, so that one meta page alone leads to
// the last commit.
func leaves(dir string, seed uint64, say func(string)) error {
	l, err := ledger.Open(filepath.Join(dir, "ledger"), ledgerOptions(seed))
	if err != nil {
		return err
	}
	for n := uint64(1); n <= 12; n++ {
		say(fmt.Sprint("begin ", n))
		if _, err := l.Append(reader, events(n, n)); err != nil {
			return err
		}
		say(fmt.Sprint("ack ", n))
	}
	return nil
}

// loseMeta flips a byte in the newer of bbolt's two meta pages.
func loseMeta(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	pages := make([]byte, 2*bboltPage)
	_, err = f.ReadAt(pages, 0)
	const magic, number = 16, 16 + 48 // behind the page's header: what it is, and which commit
	at := 0
	if binary.NativeEndian.Uint64(pages[bboltPage+number:]) > binary.NativeEndian.Uint64(pages[number:]) {
		at = bboltPage
	}
	pages[at+magic+4] ^= 1
	if err == nil {
		_, err = f.WriteAt(pages[at:at+bboltPage], int64(at))
	}
	return errors.Join(err, f.Sync(), f.Close())
}

// rejoins loses the page, and opens the ledger, which puts what follows the end
// that is left into a copy, and the copy in the segment's place.
func rejoins(dir string, seed uint64, say func(string)) error {
	at := filepath.Join(dir, "ledger")
	path := filepath.Join(at, "seg-00000001.db")
	if err := loseMeta(path); err != nil {
		return err
	}
	before, err := os.Stat(path)
	if err != nil {
		return err
	}
	say("damaged")
	l, err := ledger.Open(at, ledgerOptions(seed+1))
	if err != nil {
		return err
	}
	after, err := os.Stat(path)
	if err == nil && os.SameFile(before, after) {
		err = errors.New("nothing was rejoined: the segment is the same file")
	}
	say("rejoined")
	return errors.Join(err, l.Close())
}

// A ledger one of whose meta pages is lost has every record that was acknowledged
// at every cut of the opening that puts them together again.
func TestRejoinOfTheLedgerLosesNothing(t *testing.T) {
	r := ledgerReplay(seedOf(1))
	r.from = "damaged"
	r.randoms = number("CRASH_RANDOMS", 4)
	green(t, "ledger rejoin", r.run(t, recorded(t, r.seed, "ledger left open", "ledger rejoin")))
}

// On a medium that ignores what is synced of the copy, the lab must see records go.
func TestARejoinThatIsNotSyncedIsSeen(t *testing.T) {
	r := ledgerReplay(1)
	r.from, r.randoms, r.deaf, r.enough = "damaged", 1, deafTo(sync, ".new"), 3
	red(t, "ledger rejoin, the copy", r.run(t, recorded(t, r.seed, "ledger left open", "ledger rejoin")))
}
