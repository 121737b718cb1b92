// Package bolt keeps a desk's records in one bbolt file, for one desk process at
// a time.
//
// It promises what every base promises, and that changes of many requests share
// one commit. A commit that fails ends it: whether the pages reached the medium
// is then known to nobody, until the file is opened anew.
//
//	bolt.go  create, open, Change and Look
//	group.go many changes, one commit
//	undo.go  taking one of them back
//	rows.go  tables as buckets
package bolt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"unbindd/agent/mapped"
	"unbindd/cmd/unbind-desk/internal/store"
)

// lockWait is how long a second process waits before it is told so.
const lockWait = time.Second

// mapSize is how much of the file has its place in memory from the beginning: while
// it does, a slow look never makes a change wait.
const mapSize = 256 << 20

// Base is an open desk.db.
type Base struct {
	db *mapped.File

	mu      sync.Mutex
	moved   *sync.Cond
	durable int  // the newest transaction that is on the medium
	unknown bool // a commit failed
	waiting int  // looks that wait for the medium
	closed  bool
	next    group
}

// Create makes a new file in dir, which must not have one.
func Create(dir string) (*Base, error) {
	if _, err := os.Stat(filepath.Join(dir, "desk.db")); err == nil {
		return nil, errors.New("cannot create the store: there is one already")
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot create the store: %w", err)
	}
	b, err := open(dir, os.OpenFile)
	if err != nil {
		return nil, fmt.Errorf("cannot create the store: %w", err)
	}
	// Without it the name could be lost after the first receipt went out.
	if err := syncDir(dir); err != nil {
		return nil, fmt.Errorf("cannot create the store: %w", errors.Join(err, b.Close()))
	}
	return b, nil
}

// Open opens the file of dir. It fails with store.ErrInUse while another process
// has it open.
func Open(dir string) (*Base, error) {
	if _, err := os.Stat(filepath.Join(dir, "desk.db")); err != nil {
		return nil, fmt.Errorf("cannot open the store: %w", err)
	}
	b, err := open(dir, os.OpenFile)
	if err != nil {
		return nil, fmt.Errorf("cannot open the store: %w", err)
	}
	return b, nil
}

func open(dir string, file func(string, int, os.FileMode) (*os.File, error)) (*Base, error) {
	db, err := mapped.Open(filepath.Join(dir, "desk.db"), 0o600, bbolt.Options{
		Timeout: lockWait, FreelistType: bbolt.FreelistMapType, OpenFile: file, InitialMmapSize: mapSize,
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, store.ErrInUse
	}
	if err != nil {
		return nil, err
	}
	b := &Base{db: db, next: newGroup()}
	b.moved = sync.NewCond(&b.mu)
	// A killed desk may have left its last commit in the page cache alone; what is
	// answered from here on must be on the medium.
	if err := db.Update(b.prepare); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	go b.commits()
	return b, nil
}

// prepare makes the tables that are missing.
func (b *Base) prepare(tx *bbolt.Tx) error {
	for _, t := range store.Tables {
		if _, err := tx.CreateBucketIfNotExists([]byte(t)); err != nil {
			return err
		}
	}
	id := tx.ID() // a transaction that is over has none
	tx.OnCommit(func() { b.settle(id, false) })
	return nil
}

// Close writes what waits and closes the file.
func (b *Base) Close() error {
	b.mu.Lock()
	first := !b.closed
	b.closed = true
	b.mu.Unlock()
	if first {
		close(b.next.end)
		<-b.next.ended
	}
	if err := b.db.Close(); err != nil {
		return fmt.Errorf("cannot close the store: %w", err)
	}
	return nil
}

// Change runs f in a transaction that shares its commit with others that wait.
func (b *Base) Change(f func(store.Rows) error) error {
	if b.dead() {
		return store.ErrUnknown
	}
	return b.join(f)
}

// Look runs f on the newest state that is durable. A reader sees a commit as soon
// as its pages are written, which is before they are synced: it waits for that,
// or it could tell of what a power cut takes back.
func (b *Base) Look(f func(store.Rows) error) error {
	return named(b.db.View(func(tx *bbolt.Tx) error {
		if !b.await(tx.ID()) {
			return store.ErrUnknown
		}
		return f(rowsOf(tx))
	}))
}

// named says of which file a page could not be read.
func named(err error) error {
	if errors.Is(err, mapped.ErrUnread) {
		return fmt.Errorf("cannot use the store: %w", err)
	}
	return err
}

// settle records that a transaction is on the medium, or that nobody knows.
func (b *Base) settle(id int, unknown bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.durable = max(b.durable, id)
	b.unknown = b.unknown || unknown
	b.moved.Broadcast()
}

// await waits until a transaction is on the medium; false if that will never be known.
func (b *Base) await(id int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting++
	for b.durable < id && !b.unknown {
		b.moved.Wait()
	}
	b.waiting--
	return b.durable >= id && !b.unknown
}

func (b *Base) dead() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.unknown
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
