package wipe

import "golang.org/x/sys/unix"

// Sys is the kernel as this package sees it, and the only way it touches
// anything. Descriptors are plain numbers; names are single parts of a path,
// always taken relative to an opened folder and never followed through a link.
// Errors are unix.Errno, so that a caller can decide by them.
type Sys interface {
	// OpenRoot opens a folder by its absolute path.
	OpenRoot(path string) (fd int, err error)
	// OpenFolder opens a folder in a folder.
	OpenFolder(dir int, name string) (fd int, err error)
	// OpenFile opens a file to read and write; it never waits, as opening a
	// pipe would.
	OpenFile(dir int, name string) (fd int, err error)
	// OpenDirect opens a file to read past the page cache, or says EINVAL.
	OpenDirect(dir int, name string) (fd int, err error)
	// Close has no error: nothing is left to be told after a flush.
	Close(fd int)

	Stat(fd int) (Stat, error)
	StatAt(dir int, name string) (Stat, error)
	// Filesystem tells the magic number and whether it is mounted read-only.
	Filesystem(fd int) (magic int64, readonly bool, err error)
	// Names lists a folder without "." and "..".
	Names(dir int) ([]string, error)

	// Data tells the next stretch at or after offset that holds data; ENXIO if
	// there is none.
	Data(fd int, offset int64) (from, to int64, err error)
	// Extents tells where the file's blocks lie, or EOPNOTSUPP.
	Extents(fd int) ([]Extent, error)
	ReadAt(fd int, p []byte, offset int64) (int, error)
	WriteAt(fd int, p []byte, offset int64) (int, error)
	// Forget drops what the page cache holds of the file.
	Forget(fd int) error
	// Truncate cuts the file to nothing.
	Truncate(fd int) error
	Sync(fd int) error

	Unlink(dir int, name string) error
	RemoveFolder(dir int, name string) error

	// Random fills p.
	Random(p []byte) error
}

// Stat is what Erase wants to know about something that has a name.
type Stat struct {
	Mode  uint32
	Dev   uint64
	Links uint64
	Size  int64
	Block int64 // bytes of one block, what a file's length is rounded up to
}

// Extent is one stretch of a file and its place on the medium, in bytes.
type Extent struct {
	Logical, Physical, Length uint64
	Shared                    bool // with another file or a snapshot
}

func (s Stat) is(kind uint32) bool { return s.Mode&unix.S_IFMT == kind }
