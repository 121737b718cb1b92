package main

import "fmt"

// unbindings adds the tables of one length of ledger.
func (p *page) unbindings(n int, all []unbinding) {
	highest := highestOf(all)
	p.add(stepTable(n, all))
	p.add(besideStock(n, all))
	p.add(aroundIt(n, all, highest))
	if highest > memoryBound {
		p.broken = fmt.Errorf("unbindd took %s of anonymous memory with %s transactions; the bound is 64 MiB", mebibytes(highest), thousands(n))
	}
}

func mebibytes(bytes int64) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20)) }

// highestOf is the highest reading of all rounds.
func highestOf(all []unbinding) (highest int64) {
	for _, u := range all {
		for _, r := range u.memory {
			highest = max(highest, r.bytes)
		}
	}
	return highest
}

// each is one figure of every round.
func each(all []unbinding, of func(u unbinding) float64) (s sample) {
	for _, u := range all {
		s = append(s, of(u))
	}
	return s
}

// step is the seconds of a step in every round.
func step(all []unbinding, name string) sample {
	return each(all, func(u unbinding) float64 {
		for _, s := range u.spans {
			if s.name == name {
				return s.seconds()
			}
		}
		return 0
	})
}

func stepTable(n int, all []unbinding) table {
	t := table{
		title: fmt.Sprintf("Unbinding %s transactions, step by step", thousands(n)),
		intro: fmt.Sprintf("A real desk, ticket signer, reader and daemon; rounds: %d. The steps' times are the daemon's own, from begin to recorded;\nthe memory is the highest `RssAnon` that was seen during the step, asked for every %d ms.", len(all), memoryEvery.Milliseconds()),
		head:  []string{"step", "time", "of the whole", "anonymous memory"},
	}
	whole := each(all, func(u unbinding) float64 { return u.whole })
	for _, s := range all[0].spans {
		took := step(all, s.name)
		t.rows = append(t.rows, []string{s.name, took.told(seconds), share(took.over(whole)), memoryIn(all, s.name)})
	}
	t.rows = append(t.rows, []string{"**whole**, until the journal is gone", whole.told(seconds), "", mebibytes(highestOf(all))})
	return t
}

func share(s sample) string {
	if s.median() < 0.005 {
		return "< 1 %"
	}
	return fmt.Sprintf("%.0f %%", 100*s.median())
}

// memoryIn is the highest reading during a step, over all rounds.
func memoryIn(all []unbinding, name string) string {
	highest, found := int64(0), false
	for _, u := range all {
		for _, s := range u.spans {
			if s.name != name {
				continue
			}
			v, ok := peak(u.memory, s.began, s.done)
			highest, found = max(highest, v), found || ok
		}
	}
	if !found {
		return "–"
	}
	return mebibytes(highest)
}

// besideStock compares the two steps that move every byte with stock tools that
// do the same to files of the same size.
func besideStock(n int, all []unbinding) table {
	seal, zero := step(all, "seal-backup"), step(all, "erase-data")
	bySeal := each(all, func(u unbinding) float64 { return u.stock.seal })
	byZero := each(all, func(u unbinding) float64 { return u.stock.zero })
	return table{
		title: fmt.Sprintf("The two steps that move every byte, %s transactions", thousands(n)),
		intro: "`zstd -1 -T1 | age -r` gets the finished plain file; seal-backup begins with sealed records, opens each, checks it and the\nchain, counts and sums, and ends with fsync, reading back and a signed manifest. `dd` writes one new file of zeros, as\nlarge as ledger and sealed file together; erase-data overwrites the files that are there, reads back, truncates and unlinks.",
		head:  []string{"step", "ours", "stock tool", "its time", "ours / stock"},
		rows: [][]string{
			{"seal-backup", seal.told(seconds), "`zstd -1 -T1 \\| age -r`", bySeal.told(seconds), seal.over(bySeal).told(times)},
			{"erase-data", zero.told(seconds), "`dd if=/dev/zero conv=fsync`", byZero.told(seconds), zero.over(byZero).told(times)},
		},
	}
}

// aroundIt is everything that has no stock tool to stand beside.
func aroundIt(n int, all []unbinding, highest int64) table {
	filled := float64(n - overTheLine)
	word := "within"
	if highest > memoryBound {
		word = "**past**"
	}
	records := float64(n + 1)
	stored := each(all, func(u unbinding) float64 { return float64(u.ledger) })
	sealed := each(all, func(u unbinding) float64 { return float64(u.stock.sealed) })
	plain := each(all, func(u unbinding) float64 { return float64(u.stock.plain) })
	return table{
		title: fmt.Sprintf("Around it, %s transactions", thousands(n)),
		intro: fmt.Sprintf("All but %d of the transactions were put into the ledger by `ledger.Append`, %s in a commit; the rest and the batch close\ncame over the line.", overTheLine, thousands(batchOf)),
		head:  []string{"", ""},
		rows: [][]string{
			{"highest anonymous memory of unbindd, from its start to the tombstone", fmt.Sprintf("%s, %s the bound of 64 MiB", mebibytes(highest), word)},
			{"exec until unbindd shows this ledger", each(all, func(u unbinding) float64 { return u.open }).told(seconds)},
			{"filling, transactions per second", each(all, func(u unbinding) float64 { return filled / u.fill }).told(whole)},
			{"ledger on disk", stored.told(megabytes) + fmt.Sprintf(", %.0f bytes a record", stored.median()/records)},
			{"the same as plain JSON lines", plain.told(megabytes)},
			{"sealed backup", sealed.told(megabytes) + fmt.Sprintf(", %.0f bytes a record", sealed.median()/records)},
		},
	}
}
