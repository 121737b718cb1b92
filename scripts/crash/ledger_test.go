//go:build (amd64 || arm64) && !android

package crash

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	gosync "sync"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"

	"unbindd/agent/ledger"
)

const reader = "PX7-1"

func init() {
	works["ledger short"] = func(dir string, seed uint64, say func(string)) error { return appends(dir, seed, say, 0, 16) }
	works["ledger roll"] = func(dir string, seed uint64, say func(string)) error { return appends(dir, seed, say, 10, 8) }
	works["ledger few"] = func(dir string, seed uint64, say func(string)) error { return appends(dir, seed, say, 0, 6) }
	works["ledger resume"] = resume
}

func ledgerOptions(seed uint64) ledger.Options {
	key := sha256.Sum256([]byte("key"))
	aead, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		panic(err)
	}
	return ledger.Options{AEAD: aead, Binding: sha256.Sum256([]byte("binding")), MaxSegment: 512 << 10, Rand: seeded(seed)}
}

// seeded is a generator that gives the same bytes again.
func seeded(seed uint64) io.Reader {
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	return rand.NewChaCha8(key)
}

func sale(n uint64) ledger.Event {
	r := ledger.Record{
		Amount: int64(n), Auth: "A12345", Batch: "000001", Card: &ledger.Card{Brand: "unionpay", Masked: "622848******1234"},
		Currency: "CNY", Entry: "contactless", Evseq: n, Kind: "sale", Method: "card", MID: "898320548160001",
		Reader: reader, Result: "approved", RRN: "612345678901", STAN: "000123", TID: "10000001", Time: 1790000000,
	}
	return ledger.Event{Seq: n, Body: r.AppendCanonical(nil)}
}

func events(first, last uint64) (all []ledger.Event) {
	for n := first; n <= last; n++ {
		all = append(all, sale(n))
	}
	return all
}

// appends makes a ledger and appends: first big groups, then small ones.
func appends(dir string, seed uint64, say func(string), big, small int) error {
	l, err := ledger.Open(filepath.Join(dir, "ledger"), ledgerOptions(seed))
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	next := uint64(1)
	for i := range big + small {
		group := 1 + rng.Uint64N(3)
		if i < big {
			group = 60
		}
		last := next + group - 1
		say(fmt.Sprint("begin ", last))
		if _, err := l.Append(reader, events(next, last)); err != nil {
			return err
		}
		say(fmt.Sprint("ack ", last))
		next = last + 1
	}
	if err := l.Close(); err != nil {
		return err
	}
	say("closed")
	return nil
}

// resume opens what a killed program left, and acknowledges what is there: an
// event that is repeated is answered as durable.
func resume(dir string, seed uint64, say func(string)) error {
	l, err := ledger.Open(filepath.Join(dir, "ledger"), ledgerOptions(seed+1))
	if err != nil {
		return err
	}
	say(fmt.Sprint("ack ", l.Last(reader)))
	return l.Close()
}

// bounds are the last event that was acknowledged, and the last that was begun.
func bounds(told []string) (acked, begun uint64) {
	for _, line := range told {
		var n uint64
		if _, err := fmt.Sscanf(line, "ack %d", &n); err == nil {
			acked = max(acked, n)
		} else if _, err := fmt.Sscanf(line, "begin %d", &n); err == nil {
			begun = max(begun, n)
		}
	}
	return acked, begun
}

// judgeLedger opens what the cut left: nothing that was acknowledged is missing,
// nothing is there that was never begun, every byte is as written, one more goes.
func judgeLedger(dir string, told []string) error {
	acked, begun := bounds(told)
	l, err := ledger.Open(filepath.Join(dir, "ledger"), ledgerOptions(99))
	if err != nil {
		return err
	}
	return errors.Join(judgeOpen(l, acked, begun), l.Close())
}

func judgeOpen(l *ledger.Ledger, acked, begun uint64) error {
	last := l.Last(reader)
	if last < acked || last > begun || last != l.Head().Seq {
		return fmt.Errorf("acknowledged %d, begun %d, present %d in %d records", acked, begun, last, l.Head().Seq)
	}
	if _, err := l.Append(reader, events(max(last, 1), last+1)); err != nil {
		return err
	}
	if want := chains()[last+1]; l.Head() != want {
		return fmt.Errorf("the chain ends in %+v, and as it was sent in %+v", l.Head(), want)
	}
	return l.Verify(context.Background())
}

// chains are the heads after each record, as they must be: a chain is over every
// byte of the records before, so that an equal head that Verify confirms is
// equal content.
var chains = gosync.OnceValue(func() map[uint64]ledger.Head {
	dir, err := os.MkdirTemp("", "chains")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	l, err := ledger.Open(filepath.Join(dir, "ledger"), ledgerOptions(98))
	if err != nil {
		panic(err)
	}
	heads := map[uint64]ledger.Head{}
	for n := range uint64(900) {
		done, err := l.Append(reader, events(n+1, n+1))
		if err != nil {
			panic(err)
		}
		heads[n+1] = done.Head
	}
	if err := l.Close(); err != nil {
		panic(err)
	}
	return heads
})

// metaPages are bbolt's two, of each segment that was left: at rest one of them
// may be lost.
func metaPages(paths map[int]string, told []string) map[int][]int {
	if len(told) == 0 {
		return nil
	}
	last := ""
	for _, p := range paths {
		last = max(last, p)
	}
	rotten := map[int][]int{}
	for ino, p := range paths {
		if strings.HasSuffix(p, ".db") && (p != last || told[len(told)-1] == "closed") {
			rotten[ino] = []int{0, 1}
		}
	}
	return rotten
}

func ledgerReplay(seed uint64) *replay {
	return &replay{store: "ledger", seed: seed, randoms: number("CRASH_RANDOMS", 8), judge: judgeLedger, only: envCase()}
}

// wanted is how many different images of the append path every run sees.
const wanted = 60_000

// The append path, from the making of the ledger on.
func TestLedgerLosesNothing(t *testing.T) {
	seen := newSeen()
	var total figures
	for n := uint64(1); total.Distinct < number("CRASH_IMAGES", wanted) && len(total.Failures) == 0 && !t.Failed(); n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) { // of its own, so that nothing of a round outlives it
			r := ledgerReplay(seedOf(n))
			r.seen, r.randoms = seen, number("CRASH_RANDOMS", 32)
			total.add(r.run(t, recorded(t, r.seed, "ledger short")))
		})
		if os.Getenv("CRASH_SEED") != "" {
			break // one case is looked at
		}
	}
	green(t, "ledger", total)
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("%-12s %6d MiB of heap in use after %d distinct images", "ledger", m.HeapInuse>>20, total.Distinct)
}

// The step to the next segment, and what is appended there.
func TestLedgerRollsOver(t *testing.T) {
	r := ledgerReplay(seedOf(1))
	r.randoms = number("CRASH_RANDOMS", 2)
	tr := recorded(t, r.seed, "ledger roll")
	r.skip = begins(t, tr, "seg-00000002.db.new") - 4
	green(t, "ledger roll", r.run(t, tr))
}

// One of bbolt's two meta pages may be lost while a segment lies there unused.
func TestLedgerOutlivesALostMetaPage(t *testing.T) {
	for _, what := range []string{"ledger few", "ledger roll"} {
		r := ledgerReplay(seedOf(1))
		r.randoms, r.from, r.rest = 0, "closed", metaPages
		green(t, what+", at rest", r.run(t, recorded(t, r.seed, what)))
	}
}

// begins is the operation that made the file; the test is about it.
func begins(t *testing.T, tr trace, name string) int {
	t.Helper()
	at := -1
	err := tr.each(func(n int, o op) error {
		if o.Kind == create && o.Name == name {
			at = n
		}
		return nil
	})
	if err != nil || at < 0 {
		t.Fatalf("no %s was made: %v", name, err)
	}
	return at
}

// A killed program leaves commits in the page cache alone; what the next one
// tells as durable must not rest on that.
func TestLedgerAfterAKill(t *testing.T) {
	own := func(r *recorder, what string) *exec.Cmd { return r.child(what, 1) }
	var total figures
	for n := 1; ; n++ {
		tr, hit := killedThen(t, sync, n, own, "ledger few", "ledger resume")
		if !hit {
			break
		}
		r := ledgerReplay(1)
		r.randoms, r.from = 1, "ack"
		total.add(r.run(t, tr))
	}
	green(t, "ledger killed", total)
}
