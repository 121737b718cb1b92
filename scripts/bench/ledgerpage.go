package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"unbindd/agent/ledger"
)

// appended takes turns: one durable append to the long ledger, to a small one,
// and to a plain file.
func (g *growing) appended() (err error) {
	dir := filepath.Join(g.b.work, "small")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	small, err := openLedger(dir)
	if err != nil {
		return err
	}
	plain, err := openPlain(dir)
	if err != nil {
		return errors.Join(err, small.close())
	}
	l, err := openIn(g.dir)
	if err != nil {
		return errors.Join(err, small.close(), plain.close())
	}
	long := &contender{name: "long ledger", close: l.Close}
	long.write = func(events []ledger.Event) error {
		_, err := l.Append(readerNo, events)
		return err
	}
	all := []*contender{long, small, plain}
	defer func() {
		for _, c := range all {
			err = errors.Join(err, c.close())
		}
	}()
	took := make([]sample, len(all))
	for round := range appendRounds {
		for i := range all {
			who := (i + round) % len(all)
			v, err := all[who].round(1, appendWrites)
			if err != nil {
				return fmt.Errorf("%s: %w", all[who].name, err)
			}
			took[who] = append(took[who], v.median()*1e6)
		}
	}
	g.long, g.small, g.plain, g.ratio = took[0], took[1], took[2], took[0].over(took[1])
	return nil
}

// judge writes the tables, and says which bound did not hold.
func (g *growing) judge() error {
	files, err := filepath.Glob(filepath.Join(g.dir, "ledger", "seg-*.db"))
	if err != nil {
		return err
	}
	for _, f := range files {
		n, err := size(f)
		if err != nil {
			return err
		}
		g.most = max(g.most, n)
	}
	g.openTable()
	g.readTable(len(files))
	g.b.page.add(table{
		title: "One durable append",
		intro: fmt.Sprintf("One record a commit; the median of %d commits in each of %d rounds, the three taking turns.", appendWrites, appendRounds),
		head:  []string{fmt.Sprintf("with %s records", thousands(longLedger)), "with none", "append + fdatasync", "long / small", "long / plain file"},
		rows:  [][]string{{g.long.told(micros), g.small.told(micros), g.plain.told(micros), g.ratio.told(times), g.long.over(g.plain).told(times)}},
	})
	return nil
}

// pick is one figure of the warm openings, or of the cold ones.
func pick(all []opening, cold bool, of func(opening) float64) (s sample) {
	for _, o := range all {
		if o.cold == cold {
			s = append(s, of(o))
		}
	}
	return s
}

func (g *growing) openTable() {
	t := table{
		title: "Opening",
		intro: fmt.Sprintf("The same ledger while it grows, each time in a fresh process, %d rounds of each, taking turns: warm, and after the kernel was\nmade to forget every file of it (`POSIX_FADV_DONTNEED`). What counts is the last column but two: the opening beside that of\na ledger of one record; at most %.0f times is promised for the longest. An opening ends with a commit of its own.", openRounds, openBound),
		head:  []string{"records", "bytes on disk", "open, warm", "open, cold", "warm / one record", "cold / one record", "RSS after", "of it anonymous"},
	}
	seconds1 := func(o opening) float64 { return o.Seconds }
	for i, n := range ledgerSizes {
		all := g.opens[i]
		warm, cold := pick(all, false, seconds1), pick(all, true, seconds1)
		ratio := warm.over(pick(g.opens[0], false, seconds1))
		coldRatio := cold.over(pick(g.opens[0], true, seconds1))
		rss := pick(all, false, func(o opening) float64 { return float64(o.RSS) })
		anon := pick(all, false, func(o opening) float64 { return float64(o.Anon) })
		t.rows = append(t.rows, []string{
			thousands(n), megabytes(float64(g.size[i])), warm.told(seconds), cold.told(seconds), times(warm.median() / pick(g.opens[0], false, seconds1).median()),
			times(cold.median() / pick(g.opens[0], true, seconds1).median()), mebibytes(int64(rss.median())), mebibytes(int64(anon.median())),
		})
		if n == longLedger && (ratio.median() > openBound || coldRatio.median() > openBound) {
			t.after = g.breaks("opening %s records takes %.1f times (cold %.1f times) what one takes", thousands(n), ratio.median(), coldRatio.median())
		}
	}
	g.b.page.add(t)
}

func (g *growing) readTable(files int) {
	t := table{
		title: "Reading all of it",
		intro: fmt.Sprintf("Every seal, number, chain value and total, in a process of its own; the memory is the highest `RssAnon`, asked for every %s.\nThe baseline is `sha256sum` of the same files. `check` is what `unbindd ledger check` does. One round each: they take long.", memoryEvery),
		head:  []string{"records", "verify", "export", "check", "sha256sum", "verify / sha256sum", "memory: verify", "export", "check"},
		after: fmt.Sprintf("In %d segments, the largest of %s; at most %s is promised.", files, megabytes(float64(g.most)), megabytes(segmentBound)),
	}
	for _, r := range g.reads {
		t.rows = append(t.rows, []string{
			thousands(r.records), seconds(r.verify), seconds(r.export), seconds(r.check), seconds(r.sum), times(r.verify / r.sum),
			mebibytes(r.verifyAnon), mebibytes(r.exportAnon), mebibytes(r.checkAnon),
		})
	}
	first, last := g.reads[0], g.reads[len(g.reads)-1]
	for what, m := range map[string][2]int64{"verify": {first.verifyAnon, last.verifyAnon}, "export": {first.exportAnon, last.exportAnon}, "check": {first.checkAnon, last.checkAnon}} {
		if m[1] > m[0]+ledgerGrowth {
			t.after += g.breaks("%s took %s with %s records, and %s with %s", what, mebibytes(m[0]), thousands(first.records), mebibytes(m[1]), thousands(last.records))
		}
	}
	if g.most > segmentBound {
		t.after += g.breaks("a segment has %s", megabytes(float64(g.most)))
	}
	g.b.page.add(t)
}

// breaks notes a bound that did not hold, and returns what the page says of it.
func (g *growing) breaks(format string, args ...any) string {
	err := fmt.Errorf(format, args...)
	g.b.page.broken = errors.Join(g.b.page.broken, err)
	return "\n\n**Missed:** " + err.Error() + "."
}
