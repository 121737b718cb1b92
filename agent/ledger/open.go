package ledger

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.etcd.io/bbolt"
)

// Open opens the ledger in dir, or makes an empty one. ErrAbsent, ErrKey,
// ErrBinding and ErrDamaged tell what stands in the way.
func Open(dir string, o Options) (*Ledger, error) {
	l, err := open(dir, o)
	if err != nil {
		return nil, fmt.Errorf("cannot open the ledger: %w", err)
	}
	return l, nil
}

func open(dir string, o Options) (*Ledger, error) {
	l, err := prepare(dir, o)
	if err != nil {
		return nil, err
	}
	count, err := countSegments(dir)
	if errors.Is(err, os.ErrNotExist) || err == nil && count == 0 {
		if o.Known > 0 {
			return nil, lose(AllGone, "all of it is gone, and record %d was in it", o.Known)
		}
		if o.NoCreate {
			return nil, ErrAbsent
		}
		count, err = 1, l.create(o.Prev)
	}
	if err != nil {
		return nil, err
	}
	if err := l.attach(count, o.Prev); err != nil {
		return nil, err
	}
	if err := l.Lacks(o.Known); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func prepare(dir string, o Options) (*Ledger, error) {
	if o.AEAD == nil || o.AEAD.NonceSize() != nonceSize {
		return nil, errors.New("it needs a cipher with nonces of 24 bytes")
	}
	if o.MaxSegment == 0 {
		o.MaxSegment = defaultMaxSegment
	}
	if o.MaxSegment < minMaxSegment || o.MaxSegment > 1<<30 {
		return nil, fmt.Errorf("segments of %d bytes are not between 512 KiB and 1 GiB", o.MaxSegment)
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.WrapCommit == nil {
		o.WrapCommit = func(commit func() error) error { return commit() }
	}
	return &Ledger{
		dir:    dir,
		sealer: &sealer{aead: o.AEAD, binding: o.Binding, random: o.Rand},
		max:    o.MaxSegment,
		wrap:   o.WrapCommit,
	}, nil
}

// create makes the directory and the first, empty segment.
func (l *Ledger) create(prev *[32]byte) error {
	if err := os.Mkdir(l.dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	if err := syncDirectory(filepath.Dir(filepath.Clean(l.dir))); err != nil {
		return err
	}
	start := origin(l.sealer.binding, prev)
	first := &state{segment: 1, start: start, base: Head{Chain: start}, running: startAt(Head{Chain: start})}
	fresh, err := buildSegment(l.dir, l.sealer, first, l.max)
	if err != nil {
		return err
	}
	return place(fresh)
}

// attach opens the last segment for writing and checks that its end is what its
// state says: in constant time, unless a meta page is lost. Verify does the rest.
func (l *Ledger) attach(last uint64, prev *[32]byte) error {
	if err := l.sweep(); err != nil {
		return err
	}
	if err := fromTheMedium(segmentPath(l.dir, last)); err != nil {
		return err
	}
	db, st, err := l.openLast(last)
	if err != nil {
		return err
	}
	if prev != nil && st.start != *prev {
		err = ErrBinding
	}
	if err == nil {
		err = guard(func() error { return l.checkEnd(db, st) })
	}
	if err == nil {
		// A process that was killed may have left its last commit in the page
		// cache alone. What is told from here on must be on the medium.
		err = renewMeta(db)
	}
	if err != nil {
		return errors.Join(err, db.close())
	}
	l.db = db
	l.current.Store(st)
	return nil
}

// sweep removes what a cut-short creation or repair left: a file that holds no
// record of its own, and a second name of a segment that is still in its place.
func (l *Ledger) sweep() error {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(l.dir, e.Name())
		left := strings.HasSuffix(path, freshSuffix)
		if segment := segmentOf(path); segment != "" {
			left = sameFile(segment, path)
		}
		if left && strings.HasPrefix(e.Name(), "seg-") {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *Ledger) checkEnd(db *segment, st *state) error {
	return db.View(func(tx *bbolt.Tx) error {
		key, sealed := tx.Bucket(recordBucket).Cursor().Last()
		head := st.running.head
		if key == nil && head == st.base {
			return nil
		}
		if key == nil || string(key) != string(seqKey(head.Seq)) {
			return fmt.Errorf("%w: the last record is not number %d", ErrDamaged, head.Seq)
		}
		chain, _, err := l.sealer.openRecord(nil, head.Seq, sealed)
		if err != nil || chain != head.Chain {
			return fmt.Errorf("%w: the last record does not fit the state", ErrDamaged)
		}
		return nil
	})
}
