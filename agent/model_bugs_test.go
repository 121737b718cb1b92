package agent

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// bug is one mistake that is made on purpose. Each stays here as a proof that the
// model is any good: it must find every one of them. Mistakes in the code's own
// rules are patches of docs/RULES.md besides.
type bug int

const (
	noBug bug = iota
	bugReceiptUnsynced
	bugBackupUnsynced
	bugWipeFirst
	bugDoneFirst
	bugSplitCrossing
	bugLateCancel
	bugBlindErase
	bugBetterTry
	bugEarlyEnd
	bugStoneUnsynced
	bugCrossingUnsynced
	bugAckFirst
)

var bugNames = map[bug]string{
	bugReceiptUnsynced:  "the commit with the receipt is not synced",
	bugBackupUnsynced:   "the sealed backup is not synced before it gets its name",
	bugWipeFirst:        "the line is crossed before there is a receipt",
	bugDoneFirst:        "a step is written down as done before its work",
	bugSplitCrossing:    "the crossing and what the gate kept are two commits",
	bugLateCancel:       "a cancel is honoured after the line",
	bugBlindErase:       "the reader is ordered to erase without asking whether it did",
	bugBetterTry:        "what an earlier try did is forgotten",
	bugEarlyEnd:         "the identity goes before the certificate is receipted",
	bugStoneUnsynced:    "the tombstone is not synced",
	bugCrossingUnsynced: "the commit that crosses is not synced",
	bugAckFirst:         "a transaction is acknowledged before its commit is synced",
}

// plant puts a bug into the disk under the code.
func (b bug) plant(w *world) {
	changed := func(before, after *page, bucket, key string) bool {
		return !bytes.Equal(before.note(bucket, key), after.note(bucket, key))
	}
	crosses := func(before, after *page) bool {
		return before.note("notes", noteOpened) == nil && after.note("notes", noteOpened) != nil
	}
	switch b {
	case bugReceiptUnsynced:
		w.shelf.deaf = func(before, after *page) bool { return changed(before, after, "notes", noteReceipt) }
	case bugCrossingUnsynced:
		w.shelf.deaf = crosses
	case bugSplitCrossing:
		w.shelf.split = func(before, after *page) *page {
			if !crosses(before, after) {
				return nil
			}
			half := &page{number: after.number}
			for _, e := range after.entries {
				if e.key != noteOpened {
					half.entries = append(half.entries, e)
				}
			}
			return half
		}
	case bugBackupUnsynced:
		w.disk.deaf = func(name string) bool { return name == sealedName+".new" }
	case bugStoneUnsynced:
		w.disk.deaf = func(name string) bool { return name == stoneName }
	case bugAckFirst:
		w.disk.deaf = func(name string) bool { return name == ledgerName }
	case bugBetterTry:
		w.shelf.lose = func(bucket, key string) bool { return bucket == "notes" && strings.HasPrefix(key, noteBegun) }
	}
}

// before is what a bug does at the beginning of a step.
func (b bug) before(w *world, step string) {
	if b != bugDoneFirst {
		return
	}
	tx := &shelfTx{s: w.shelf, entries: w.disk.pages.now().entries}
	w.must(tx.Put([]byte("steps"), []byte(step), []byte(`{"state":"done","tries":1}`)))
	w.disk.pages.set(&page{number: w.disk.pages.now().number + 1, entries: tx.entries})
	w.disk.pages.sync()
}

// enough is within how many histories each bug must be found; CI lives fifty times
// as many.
const enough = 4000

func TestModelFindsEveryBug(t *testing.T) {
	if raced && os.Getenv("MODEL_RACE") == "" {
		return // the build that TestModel starts does it
	}
	m := newModel(t)
	for b, name := range bugNames {
		t.Run(name, func(t *testing.T) {
			for i := range enough {
				if _, problem := m.play(histories.Example(i), b, nil); problem != "" {
					t.Logf("history %d: %s", i+1, problem)
					return
				}
			}
			t.Errorf("%d histories and nobody noticed", enough)
		})
	}
}
