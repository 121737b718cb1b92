package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is what /proc counts processor time in: USER_HZ, 100 on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// used is the processor time of a process so far, its own and the system's for it.
func used(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return usedIn(string(text))
}

// usedIn reads fields 14 and 15 of proc_pid_stat(5), counted behind the name, which may hold anything.
func usedIn(stat string) (time.Duration, error) {
	f := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(f) < 13 {
		return 0, fmt.Errorf("cannot read processor time: %d fields", len(f))
	}
	user, err := strconv.ParseInt(f[11], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("cannot read processor time: %w", err)
	}
	system, err := strconv.ParseInt(f[12], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("cannot read processor time: %w", err)
	}
	return time.Duration(user+system) * tick, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }
