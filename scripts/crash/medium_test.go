//go:build (amd64 || arm64) && !android

package crash

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"unbindd/agent/ledger"
)

// A medium that takes a commit's pages, loses them, and says so at the sync: the
// kernel goes on to show them to every reader. A ledger that is opened anew
// counts what the medium has.
func TestLedgerCountsWhatTheMediumHas(t *testing.T) {
	r := mounted(t)
	dir := filepath.Join(r.mount, "ledger")
	l, err := ledger.Open(dir, ledgerOptions(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(reader, events(1, 3)); err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	r.lossy, r.fault = true, &fault{kind: sync, n: 2, errno: syscall.EIO} // pages and meta are written, the second sync fails
	r.mu.Unlock()
	if _, err := l.Append(reader, events(4, 6)); !errors.Is(err, ledger.ErrOutcomeUnknown) {
		t.Fatalf("the lost commit was answered with %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, err = ledger.Open(dir, ledgerOptions(2))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if last := l.Last(reader); last != 3 {
		t.Fatalf("the ledger counts %d events, the medium has 3", last)
	}
}
