package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"unbindd/wipe"
)

const (
	wipeRounds = 9
	wipeBytes  = 256 << 20

	// ddBound is how many times the time of writing zeros an erase may take that
	// also reads everything back.
	ddBound = 2.0
)

// The parts of make bench-wipe; only the first is judged, and it needs no program
// of ours.
const (
	partFile   = "file"
	partLedger = "ledger"
	partUnbind = "unbind"
)

var wipeParts = []string{partFile, partLedger, partUnbind}

// partsOf reads -parts.
func partsOf(text string) ([]string, error) {
	if text == "" {
		return wipeParts, nil
	}
	parts := strings.Split(text, ",")
	for _, p := range parts {
		if !slices.Contains(wipeParts, p) {
			return nil, fmt.Errorf("cannot begin: %q is none of %s", p, strings.Join(wipeParts, ", "))
		}
	}
	return parts, nil
}

// wiping is what make bench-wipe takes.
func (b *bench) wiping() []measurement {
	parts, _ := partsOf(b.parts) // it was read before
	all := []measurement{{"describe the machine", b.describe}}
	if slices.Contains(parts, partLedger) || slices.Contains(parts, partUnbind) {
		all = append([]measurement{{"build the programs", b.build}}, all...)
	}
	for _, m := range []struct {
		part string
		measurement
	}{
		{partFile, measurement{"erase one file", b.eraseBesideStock}},
		{partLedger, measurement{fmt.Sprintf("erase a ledger of %s transactions", thousands(b.large)), func() error { return b.eraseLedger(b.large) }}},
		{partUnbind, measurement{fmt.Sprintf("unbind %s transactions", thousands(b.large)), func() error { return b.unbindings(b.large, 1) }}},
	} {
		if slices.Contains(parts, m.part) {
			all = append(all, m.measurement)
		}
	}
	return all
}

// erasing is one round on one device, in seconds.
type erasing struct {
	ours, dd, flushed, shred float64
	rungs                    rungs
}

// eraseBesideStock measures on two devices. What is written to the one in memory
// is where it stays when the write returns; nothing is faster, so that no other
// device asks more of us beside dd. Below the one on disk lies a page cache, where
// dd leaves its zeros and from where our flush fetches what was written: there dd
// with a flush does the same work.
func (b *bench) eraseBesideStock() error {
	return errors.Join(b.eraseOn(inMemory), b.eraseOn(onDisk))
}

// eraseOn takes turns on one device: ours on a file, zeros on as many bytes of the
// device itself, the same and flushed, shred on a file like the first.
func (b *bench) eraseOn(kind wipeDiskKind) (err error) {
	d, err := b.newWipeDisk(kind)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.end()) }()
	var all []erasing
	for round := range wipeRounds {
		e, err := b.eraseRound(d, round)
		if err != nil {
			return err
		}
		b.say("  %s, round %d: ours %s, dd %s, flushed %s, shred %s", kind.name, round+1, seconds(e.ours), seconds(e.dd), seconds(e.flushed), seconds(e.shred))
		all = append(all, e)
	}
	b.page.erasings(kind, all)
	return nil
}

// eraseRound changes the order from round to round, so that nobody always comes
// after the same one.
func (b *bench) eraseRound(d *wipeDisk, round int) (e erasing, err error) {
	turns := []func() error{
		func() (err error) { e.ours, e.rungs, err = b.eraseOurs(d); return err },
		func() (err error) { e.dd, err = b.zeros(d, "notrunc"); return err },
		func() (err error) { e.flushed, err = b.zeros(d, "notrunc,fsync"); return err },
		func() (err error) { e.shred, err = b.shred(d); return err },
	}
	for i := range turns {
		if err := turns[(i+round)%len(turns)](); err != nil {
			return e, err
		}
	}
	return e, nil
}

func (b *bench) eraseOurs(d *wipeDisk) (float64, rungs, error) {
	if err := d.fill(); err != nil {
		return 0, nil, err
	}
	return b.timedErase(wipe.Target{Name: "file", Kind: "data", Path: d.file(), Root: d.mount, Requested: wipe.LevelClear}, wipeBytes)
}

// timedErase erases a target of so many bytes, and accepts nothing less than Clear.
func (b *bench) timedErase(t wipe.Target, bytes int64) (float64, rungs, error) {
	watch, began := newStopwatch(), time.Now()
	e := wipe.Erase(b.ctx, wipe.Kernel{}, t, watch.note)
	took := time.Since(began).Seconds()
	if e.LevelAchieved != wipe.LevelClear || e.Verified != wipe.Pass || e.Bytes < bytes {
		return 0, nil, fmt.Errorf("cannot erase: %s, %s, %d of %d bytes: %s", e.LevelAchieved, e.Verified, e.Bytes, bytes, e.Reason)
	}
	return took, watch.stop(), nil
}

// zeros writes zeros past the page cache onto the device, behind its file system.
func (b *bench) zeros(d *wipeDisk, conv string) (float64, error) {
	return b.timed("dd", "if=/dev/zero", "of="+d.node, "bs=1M", fmt.Sprintf("count=%d", wipeBytes>>20),
		fmt.Sprintf("seek=%d", rawBegin>>20), "oflag=direct", "conv="+conv, "status=none")
}

func (b *bench) shred(d *wipeDisk) (float64, error) {
	if err := d.fill(); err != nil {
		return 0, err
	}
	return b.timed("shred", "-n1", "-u", d.file())
}

func (b *bench) timed(name string, args ...string) (float64, error) {
	began := time.Now()
	_, err := b.call(b.work, name, args...)
	return time.Since(began).Seconds(), err
}

// eraseLedger fills a terminal's ledger and erases it as the step erase-data does,
// to see where the time goes; the step itself stands in the whole unbinding.
func (b *bench) eraseLedger(n int) (err error) {
	if n == 0 {
		return nil
	}
	t, err := b.newTerminal(func(t *terminal) (string, error) { return t.plug() })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.end()) }()
	if err := t.fill(n); err != nil {
		return err
	}
	bytes, err := treeSize(t.path("state", "ledger"))
	if err != nil {
		return err
	}
	// On the medium, as the ledger of a terminal is long before it is erased.
	if _, err := b.call(b.work, "sync", "-f", t.path("state", "ledger")); err != nil {
		return err
	}
	took, split, err := b.timedErase(wipe.Target{
		Name: "ledger", Kind: "data", Path: t.path("state", "ledger"), Root: t.path("state"), Requested: wipe.LevelClear, Encrypted: true,
	}, bytes)
	if err != nil {
		return err
	}
	b.page.add(table{
		title: fmt.Sprintf("A ledger of %s transactions, rung by rung", thousands(n)),
		intro: fmt.Sprintf("%s, erased once by `wipe.Erase` on the file system named above.", megabytes(float64(bytes))),
		head:  []string{"rung", "time", "of the whole"},
		rows:  rungRows([]rungs{split}, sample{took}),
	})
	return nil
}

// erasings adds the tables of one file on one kind of device, and judges it.
func (p *page) erasings(kind wipeDiskKind, all []erasing) {
	var ours, dd, flushed, shred sample
	var split []rungs
	for _, e := range all {
		ours, dd, flushed, shred = append(ours, e.ours), append(dd, e.dd), append(flushed, e.flushed), append(shred, e.shred)
		split = append(split, e.rungs)
	}
	byDD, byFlushed, byShred := ours.over(dd), ours.over(flushed), ours.over(shred)
	plain, withFlush := "told, not judged: it ends before its bytes are on the disk", "told: a flush is nothing here"
	if kind.memory {
		plain = p.judged(byDD.median() <= ddBound, kind, byDD, "writing zeros", fmt.Sprintf("at most %.1f", ddBound))
	} else {
		withFlush = p.judged(byFlushed.median() <= ddBound, kind, byFlushed, "writing zeros and flushing", fmt.Sprintf("at most %.1f", ddBound))
	}
	faster := p.judged(byShred.median() < 1, kind, byShred, "shred", "below 1")
	p.add(table{
		title: fmt.Sprintf("Erasing a file of %d MiB, %s", wipeBytes>>20, kind.name),
		intro: fmt.Sprintf("On one loop device of a file %s, taking turns in changing order, %d rounds. Ours overwrites, flushes, reads back past\nthe page cache, truncates, unlinks and flushes the folder, on ext4; `dd` writes zeros to the device itself and reads nothing.\n%s", kind.where, len(all), kind.why),
		head:  []string{"", "time", "ours / it", "bound"},
		rows: [][]string{
			{"**ours**, overwritten and read back", ours.told(seconds), "", ""},
			{"`dd if=/dev/zero bs=1M oflag=direct`", dd.told(seconds), byDD.told(times), plain},
			{"the same with `conv=fsync`", flushed.told(seconds), byFlushed.told(times), withFlush},
			{"`shred -n1 -u`", shred.told(seconds), byShred.told(times), faster},
		},
	})
	p.add(table{
		title: fmt.Sprintf("A file of %d MiB, %s, rung by rung", wipeBytes>>20, kind.name),
		intro: "The same rounds; a rung's time runs until the next one begins.",
		head:  []string{"rung", "time", "of the whole"},
		rows:  rungRows(split, ours),
	})
}

// judged says whether a bound is kept, and remembers one that is not.
func (p *page) judged(kept bool, kind wipeDiskKind, ratio sample, beside, bound string) string {
	if kept {
		return bound + ": kept"
	}
	p.broken = errors.Join(p.broken, fmt.Errorf("%s: erasing and reading back takes %.2f times as long as %s; it must be %s", kind.name, ratio.median(), beside, bound))
	return bound + ": **missed**"
}

// needsRoot is asked before anything is built.
func (o options) needsRoot() error {
	if _, err := partsOf(o.parts); err != nil {
		return err
	}
	if o.wipe && os.Geteuid() != 0 {
		return errors.New("cannot begin: a loop device needs root")
	}
	return nil
}
