package wipe

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Kernel is the Linux kernel. It uses plain openat for each part of a path and
// not openat2, which the sandbox of some terminals ends the process for.
type Kernel struct{}

var _ Sys = Kernel{}

const alone = unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_NOCTTY

// again repeats a call that a signal broke off before it did anything.
func again(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func openat(dir int, name string, flags int) (fd int, err error) {
	err = again(func() (err error) { fd, err = unix.Openat(dir, name, flags|alone, 0); return err })
	return fd, err
}

// OpenRoot opens a folder by its absolute path; only its last part is kept from
// being a link, since the path of a root is the administrator's own.
func (Kernel) OpenRoot(path string) (int, error) {
	return openat(unix.AT_FDCWD, path, unix.O_RDONLY|unix.O_DIRECTORY)
}

// OpenFolder opens a folder in a folder.
func (Kernel) OpenFolder(dir int, name string) (int, error) {
	return openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY)
}

// OpenFile opens a file to read and write.
func (Kernel) OpenFile(dir int, name string) (int, error) {
	return openat(dir, name, unix.O_RDWR|unix.O_NONBLOCK)
}

// OpenPlain opens a file or folder to ask about it.
func (Kernel) OpenPlain(dir int, name string) (int, error) {
	return openat(dir, name, unix.O_RDONLY|unix.O_NONBLOCK)
}

// OpenName opens what a name itself stands for, and nothing behind it.
func (Kernel) OpenName(dir int, name string) (int, error) {
	return openat(dir, name, unix.O_PATH)
}

// OpenDirect opens a file to read past the page cache.
func (Kernel) OpenDirect(dir int, name string) (int, error) {
	return openat(dir, name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_DIRECT)
}

// Close closes a descriptor. Linux frees it whatever it answers.
func (Kernel) Close(fd int) { _ = unix.Close(fd) }

// Stat asks about an opened thing.
func (Kernel) Stat(fd int) (Stat, error) {
	var st unix.Stat_t
	err := again(func() error { return unix.Fstat(fd, &st) })
	return narrowed(st), err
}

// StatAt asks about a name, about the link itself if it is one.
func (Kernel) StatAt(dir int, name string) (Stat, error) {
	var st unix.Stat_t
	err := again(func() error { return unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW) })
	return narrowed(st), err
}

// ReadLink tells where a link leads; no target is longer than a page.
func (Kernel) ReadLink(dir int, name string) (string, error) {
	where, n := make([]byte, 4096), 0
	err := again(func() (err error) { n, err = unix.Readlinkat(dir, name, where); return err })
	return string(where[:max(n, 0)]), err
}

// narrowed picks what is needed; the widths of the kernel's own fields differ
// from one architecture to the next.
func narrowed(st unix.Stat_t) Stat {
	return Stat{
		Mode: st.Mode, Dev: uint64(st.Dev), Ino: st.Ino, Links: uint64(st.Nlink),
		Size: st.Size, Block: int64(st.Blksize),
	}
}

// Filesystem tells what kind of file system holds an opened thing.
func (Kernel) Filesystem(fd int) (int64, bool, error) {
	var st unix.Statfs_t
	err := again(func() error { return unix.Fstatfs(fd, &st) })
	// The magic is unsigned 32 bits in a field that is signed on 32-bit machines.
	return int64(uint32(st.Type)), st.Flags&unix.ST_RDONLY != 0, err
}

// Space counts what anybody may use: what is kept for root stays for it, so that a
// program that writes while free space is filled finds room.
func (Kernel) Space(fd int) (int64, error) {
	var st unix.Statfs_t
	err := again(func() error { return unix.Fstatfs(fd, &st) })
	return int64(st.Bavail) * int64(st.Bsize), err
}

// Names lists a folder; the descriptor can be listed once.
func (Kernel) Names(dir int) ([]string, error) {
	var names []string
	buf := make([]byte, 32<<10)
	for {
		var n int
		err := again(func() (err error) { n, err = unix.Getdents(dir, buf); return err })
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return names, nil
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}

// Data finds the next stretch of data with SEEK_DATA and SEEK_HOLE.
func (Kernel) Data(fd int, offset int64) (from, to int64, err error) {
	if from, err = unix.Seek(fd, offset, unix.SEEK_DATA); err != nil {
		return 0, 0, err
	}
	to, err = unix.Seek(fd, from, unix.SEEK_HOLE)
	return from, to, err
}

// ReadAt reads like pread(2): less than asked is no error.
func (Kernel) ReadAt(fd int, p []byte, offset int64) (n int, err error) {
	err = again(func() (err error) { n, err = unix.Pread(fd, p, offset); return err })
	return n, err
}

// WriteAt writes like pwrite(2): less than asked is no error.
func (Kernel) WriteAt(fd int, p []byte, offset int64) (n int, err error) {
	err = again(func() (err error) { n, err = unix.Pwrite(fd, p, offset); return err })
	return n, err
}

// Direct sets O_DIRECT on an opened file, so that its name need not be asked again.
func (Kernel) Direct(fd int, on bool) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return err
	}
	flags &^= unix.O_DIRECT
	if on {
		flags |= unix.O_DIRECT
	}
	_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags)
	return err
}

// Forget drops clean pages; after a Sync all of a file's are clean.
func (Kernel) Forget(fd int) error { return unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED) }

// Truncate cuts the file to nothing.
func (Kernel) Truncate(fd int) error { return again(func() error { return unix.Ftruncate(fd, 0) }) }

// Sync flushes a file or a folder down to the medium.
func (Kernel) Sync(fd int) error { return again(func() error { return unix.Fsync(fd) }) }

// Create makes a file that nobody else may open.
func (Kernel) Create(dir int, name string) (fd int, err error) {
	err = again(func() (err error) {
		fd, err = unix.Openat(dir, name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|alone, 0o600)
		return err
	})
	return fd, err
}

// MakeFolder makes a folder that nobody else may enter.
func (Kernel) MakeFolder(dir int, name string) error {
	return again(func() error { return unix.Mkdirat(dir, name, 0o700) })
}

// Unlink removes a name that is no folder.
func (Kernel) Unlink(dir int, name string) error {
	return again(func() error { return unix.Unlinkat(dir, name, 0) })
}

// RemoveFolder removes an empty folder.
func (Kernel) RemoveFolder(dir int, name string) error {
	return again(func() error { return unix.Unlinkat(dir, name, unix.AT_REMOVEDIR) })
}

// Random fills p from the kernel's generator.
func (Kernel) Random(p []byte) error {
	for len(p) > 0 {
		var n int
		if err := again(func() (err error) { n, err = unix.Getrandom(p, 0); return err }); err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}
