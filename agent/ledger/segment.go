package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
)

const (
	pageSize     = 4096
	lockPatience = 2 * time.Second
	freshSuffix  = ".new"
)

// A segment is one bbolt file with two buckets:
//
//	r: seq u64 big-endian -> nonce 24 | sealed (chain 32 | record)
//	s: "h" -> header, "s" -> nonce 24 | sealed state
var (
	recordBucket = []byte("r")
	stateBucket  = []byte("s")
	headerKey    = []byte("h")
	stateKey     = []byte("s")
)

func segmentPath(dir string, n uint64) string {
	return filepath.Join(dir, fmt.Sprintf("seg-%08d.db", n))
}

func seqKey(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

// allocStep is by how much a segment's file grows at a time.
func allocStep(maxSegment int64) int { return int(min(1<<20, maxSegment/8)) }

// countSegments returns how many segments dir holds. They are numbered from 1
// without a gap, or one is missing: ErrDamaged.
func countSegments(dir string) (uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	var count uint64
	for _, e := range entries {
		name := e.Name()
		if !strings.HasPrefix(name, "seg-") || !strings.HasSuffix(name, ".db") {
			continue
		}
		count++
		if name != filepath.Base(segmentPath(dir, count)) {
			return 0, lose(SegmentGone, "segment %d is missing", count)
		}
	}
	return count, nil
}

// buildSegment makes a segment's file under its temporary name: bbolt's own
// creation is not atomic, and a power cut in it leaves a file that never opens.
func buildSegment(dir string, s *sealer, st *state, maxSegment int64) (fresh string, err error) {
	fresh = segmentPath(dir, st.segment) + freshSuffix
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	db, err := openFile(fresh, maxSegment, false)
	if err != nil {
		return "", err
	}
	err = guard(func() error {
		return db.Update(func(tx *bbolt.Tx) error { return fillSegment(tx, s, st) })
	})
	if err == nil {
		err = db.Sync()
	}
	return fresh, errors.Join(err, db.close())
}

func fillSegment(tx *bbolt.Tx, s *sealer, st *state) error {
	if _, err := tx.CreateBucket(recordBucket); err != nil {
		return err
	}
	b, err := tx.CreateBucket(stateBucket)
	if err != nil {
		return err
	}
	header, err := s.header()
	if err != nil {
		return err
	}
	sealed, err := s.sealState(st)
	if err != nil {
		return err
	}
	return errors.Join(b.Put(headerKey, header), b.Put(stateKey, sealed))
}

// place gives a finished file its name; only after the directory is synced may
// anything be written to it.
func place(fresh string) error {
	path := strings.TrimSuffix(fresh, freshSuffix)
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// segment is an open file. The descriptor is kept beside bbolt's own handle,
// because the lock hangs on it: where damage makes bbolt break off, nobody else
// would ever close it.
type segment struct {
	*bbolt.DB
	file *os.File

	gate   sync.Mutex // one transaction begins or ends at a time; guards broken
	broken bool       // a fault may have left one of bbolt's locks held
}

// openFile opens one bbolt file. The map is as large as the file may become:
// growing it would have to wait for every reader.
func openFile(path string, maxSegment int64, readOnly bool) (*segment, error) {
	s := &segment{}
	o := &bbolt.Options{
		Timeout:      lockPatience,
		PageSize:     pageSize,
		FreelistType: bbolt.FreelistMapType,
		NoStatistics: true,
		ReadOnly:     readOnly,
		OpenFile: func(name string, flag int, mode os.FileMode) (file *os.File, err error) {
			s.file, err = os.OpenFile(name, flag, mode)
			return s.file, err
		},
	}
	if !readOnly {
		o.MaxSize = int(maxSegment)
		o.InitialMmapSize = int(maxSegment)
	}
	err := guard(func() (err error) {
		s.DB, err = bbolt.Open(path, 0o600, o)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, s.unlock())
	}
	s.AllocSize = allocStep(maxSegment)
	return s, nil
}

// unlock closes the descriptor if bbolt has not done so. The lock has to go by
// itself: a map that bbolt left behind holds on to it.
func (s *segment) unlock() error {
	if s.file == nil {
		return nil
	}
	_ = syscall.Flock(int(s.file.Fd()), syscall.LOCK_UN) // fails where it is closed already
	if err := s.file.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// openSegment opens one segment and its state, and says what is wrong with it.
func openSegment(dir string, s *sealer, n uint64, maxSegment int64, readOnly bool) (*segment, *state, error) {
	return openNumbered(segmentPath(dir, n), s, n, maxSegment, readOnly)
}

// openNumbered opens segment n, whatever its file is called.
func openNumbered(path string, s *sealer, n uint64, maxSegment int64, readOnly bool) (seg *segment, st *state, err error) {
	err = guard(func() error {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if info.Size() < 4*pageSize {
			return lose(CutShort, "the file is cut short")
		}
		if seg, err = openFile(path, maxSegment, readOnly); err != nil {
			return openError(err)
		}
		return seg.View(func(tx *bbolt.Tx) error {
			if tx.Size() > info.Size() {
				return lose(CutShort, "the file is cut short")
			}
			if err := checkPages(tx, seg.file, false); err != nil {
				return err
			}
			st, err = readState(tx, s, n)
			return err
		})
	})
	if err = ofTheMedium(err); errors.Is(err, ErrDamaged) {
		err = fmt.Errorf("segment %d: %w", n, err)
	}
	if err != nil && seg != nil {
		err = errors.Join(err, seg.close())
		seg = nil
	}
	return seg, st, err
}

var errBusy = errors.New("another process has it open")

// openError tells damage from a file that another process holds.
func openError(err error) error {
	var path *os.PathError
	var errno syscall.Errno // a lock, a map, a sync: not what the file holds
	switch {
	case errors.Is(err, bbolt.ErrTimeout):
		return errBusy
	case errors.As(err, &path), errors.As(err, &errno), errors.Is(err, ErrDamaged):
		return err
	case errors.Is(err, bbolt.ErrInvalid):
		return lose(Foreign, "it is no file of a ledger, or both of its first pages are lost")
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// readState reads header and state. The state is the better witness: if it
// opens, key and binding are right, and a header that disagrees is damaged.
func readState(tx *bbolt.Tx, s *sealer, n uint64) (*state, error) {
	b := tx.Bucket(stateBucket)
	if b == nil || tx.Bucket(recordBucket) == nil {
		return nil, fmt.Errorf("%w: a bucket is lost", ErrDamaged)
	}
	sameBinding, sameKey, isHeader := s.readHeader(b.Get(headerKey))
	st, err := s.openState(n, b.Get(stateKey))
	switch {
	case err == nil && sameBinding && sameKey:
		return st, nil
	case err == nil || !isHeader:
		return nil, fmt.Errorf("%w: the header", ErrDamaged)
	case !sameBinding:
		return nil, ErrBinding
	case !sameKey:
		return nil, ErrKey
	}
	return nil, fmt.Errorf("%w: the state", ErrDamaged)
}
