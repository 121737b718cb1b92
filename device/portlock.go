package device

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// openControl opens the control descriptor and takes the lock of the line.
//
// The lock is flock: unlike TIOCEXCL it also stops a second process of root, and it dies with its process.
// The exclusive flag is set besides, for programs that lock nothing, but never believed: on a pseudo-terminal
// that somebody else holds open it outlives a killed process and would lock us out of our own line.
func openControl(path string) (int, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.EBUSY) {
		return -1, fmt.Errorf("%s: %w", path, ErrBusy)
	}
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	if err := lockLine(fd, path); err != nil {
		_ = unix.Close(fd) // nothing was written through it
		return -1, err
	}
	return fd, nil
}

func lockLine(fd int, path string) error {
	if _, err := unix.IoctlGetTermios(fd, unix.TCGETS); err != nil {
		return fmt.Errorf("%s is no serial line: %w", path, err)
	}
	err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		if pid := lockHolder(fd); pid > 0 {
			return fmt.Errorf("%s: %w (process %d)", path, ErrBusy, pid)
		}
		return fmt.Errorf("%s: %w", path, ErrBusy)
	}
	if err != nil {
		return fmt.Errorf("cannot lock %s: %w", path, err)
	}
	return nil
}

// lockHolder finds in /proc/locks who holds the flock on the inode of fd; 0 if it cannot be told.
func lockHolder(fd int) int {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return 0
	}
	f, err := os.Open("/proc/locks")
	if err != nil {
		return 0
	}
	defer f.Close()
	id := fmt.Sprintf("%02x:%02x:%d", unix.Major(st.Dev), unix.Minor(st.Dev), st.Ino)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// 3: FLOCK  ADVISORY  WRITE 1234 00:18:7 0 EOF
		w := strings.Fields(lines.Text())
		if len(w) > 5 && w[1] == "FLOCK" && w[5] == id {
			pid, _ := strconv.Atoi(w[4]) // 0 says the same as a number we cannot read
			return pid
		}
	}
	return 0
}

// descriptorsOf lists this process's descriptors of the same tty as fd, by device number and never by
// path: links move and names are given again.
func descriptorsOf(fd int) (map[int]bool, error) {
	var want unix.Stat_t
	if err := unix.Fstat(fd, &want); err != nil {
		return nil, fmt.Errorf("cannot stat line: %w", err)
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil, fmt.Errorf("cannot list own descriptors: %w", err)
	}
	same := make(map[int]bool)
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		var st unix.Stat_t
		// A descriptor may be gone by now; then it is not ours to look at.
		if unix.Fstat(n, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == want.Rdev {
			same[n] = true
		}
	}
	return same, nil
}
