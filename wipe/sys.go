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
	// OpenPlain opens a file or folder to ask about it; it never waits.
	OpenPlain(dir int, name string) (fd int, err error)
	// OpenName opens what a name itself stands for, be it a link, only to ask about
	// it and about its attributes; nothing behind it is reached.
	OpenName(dir int, name string) (fd int, err error)
	// OpenDirect opens a file to read past the page cache, or says EINVAL.
	OpenDirect(dir int, name string) (fd int, err error)
	// Close has no error: nothing is left to be told after a flush.
	Close(fd int)

	Stat(fd int) (Stat, error)
	StatAt(dir int, name string) (Stat, error)
	// ReadLink is where a link leads, without going there.
	ReadLink(dir int, name string) (string, error)
	// Filesystem tells the magic number and whether it is mounted read-only.
	Filesystem(fd int) (magic int64, readonly bool, err error)
	// Mount tells which mount an opened thing was reached through.
	Mount(fd int) (id int, err error)
	// Locked tells whether a folder is an encrypted one whose key the kernel does not
	// have: what its names lead to then cannot be found. Where that cannot be asked
	// it says so as for any unknown call.
	Locked(fd int) (bool, error)
	// Mounts is the kernel's list of mounts, as in /proc/self/mountinfo.
	Mounts() ([]byte, error)
	// Fact is one of the small texts that the kernel keeps about a block device.
	Fact(dev uint64, name string) (string, error)
	// Release is the kernel's version.
	Release() (string, error)
	// Admin tells whether this process has CAP_SYS_ADMIN.
	Admin() (bool, error)
	// Holders looks once through all processes: all are the files that they have
	// open or mapped, lost those of them that have lost the name by which they
	// belonged to the target of each path; blind if this process may not see all
	// others.
	Holders(targets ...string) (all []Holding, lost [][]Holding, blind bool, err error)
	// OpenHeld opens, to read and write, a file that a process has open.
	OpenHeld(pid, fd int) (int, error)
	// Swaps lists the files that are swap areas in use.
	Swaps() ([]Inode, error)
	// SwapOff takes an opened file out of use as swap; all memory that lies there is
	// read back first.
	SwapOff(fd int) error
	// Names lists a folder without "." and "..".
	Names(dir int) ([]string, error)

	// Data tells the next stretch at or after offset that holds data; ENXIO if
	// there is none.
	Data(fd int, offset int64) (from, to int64, err error)
	// Extents tells where the file's blocks lie, or EOPNOTSUPP.
	Extents(fd int) ([]Extent, error)
	// Flags are a file's attribute flags, as chattr shows them, or ENOTTY.
	Flags(fd int) (uint32, error)
	SetFlags(fd int, flags uint32) error
	// Attributes lists the extended attributes, or EOPNOTSUPP.
	Attributes(fd int) ([]string, error)
	// AttributeSize is the length of one's value.
	AttributeSize(fd int, name string) (int, error)
	SetAttribute(fd int, name string, value []byte) error
	RemoveAttribute(fd int, name string) error
	ReadAt(fd int, p []byte, offset int64) (int, error)
	WriteAt(fd int, p []byte, offset int64) (int, error)
	// Direct has what is written to an opened file, and read from it, go past the
	// page cache, or says EINVAL; false ends that.
	Direct(fd int, on bool) error
	// Forget drops what the page cache holds of the file.
	Forget(fd int) error
	// Truncate cuts the file to nothing.
	Truncate(fd int) error
	Sync(fd int) error

	// Lease keeps everybody else from opening the file until it is given back,
	// or fails because somebody has it open.
	Lease(fd int) error
	// EndLease gives a lease back.
	EndLease(fd int) error
	// Pin keeps f2fs from moving the file's blocks.
	Pin(fd int) error
	// SecureTrim has f2fs discard the file's blocks, securely if the device can.
	SecureTrim(fd int) error
	// OpenBlock opens the block device of this number, past the page cache.
	OpenBlock(dev uint64, write bool) (fd int, err error)
	// Discard tells the device that it may forget a stretch.
	Discard(fd int, offset, length uint64) error
	// SecureDiscard tells it to forget all copies of a stretch, or EOPNOTSUPP.
	SecureDiscard(fd int, offset, length uint64) error
	// SyncAll flushes the whole file system.
	SyncAll(fd int) error
	// Checkpoint has ext4 empty its journal.
	Checkpoint(fd int, flags uint32) error
	// Unused tells where on its device the file system has its free blocks, and
	// its log, or EOPNOTSUPP.
	Unused(fd int, dev uint64) (free, log []Extent, err error)
	// Trim has the file system give all its free space back to the medium.
	Trim(fd int) (given uint64, err error)

	// ZeroOut has the device write zeros over a stretch.
	ZeroOut(fd int, offset, length uint64) error
	// Space is how many bytes of the file system are free to everybody, without the reserve for root.
	Space(fd int) (free int64, err error)
	// Create makes a new file, to write.
	Create(dir int, name string) (fd int, err error)
	MakeFolder(dir int, name string) error
	Unlink(dir int, name string) error
	RemoveFolder(dir int, name string) error

	// Random fills p.
	Random(p []byte) error
}

// Stat is what Erase wants to know about something that has a name.
type Stat struct {
	Mode  uint32
	Dev   uint64
	Ino   uint64
	Links uint64
	Size  int64
	Block int64 // bytes of one block, what a file's length is rounded up to
}

func (s Stat) is(kind uint32) bool { return s.Mode&unix.S_IFMT == kind }

// Inode is what a file is whatever its names are.
type Inode struct{ Dev, Ino uint64 }

func (s Stat) inode() Inode { return Inode{s.Dev, s.Ino} }
