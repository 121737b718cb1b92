package keys

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Medium is what erasing a key file is worth where the store lies. A key in a
// file can be overwritten where its blocks are and nowhere else: flash may keep
// pages that it put aside, so it is never more than cleared.
type Medium struct {
	Type    string // the file system's
	Logical bool   // writing in place leaves older copies below
	Why     string // one sentence
}

// The flags of chattr(1) and the pin of f2fs, as linux/fs.h and linux/f2fs.h
// give them.
const (
	noDump     = 0x00000040
	noCoW      = 0x00800000
	f2fsSetPin = 0x4004f50d
)

// settle tells the file system how to treat a key file, while it is empty: no
// backup by dump, no copy on write, no moving by a collector. What it refuses
// is seen by MediumOf or is a convenience.
func (s *Store) settle(fd int) {
	var fs unix.Statfs_t
	if unix.Fstatfs(fd, &fs) != nil {
		return
	}
	want := noDump
	switch int64(uint32(fs.Type)) {
	case unix.BTRFS_SUPER_MAGIC:
		want |= noCoW
	case unix.F2FS_SUPER_MAGIC:
		if unix.IoctlSetPointerInt(fd, f2fsSetPin, 1) != nil {
			s.tell("the file system does not pin the key files; its collector may copy them")
		}
	}
	if flags, err := unix.IoctlGetInt(fd, unix.FS_IOC_GETFLAGS); err == nil {
		_ = unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, flags|want)
	}
}

// MediumOf looks at where a store lies. os.ErrNotExist: there is none.
func MediumOf(dir string) (Medium, error) {
	d, err := os.Open(dir)
	if err != nil {
		return Medium{}, fmt.Errorf("cannot look at the key store's medium: %w", err)
	}
	defer d.Close()
	var fs unix.Statfs_t
	var st unix.Stat_t
	if err := errors.Join(unix.Fstatfs(int(d.Fd()), &fs), unix.Fstat(int(d.Fd()), &st)); err != nil {
		return Medium{}, fmt.Errorf("cannot look at the key store's medium: %w", err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return Medium{}, fmt.Errorf("cannot look at the key store's medium: %w", err)
	}
	device := fmt.Sprintf("%d:%d", unix.Major(uint64(st.Dev)), unix.Minor(uint64(st.Dev)))
	return judge(int64(uint32(fs.Type)), journalsData(string(mounts), device), everyFileInPlace(dir)), nil
}

const inPlace = "overwritten in place; flash may keep pages that it put aside"

// judge gives each file system its worth; one that is not listed is worth least.
func judge(magic int64, journalled, nocow bool) Medium {
	switch magic {
	case unix.EXT4_SUPER_MAGIC:
		if journalled {
			return Medium{"ext4", true, "the journal holds data, and with it copies of the keys"}
		}
		return Medium{"ext4", false, inPlace}
	case unix.XFS_SUPER_MAGIC:
		return Medium{"xfs", false, inPlace}
	case unix.F2FS_SUPER_MAGIC:
		return Medium{"f2fs", false, inPlace}
	case unix.MSDOS_SUPER_MAGIC:
		return Medium{"vfat", false, inPlace}
	case unix.TMPFS_MAGIC:
		return Medium{"tmpfs", false, "in memory, and swap if there is any"}
	case unix.BTRFS_SUPER_MAGIC:
		if nocow {
			return Medium{"btrfs", false, inPlace}
		}
		return Medium{"btrfs", true, "every write goes to other blocks and leaves the old ones"}
	case unix.OVERLAYFS_SUPER_MAGIC:
		return Medium{"overlayfs", true, "the layer below may keep what was there"}
	}
	return Medium{"unknown", true, "nobody knows where this file system writes"}
}

// journalsData finds data=journal among the options of the device's mount.
func journalsData(mountinfo, device string) bool {
	for line := range strings.Lines(mountinfo) {
		before, after, _ := strings.Cut(line, " - ")
		if f := strings.Fields(before); len(f) < 3 || f[2] != device {
			continue
		}
		if strings.Contains(after, "data=journal") {
			return true
		}
	}
	return false
}

// everyFileInPlace says whether no key file is copied on write.
func everyFileInPlace(dir string) bool {
	for _, c := range classes {
		for p := range parts {
			f, err := os.OpenFile(c.file(p).path(dir), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
			if errors.Is(err, os.ErrNotExist) {
				continue
			}
			if err != nil {
				return false
			}
			flags, err := unix.IoctlGetInt(int(f.Fd()), unix.FS_IOC_GETFLAGS)
			if err = errors.Join(err, f.Close()); err != nil || flags&noCoW == 0 {
				return false
			}
		}
	}
	return true
}
