package device

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/sys/unix"
)

// procfs is where the kernel tells of processes, as a rule /proc. What may not be read there is not known:
// only root sees what other users' processes have open.
type procfs string

// heldBy is ErrBusy with the program's name and the number of its process.
func (p procfs) heldBy(pid int) error {
	name, err := os.ReadFile(p.of(pid, "comm"))
	if err != nil {
		return fmt.Errorf("%w (process %d)", ErrBusy, pid)
	}
	return fmt.Errorf("%w: %s (process %d)", ErrBusy, printable(string(name)), pid)
}

// printable drops what would spoil a line of a log: a program may call itself anything.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, name)
}

func (p procfs) of(pid int, names ...string) string {
	return filepath.Join(append([]string{string(p), strconv.Itoa(pid)}, names...)...)
}

// locker finds who holds the flock on a file; 0 if it cannot be told.
func (p procfs) locker(st *unix.Stat_t) int {
	f, err := os.Open(filepath.Join(string(p), "locks"))
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

// user finds another process that has the tty open; 0 if there is none, or none that can be seen.
//
// Who holds the master of a pseudo-terminal is the device on it, and may hold its slave too: so do socat, and
// a reader in software. Bytes written to the slave do not come to him, so he takes nothing away.
func (p procfs) user(tty *unix.Stat_t) int {
	entries, err := os.ReadDir(string(p))
	if err != nil {
		return 0
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		if p.uses(pid, tty) {
			return pid
		}
	}
	return 0
}

func (p procfs) uses(pid int, tty *unix.Stat_t) bool {
	fds, err := os.ReadDir(p.of(pid, "fd"))
	if err != nil {
		return false
	}
	open := false
	for _, fd := range fds {
		var st unix.Stat_t
		if unix.Stat(p.of(pid, "fd", fd.Name()), &st) != nil {
			continue // closed by now
		}
		if sameTTY(&st, tty) {
			open = true
		}
		if isSlave(tty) && isMaster(&st) && p.leadsTo(pid, fd.Name(), slaveNumber(tty)) {
			return false
		}
	}
	return open
}

// leadsTo says whether a master of a pseudo-terminal is the one of a slave. Kernels before 4.15 do not tell: there
// every master is taken for it, since a shell's terminal is not where anybody puts a reader.
func (p procfs) leadsTo(pid int, fd string, slave int) bool {
	info, err := os.ReadFile(p.of(pid, "fdinfo", fd))
	if err != nil {
		return true
	}
	for line := range strings.Lines(string(info)) {
		if text, ok := strings.CutPrefix(line, "tty-index:"); ok {
			n, err := strconv.Atoi(strings.TrimSpace(text))
			return err != nil || n == slave
		}
	}
	return true
}

// sameTTY compares device numbers. Those of pseudo-terminals are given once per mount of devpts, and each container
// has its own.
func sameTTY(a, b *unix.Stat_t) bool {
	return a.Mode&unix.S_IFMT == unix.S_IFCHR && a.Rdev == b.Rdev && (!isSlave(b) || a.Dev == b.Dev)
}

// isSlave knows the slaves of Unix 98 pseudo-terminals, majors 136 to 143 with 256 each.
func isSlave(st *unix.Stat_t) bool {
	major := unix.Major(st.Rdev)
	return major >= 136 && major <= 143
}

func slaveNumber(st *unix.Stat_t) int {
	return int(unix.Major(st.Rdev)-136)<<8 | int(unix.Minor(st.Rdev))
}

// isMaster knows the device that every master of a pseudo-terminal is opened by.
func isMaster(st *unix.Stat_t) bool {
	return st.Mode&unix.S_IFMT == unix.S_IFCHR && unix.Major(st.Rdev) == 5 && unix.Minor(st.Rdev) == 2
}
