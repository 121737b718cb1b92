package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// describe notes where and when it runs. Paths and names of the machine are
// left out: they say nothing about the figures.
func (b *bench) describe() error {
	cpu, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return err
	}
	memory, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return err
	}
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return err
	}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return err
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	command := "`make bench`"
	if b.reader {
		command = "`make bench-reader`"
	}
	if b.wipe {
		command = "`make bench-wipe`"
	}
	if b.wipe && b.parts != "" {
		command = "`go run ./scripts/bench -wipe -parts " + b.parts + "`"
	}
	if b.ledger {
		command = "`make bench-ledger`"
	}
	if b.desk {
		command = "`make bench-desk`"
	}
	if b.fleet {
		command = fmt.Sprintf("`make fleet` (%s terminals)", thousands(b.terminals))
	}
	if b.quick {
		command = "`make bench-quick`"
	}
	if b.small != 10_000 || !b.quick && b.large != 1_000_000 || (b.reader || b.wipe) && b.quick {
		command = "`go run ./scripts/bench` with other sizes than `make bench` has"
	}
	b.page.machine = [][]string{
		{"command", command},
		{"date", time.Now().UTC().Format("2006-01-02 15:04 UTC")},
		{"measured", "commit " + b.version()},
		{"processor", processor(string(cpu))},
		{"memory", field(string(memory), "MemTotal")},
		{"kernel", strings.TrimSpace(string(kernel))},
		{"file system", fileSystem(string(mounts), b.work)},
		{"Go", goVersion()},
		{"load average at the start", strings.Join(strings.Fields(string(load))[:3], " ") + " (anything else that runs makes every figure worse)"},
	}
	return nil
}

// field returns the value of the first line "name : value".
func field(text, name string) string {
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		key, value, ok := strings.Cut(lines.Text(), ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func processor(cpuinfo string) string {
	model := field(cpuinfo, "model name")
	if model == "unknown" {
		model = field(cpuinfo, "Model") // some ARM boards
	}
	count := strings.Count("\n"+cpuinfo, "\nprocessor")
	return fmt.Sprintf("%s, %d seen by the system", model, count)
}

// fileSystem is type and options of the mount that a path lies on.
func fileSystem(mounts, path string) string {
	best, found := "", "unknown"
	for line := range strings.Lines(mounts) {
		parts := strings.Fields(line)
		if len(parts) < 4 {
			continue
		}
		at := unescape(parts[1])
		if within(path, at) && len(at) >= len(best) {
			best, found = at, parts[2]+" ("+parts[3]+")"
		}
	}
	return found
}

func within(path, dir string) bool {
	rest, err := filepath.Rel(dir, path)
	return err == nil && rest != ".." && !strings.HasPrefix(rest, "../")
}

// unescape undoes what the kernel does to spaces in mount points: \040.
func unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) {
			if n, err := strconv.ParseUint(text[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
