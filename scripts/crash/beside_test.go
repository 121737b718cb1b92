//go:build (amd64 || arm64) && !android

package crash

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"unbindd/agent/ledger"
)

func init() {
	works["ledger to be lost"] = loseable
	works["ledger beside"] = keptBeside
}

// What the lost ledger is known to have held, and how far the older copy goes that
// is found in its place (decision 0018).
const (
	knownAtLoss = 12
	olderEnd    = 6
)

// appendUpTo appends one event a commit, up to the last.
func appendUpTo(l *ledger.Ledger, last uint64, say func(string)) error {
	for n := l.Last(reader) + 1; n <= last; n++ {
		say(fmt.Sprint("begin ", n))
		if _, err := l.Append(reader, events(n, n)); err != nil {
			return err
		}
		say(fmt.Sprint("ack ", n))
	}
	return nil
}

// loseable makes a ledger, and beside it a copy of what it was half-way.
func loseable(dir string, seed uint64, say func(string)) error {
	at, older := filepath.Join(dir, "ledger"), filepath.Join(dir, "older")
	for _, last := range []uint64{olderEnd, knownAtLoss} {
		l, err := ledger.Open(at, ledgerOptions(seed))
		if err != nil {
			return err
		}
		if err := errors.Join(appendUpTo(l, last, say), l.Close()); err != nil {
			return err
		}
		if last == olderEnd {
			if err := copySynced(older, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// stillHeld wants every record in the lost ledger that the older copy had; at a cut
// it may lie nowhere for the moment. Opening it has written its meta pages.
func stillHeld(dir string) error {
	o := ledgerOptions(98)
	o.NoCreate = true
	l, err := ledger.Open(dir, o)
	if errors.Is(err, ledger.ErrAbsent) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the lost ledger: %w", err)
	}
	if l.Head() != chains()[olderEnd] {
		err = fmt.Errorf("the lost ledger ends in %+v, and was found with %+v", l.Head(), chains()[olderEnd])
	}
	return errors.Join(err, l.Verify(context.Background()), l.Close())
}

// copySynced is what a person does who keeps a copy: it is on the medium.
func copySynced(to, from string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	names, err := filepath.Glob(filepath.Join(to, "*"))
	for _, name := range append(names, to, filepath.Dir(to)) {
		err = errors.Join(err, flush(name))
	}
	return err
}

func flush(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// moves renames a folder, for good.
func moves(from, to string) error {
	return errors.Join(os.Rename(from, to), flush(filepath.Dir(to)))
}

// openKnown is the ledger in its place, of which is known how far it went.
func openKnown(dir string, seed uint64) (*ledger.Ledger, error) {
	o := ledgerOptions(seed)
	o.Known = knownAtLoss
	return ledger.Open(filepath.Join(dir, "ledger"), o)
}

// keptBeside loses the end of the ledger, keeps what comes meanwhile in two ledgers
// beside it, gets it back, takes over, and goes on.
func keptBeside(dir string, seed uint64, say func(string)) error {
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(moves(at("ledger"), at("whole")), moves(at("older"), at("ledger"))); err != nil {
		return err
	}
	if l, err := openKnown(dir, seed+1); ledger.LossOf(err) != ledger.EndGone {
		return fmt.Errorf("without its end the ledger opens to %v, %v", l, err)
	}
	say("lost")
	last := uint64(knownAtLoss)
	for n := range uint64(2) { // the second where the first cannot be opened either
		l, err := ledger.Open(at(fmt.Sprint("ledger-beside-", n+1)), ledgerOptions(seed+2+n))
		if err != nil {
			return err
		}
		if l.Last(reader) == 0 {
			err = l.BeginAfter(reader, last)
		}
		last += 3
		if err := errors.Join(err, appendUpTo(l, last, say), l.Close()); err != nil {
			return err
		}
	}
	if err := errors.Join(moves(at("ledger"), at("older")), moves(at("whole"), at("ledger"))); err != nil {
		return err
	}
	say("back")
	l, err := openWith(dir, seed+4)
	if err != nil {
		return err
	}
	say("taken")
	return errors.Join(appendUpTo(l, last+3, say), l.Close())
}

// openWith does as the agent at each opening (ledgerBeside there, which has tests of its
// own): the ledger, and into it what lies beside it.
func openWith(dir string, seed uint64) (*ledger.Ledger, error) {
	l, err := openKnown(dir, seed)
	if err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		at := filepath.Join(dir, fmt.Sprint("ledger-beside-", n))
		if _, err := os.Stat(at); err != nil {
			return l, nil
		}
		o := ledgerOptions(seed)
		o.NoCreate = true
		other, err := ledger.Open(at, o)
		if errors.Is(err, ledger.ErrAbsent) {
			continue // a cut came before its first record
		}
		if err == nil {
			err = errors.Join(l.TakeFrom(context.Background(), other, reader), other.Close())
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("beside it, %d: %w", n, err), l.Close())
		}
	}
}

// judgeBeside wants a lost ledger to keep what it was found with, for whoever has to
// look at it, until the whole one is put back; then every record that was acknowledged is in it, in either of them.
func judgeBeside(dir string, told []string) error {
	acked, begun := bounds(told)
	whole, at := filepath.Join(dir, "whole"), filepath.Join(dir, "ledger")
	if _, err := os.Stat(whole); err == nil {
		if l, err := openKnown(dir, 99); !errors.Is(err, ledger.ErrDamaged) {
			return fmt.Errorf("without its end the ledger opens to %v, %w", l, err)
		}
		if err := errors.Join(stillHeld(at), os.RemoveAll(at), os.Rename(whole, at)); err != nil {
			return err
		}
	} else if slices.Contains(told, "lost") && !slices.Contains(told, "ack 18") {
		return errors.New("the whole ledger is gone before it was put back")
	}
	l, err := openWith(dir, 99)
	if err != nil {
		return err
	}
	head := l.Head()
	if err := l.Close(); err != nil {
		return err
	}
	if l, err = openWith(dir, 100); err != nil { // again: nothing is taken twice
		return err
	}
	if l.Head() != head {
		return errors.Join(fmt.Errorf("taken over again it ends in %+v, not in %+v", l.Head(), head), l.Close())
	}
	return errors.Join(judgeOpen(l, acked, begun), l.Close())
}

func besideReplay(t *testing.T, seed uint64) (*replay, trace) {
	r := ledgerReplay(seed)
	r.judge, r.randoms = judgeBeside, number("CRASH_RANDOMS", 2)
	tr := recorded(t, r.seed, "ledger to be lost", "ledger beside")
	r.skip = begins(t, tr, "ledger-beside-1") - 4
	return r, tr
}

// No record is lost between a lost ledger and those beside it, at any cut from the
// first record that is kept there to the first after the taking over.
func TestLedgerBesideALostOneLosesNothing(t *testing.T) {
	r, tr := besideReplay(t, seedOf(1))
	green(t, "ledger beside a lost one", r.run(t, tr))
}

// On a medium that ignores what is synced of the ledgers beside it, or the names of
// their folders, the lab must see records go.
func TestALedgerBesideThatIsNotSyncedIsSeen(t *testing.T) {
	r, tr := besideReplay(t, 1)
	for name, deaf := range map[string]func(op) bool{
		"ledger beside, its file":   deafTo(sync, "ledger-beside-1"),
		"ledger beside, its folder": deafTo(syncFolder, "ledger-beside-1"),
		"ledger beside, its name":   func(o op) bool { return o.Kind == syncFolder && o.Ino == 0 },
	} {
		again := *r
		again.randoms, again.deaf, again.enough, again.seen = 1, deaf, 3, nil
		if name == "ledger beside, its name" {
			again.deafFrom = r.skip
		}
		red(t, name, again.run(t, tr))
	}
}
