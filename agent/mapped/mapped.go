// Package mapped opens a file of bbolt's, and makes an error of a page that the
// medium does not give.
//
// bbolt reads through a map of its file. Where the kernel cannot fill a page of
// the map it sends a signal, and the program would die of it, without a word about
// what it was doing. Here such a fault ends the transaction with ErrUnread: what was
// to be written is taken back, or, in a commit, unknown, as after every commit that
// fails; after one of those the file takes no changes until it is opened again. It
// promises nothing where bbolt holds its locks, which is why the two pages that it
// looks at then are read with a call first, which can fail like any other: who meets
// a fault there all the same dies of it, as of a power cut.
//
// 32-bit ARM does not turn a fault into a panic: there the program dies of every one.
//
//	mapped.go  open, View, Update
package mapped

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync/atomic"
	"syscall"

	"go.etcd.io/bbolt"
)

// ErrUnread says that a page of the file could not be read.
var ErrUnread = errors.New("a page of the file could not be read")

// ErrWrong says that a page was read, and bbolt did not write it like that.
var ErrWrong = errors.New("a page of the file is not what it should be")

// File is an open file.
type File struct {
	*bbolt.DB
	file  *os.File
	metas int         // bytes of the two pages that bbolt looks at when a transaction begins
	torn  atomic.Bool // a commit broke off, and bbolt has lost count of its free pages
}

// Open opens or makes a file, as bbolt.Open does.
func Open(path string, mode os.FileMode, o bbolt.Options) (*File, error) {
	f, open := &File{}, o.OpenFile
	if open == nil {
		open = os.OpenFile
	}
	o.OpenFile = func(name string, flag int, mode os.FileMode) (file *os.File, err error) {
		f.file, err = open(name, flag, mode)
		return f.file, err
	}
	err := guard(func() (err error) {
		defer func() { // nobody's code but bbolt's runs here, and it panics over a page that is not what it should be
			switch p := recover().(type) {
			case nil:
			case fault:
				panic(p) // guard's
			default:
				err = fmt.Errorf("%w: %v", ErrWrong, p)
			}
		}()
		if f.DB, err = bbolt.Open(path, mode, &o); err == nil {
			f.metas = 2 * f.Info().PageSize
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(err, f.unlock())
	}
	return f, nil
}

// fault is what the runtime panics with at an address behind which there is nothing:
// a page that the medium does not give, or, where a damaged page leads there, a place
// outside of the map. Here they are one.
type fault interface{ Addr() uintptr }

// guard makes ErrUnread of a fault. Every other panic is somebody's mistake and
// goes on.
func guard(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch p := recover().(type) {
		case nil:
		case fault:
			err = ErrUnread
		default:
			panic(p)
		}
	}()
	return do()
}

// View is View of bbolt.
func (f *File) View(do func(*bbolt.Tx) error) error {
	tx, err := f.begin(false)
	if err != nil {
		return err
	}
	defer end(tx)
	return guard(func() error { return do(tx) })
}

// Update is Update of bbolt. After a commit that broke off there is none: what it had
// taken of the free pages is neither free nor used then, and the next would write that
// down. Opening the file reads them anew.
func (f *File) Update(do func(*bbolt.Tx) error) error {
	tx, err := f.begin(true)
	if err != nil {
		return err
	}
	defer end(tx)
	if f.torn.Load() {
		return fmt.Errorf("%w in a commit: nothing is changed before it is opened again", ErrUnread)
	}
	if err := guard(func() error { return do(tx) }); err != nil {
		return err
	}
	return guard(func() error { return f.commit(tx) })
}

// commit is Commit of bbolt, and remembers that one broke off before the next begins.
func (f *File) commit(tx *bbolt.Tx) error {
	over := false
	defer func() {
		if !over {
			f.torn.Store(true)
		}
	}()
	err := tx.Commit()
	over = true
	return err
}

// begin begins a transaction. What it reads first stays where the map shows it.
func (f *File) begin(write bool) (*bbolt.Tx, error) {
	metas := make([]byte, f.metas)
	if _, err := f.file.ReadAt(metas, 0); err != nil && !errors.Is(err, os.ErrClosed) { // of a closed file bbolt speaks itself
		return nil, fmt.Errorf("%w: %w", ErrUnread, err)
	}
	return f.Begin(write)
}

// end takes back what was not committed, and reads nothing.
func end(tx *bbolt.Tx) {
	_ = tx.Rollback() // after a commit it only says that there is nothing left to take back
}

// unlock closes the descriptor of a file that bbolt broke off to open. The lock has
// to go by itself: a map that bbolt left behind holds on to it.
func (f *File) unlock() error {
	if f.file == nil {
		return nil
	}
	_ = syscall.Flock(int(f.file.Fd()), syscall.LOCK_UN) // fails where it is closed already
	if err := f.file.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}
