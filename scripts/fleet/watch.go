package fleet

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Use is what a process has of the machine.
type Use struct {
	RSS  int64         // bytes
	Anon int64         // of them not of a file
	CPU  time.Duration // so far
}

// tick is what /proc counts processor time in.
const tick = 10 * time.Millisecond

// UseOf reads what a process uses.
func UseOf(pid int) (u Use, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	for s := bufio.NewScanner(strings.NewReader(string(status))); s.Scan(); {
		name, value, _ := strings.Cut(s.Text(), ":")
		to := map[string]*int64{"VmRSS": &u.RSS, "RssAnon": &u.Anon}[name]
		if to == nil {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return u, err
		}
		*to = n << 10
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, err
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 13 {
		return u, fmt.Errorf("cannot read processor time: %d fields", len(fields))
	}
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return u, err
		}
		u.CPU += time.Duration(n) * tick
	}
	return u, nil
}

// Load is the load average of the machine.
func Load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}
