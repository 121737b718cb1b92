// Package ledger keeps the terminal's transactions on disk.
//
// It promises: what Append has answered is durable; every event is in the
// ledger once, in the reader's order, whatever was repeated; the records are
// encrypted from the first write and chained, so that a change, a gap or a
// swap shows; and one bad event never blocks the ones behind it, because it
// becomes a record that says so and holds nothing of it.
//
// What it cannot show by itself is a ledger put back to an older state as a
// whole, segments and all: for that, somebody outside has to know a newer Head.
//
// The files are bbolt segments, seg-00000001.db and so on, all but the last
// read-only. Keys are numbers, values are sealed; amounts, counts and chain
// values are never in the clear.
//
//	ledger.go    what stands: Head, Last, Tally, Unsettled; Close
//	open.go      open or create
//	append.go    who waits for a commit; admit.go what becomes of each event;
//	             commit.go one commit
//	roll.go      the next segment
//	export.go    records as lines, re-verified on the way out
//	verify.go    everything that is stored, checked; patrol.go while others append
//	audit.go     the same checks for whoever has only the lines; pieces.go for
//	             lines of which some are missing
//	record.go    a record and its canonical JSON
//	parse.go     the allow-list; scan.go its alphabet, refuse.go its rules
//	chain.go     chain, order, totals: carried along by all of the above
//	tally.go     sums
//	seal.go      what lies on disk, encrypted
//	segment.go   one bbolt file; handle.go its transactions
//	pages.go     bbolt's pages, looked at before bbolt follows them
//	medium.go    what the kernel holds, forgotten before a segment is opened
//	check.go     what of a ledger is whole; salvage.go what of a damaged segment
//	carve.go     records looked for in a file that is not opened; bykeys.go by
//	             their keys; newest.go the state that counts; fit.go which of the
//	             records are the ledger's; span.go numbers in a row
//	repair.go    a segment written anew; report.go what is told of all that,
//	             sentence.go in which words
//	beside.go    what another ledger of the same reader has
//	guard.go     damage that bbolt would die of; loss.go kinds of damage
package ledger

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
)

var (
	// ErrAbsent says that the directory holds no ledger and none was to be made.
	ErrAbsent = errors.New("no ledger here")
	// ErrDamaged says that what is stored is not what was written.
	ErrDamaged = errors.New("the ledger is damaged")
	// ErrKey says that the ledger was written under another key.
	ErrKey = errors.New("the ledger was written under another key")
	// ErrBinding says that the ledger belongs to another binding or predecessor.
	ErrBinding = errors.New("the ledger belongs to another binding")
	// ErrOutcomeUnknown says that a commit failed and nobody knows whether it is
	// on disk. Nothing more may be acknowledged: close, open again, and ask Last
	// what is there.
	ErrOutcomeUnknown = errors.New("the outcome of the commit is unknown")
	// ErrClosed says that the ledger was closed.
	ErrClosed = errors.New("the ledger is closed")
)

const (
	defaultMaxSegment = 128 << 20
	minMaxSegment     = 512 << 10
)

// Options say which ledger it is and how it is kept.
type Options struct {
	AEAD       cipher.AEAD // with nonces of 24 bytes: XChaCha20-Poly1305
	Binding    [32]byte    // raw digest of the binding the ledger belongs to
	Prev       *[32]byte   // a successor's: the head of the ledger it continues
	MaxSegment int64       // bytes of one file; 0 means 128 MiB, the least is 512 KiB
	NoCreate   bool        // answer ErrAbsent instead of making a ledger
	Known      uint64      // a record that is known to have been durable: a ledger that ends before it is damaged

	// Rand is where nonces come from; nil means the system's generator.
	Rand io.Reader
	// WrapCommit, if set, runs in place of every commit of records and is handed
	// the commit itself: the place where tests count, fail or cut the power.
	WrapCommit func(commit func() error) error
}

// Ledger is an open ledger. It is safe for concurrent use; while it is open no
// other process can open it.
type Ledger struct {
	dir    string
	sealer *sealer
	max    int64
	wrap   func(commit func() error) error

	queueing sync.Mutex // guards queue
	queue    []*waiting

	writing sync.Mutex // one writer at a time; Close is one too; guards dead
	dead    error      // why nothing may be written any more

	harmed atomic.Bool // damage was seen: writing might spread it

	files   sync.RWMutex // guards db against roll and Close
	db      *segment
	current atomic.Pointer[state]
}

// Close waits for what is being written or read and closes the files.
func (l *Ledger) Close() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.files.Lock()
	defer l.files.Unlock()
	if l.db == nil {
		return nil
	}
	db, healthy := l.db, l.dead == nil && !l.harmed.Load()
	l.db = nil
	if l.dead == nil {
		l.dead = ErrClosed
	}
	var err error
	if healthy {
		// Of two meta pages the newer one alone leads to the last commit; a bit
		// of it lost at rest would silently lead to the commit before.
		err = renewMeta(db)
	}
	if err := errors.Join(err, db.close()); err != nil {
		return fmt.Errorf("cannot close the ledger: %w", err)
	}
	return nil
}

// Head returns the newest durable record's number and chain value.
func (l *Ledger) Head() Head { return l.current.Load().running.head }

// Last returns the highest stored event number of that reader, 0 if none.
func (l *Ledger) Last(reader string) uint64 { return l.current.Load().running.last[reader] }

// Tally returns counts and sums of the whole ledger, in constant time.
func (l *Ledger) Tally() Tally {
	tally := l.current.Load().running.tally
	tally.Sums = slices.Clone(tally.Sums)
	return tally
}

// Unsettled returns, per currency and sorted by it, how many approved
// transactions of the whole terminal stand since the last batch close, and
// their gross amount in minor units: what a signed exception has to name.
func (l *Ledger) Unsettled() []OpenSum {
	return slices.Clone(l.current.Load().running.open)
}
