//go:build (amd64 || arm64) && !android

package crash

import "testing"

// A medium that ignores the syncs of one kind loses what was acknowledged. The
// lab must see that, or its silence about the real stores is worth nothing.
func TestDeafMediaAreSeen(t *testing.T) {
	for _, c := range []struct {
		name string
		r    *replay
		work string
		k    kind
		word string
	}{
		{"ledger, segments", ledgerReplay(1), "ledger few", sync, ".db"},
		{"ledger, its folder", ledgerReplay(1), "ledger few", syncFolder, "ledger"},
		{"journal, the file", journalReplay(), "journal", sync, "journal.db"},
		{"journal, its folder", journalReplay(), "journal", syncFolder, ""},
		{"keys, the files", keysReplay(), "keys", sync, ""},
		{"courier, the files", courierReplay(), "courier", sync, "report"},
		{"courier, its folders", courierReplay(), "courier", syncFolder, ""},
		{"keys, their folder", keysReplay(), "keys", syncFolder, "keys"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.r.randoms, c.r.deaf, c.r.enough = 1, deafTo(c.k, c.word), 3
			red(t, c.name, c.r.run(t, recorded(t, c.r.seed, c.work)))
		})
	}
}
