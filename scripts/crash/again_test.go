//go:build (amd64 || arm64) && !android

package crash

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"unbindd/agent/journal"
	"unbindd/agent/keys"
	"unbindd/agent/ledger"
	"unbindd/wipe"
)

// What a store is asked when it is opened again: everything. An answer that is
// not the truth is worse than none, and begins with the word untrue.
func init() {
	works["ledger again"], works["journal again"], works["keys again"] = ledgerAgain, journalAgain, keysAgain
	works["wipe fill"] = func(dir string, _ uint64, say func(string)) error { return fill(dir, say) }
	works["wipe again"] = eraseAgain
}

func untrue(format string, args ...any) error {
	return fmt.Errorf("untrue: %w", fmt.Errorf(format, args...))
}

// toldIn is what was told in a folder so far.
func toldIn(dir string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(dir, toldFile))
	return strings.Split(strings.TrimSpace(string(text)), "\n"), err
}

// badMedium tells whether this run is one in which the medium has not kept a file, or
// bytes of one: that alone may be called damage.
func badMedium() bool { return os.Getenv("CRASH_BAD") != "" }

// ledgerAgain opens, reads everything in every way there is, and appends.
func ledgerAgain(dir string, seed uint64, say func(string)) error {
	told, err := toldIn(dir)
	if err != nil {
		return err
	}
	acked, _ := bounds(told)
	o := ledgerOptions(seed + 1)
	o.Known, o.NoCreate = acked, true
	l, err := ledger.Open(filepath.Join(dir, "ledger"), o)
	if err != nil {
		return ledgerTruth(err)
	}
	if last := l.Last(reader); last != acked {
		return errors.Join(untrue("the ledger has %d events, and %d were acknowledged", last, acked), l.Close())
	}
	patrolled, verified := l.Patrol(context.Background()), l.Verify(context.Background())
	count := uint64(0)
	_, _, exported := l.Export(context.Background(), 1, func([]byte) error { count++; return nil })
	if exported == nil && count != acked {
		exported = untrue("%d records were exported of %d", count, acked)
	}
	say(fmt.Sprint("begin ", acked+1))
	_, appended := l.Append(reader, events(acked+1, acked+1))
	if appended == nil {
		say(fmt.Sprint("ack ", acked+1))
	}
	return ledgerTruth(errors.Join(patrolled, verified, exported, appended, l.Close()))
}

// ledgerTruth lets pass what may be said of a whole ledger that could not be used.
func ledgerTruth(err error) error {
	_, lossy := map[ledger.Loss]bool{ledger.CutShort: true, ledger.SegmentGone: true, ledger.EndGone: true, ledger.AllGone: true, ledger.Foreign: true}[ledger.LossOf(err)]
	if errors.Is(err, ledger.ErrAbsent) || lossy || errors.Is(err, ledger.ErrDamaged) && !badMedium() {
		return untrue("it is whole: %w", err)
	}
	return err
}

// journalAgain opens as who makes one does, then as the daemon does, and goes on.
func journalAgain(dir string, _ uint64, say func(string)) error {
	path := filepath.Join(dir, "journal.db")
	for _, open := range []func(string, journal.Options) (*journal.Journal, error){journal.Create, journal.Open} {
		j, err := open(path, journalOptions())
		if errors.Is(err, journal.ErrAbsent) {
			return untrue("%w", err)
		}
		if err != nil {
			return err
		}
		if err := errors.Join(journalTruth(j), j.Close()); err != nil {
			return err
		}
	}
	j, err := journal.Open(path, journalOptions())
	if err != nil {
		return err
	}
	err = carryOn(j, say)
	if err == nil {
		err = j.Post(journal.Parcel{Case: "case", Kind: "beat", N: 9, Body: []byte("beat")})
	}
	return errors.Join(err, j.Close())
}

func journalTruth(j *journal.Journal) error {
	run, there, err := j.Current()
	if err != nil {
		return err
	}
	used, err := j.Consumed(order.ID)
	if err != nil {
		return err
	}
	steps, err := j.Steps()
	if err != nil {
		return err
	}
	box, err := j.Outbox()
	if err != nil {
		return err
	}
	var kept string
	found, err := j.Get("kept freeze", &kept)
	if err != nil {
		return err
	}
	_, bad, err := j.Damage()
	if err != nil {
		return err
	}
	if !there || !used || run.Outcome != journal.Done || len(steps) == 0 || len(box) < 5 || !found || bad {
		return untrue("there %v, used %v, %q, %d steps, %d parcels, kept %v, damage %v", there, used, run.Outcome, len(steps), len(box), found, bad)
	}
	return nil
}

// keysAgain opens a store, wants all that is in it, and seals once more. Another
// pairing key must be refused: only one whose place is dead gives it free.
func keysAgain(dir string, _ uint64, say func(string)) error {
	told, err := toldIn(dir)
	if err != nil {
		return err
	}
	at := filepath.Join(dir, "keys")
	s, err := keys.Open(at)
	if errors.Is(err, keys.ErrAbsent) || errors.Is(err, keys.ErrFormer) {
		return untrue("%w", err)
	}
	if err != nil {
		return err
	}
	for _, c := range []keys.Class{keys.Data, keys.Line, keys.Identity} {
		if gone, err := s.Gone(c); gone {
			return untrue("the %s keys are called gone", c)
		} else if err != nil {
			return err
		}
	}
	if s.Has(keys.Identity) && hex.EncodeToString(s.DevicePublic()) != strings.TrimPrefix(told[0], "public ") {
		return untrue("the device key is another one")
	}
	_, ledgers := s.LedgerAEAD()
	_, tls := s.TLSKey()
	r, opened := s.OpenPreimage(aad)
	if acked, _ := bounds(told); opened == nil && r != preimage(int(acked)) {
		return untrue("the preimage is another one")
	}
	another := s.SetPairing(keys.NewSecret(bytes.Repeat([]byte{8}, 32)))
	if another == nil {
		return untrue("another pairing key was put in the place of one that is there")
	}
	if errors.Is(another, keys.ErrExists) {
		another = nil
	}
	for _, err := range []error{ledgers, tls, opened, another} {
		if errors.Is(err, keys.ErrGone) || errors.Is(err, keys.ErrDamaged) {
			return untrue("%w", err)
		}
	}
	if err := errors.Join(ledgers, tls, opened, another); err != nil {
		return err
	}
	if _, err := keys.MediumOf(at); err != nil {
		return err
	}
	say("begin 3")
	if err := s.SealPreimage(preimage(3), aad); err != nil {
		return err
	}
	say("ack 3")
	return nil
}

// eraseAgain erases what was filled, as erase does, but by a pattern: what there is of
// the target is then told by a folder alone. Evidence that is no pass tells why, and is
// what the plan says of such a target.
func eraseAgain(dir string, _ uint64, say func(string)) error {
	all := target(dir)
	all.Path = filepath.Join(dir, "dat*")
	e := wipe.Erase(context.Background(), wipe.Kernel{}, all, nil)
	if e.Verified != wipe.Pass {
		if e.Reason == "" || e.LevelAchieved != wipe.LevelNone {
			return untrue("%+v", e)
		}
		return fmt.Errorf("cannot erase the folder: %s", e.Reason)
	}
	if _, err := os.Lstat(filepath.Join(dir, "data")); err == nil {
		return untrue("it is there after %+v", e)
	} else if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot look whether it is gone: %w", err)
	}
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	say("erased " + string(text))
	return nil
}
