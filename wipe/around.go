package wipe

import (
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// The codes of places that may hold copies and that no target reaches. They are
// hindrances of the whole machine, and words of the certificate.
const (
	AroundSwap     = "swap"           // memory is paged out to a medium
	AroundCrypt    = "swap-encrypted" // to a medium, under a key of its own
	AroundRAM      = "swap-in-ram"    // and to compressed memory
	AroundUnseen   = "swap-unseen"    // nobody can say whether it is
	AroundDumps    = "crash-dumps"    // a crash is handed to a program, or written to a folder of its own
	AroundJournald = "journald"       // a running journald: it keeps the file open that it writes
	AroundLogd     = "logd-no-way"    // Android's log lies in another process's memory: not reachable
	AroundMounts   = "own-mounts"     // this process sees another tree of files than the machine
	AroundHidden   = "mounts-unseen"  // nobody can say whether it does
	AroundFiles    = "crash-files"    // a crash is written where the program ran
	AroundImage    = "hibernation"    // memory may be written to a medium as a whole
)

// Around looks at the machine, given as its file system from "/" down, for what
// keeps copies out of reach of any path: it opens nothing but the kernel's own
// small texts.
func Around(machine fs.FS) []Hindrance {
	all := swaps(machine)
	if text, err := fs.ReadFile(machine, "sys/power/disk"); err == nil && strings.Contains(string(text), "[") && !strings.Contains(string(text), "[disabled]") && swapping(all) {
		all = append(all, Hindrance{Code: AroundImage})
	}
	all = append(all, dumps(machine)...)
	// What a service manager hides from this process looks absent to it.
	own, err1 := fs.ReadLink(machine, "proc/self/ns/mnt")
	first, err2 := fs.ReadLink(machine, "proc/1/ns/mnt")
	switch {
	case err1 != nil || err2 != nil:
		all = append(all, Hindrance{Code: AroundHidden})
	case first != own:
		all = append(all, Hindrance{Code: AroundMounts})
	}
	for code, socket := range map[string]string{AroundJournald: "run/systemd/journal/socket", AroundLogd: "dev/socket/logdr"} {
		if _, err := fs.Stat(machine, socket); err == nil {
			all = append(all, Hindrance{Code: code})
		}
	}
	return ordered(all)
}

func swapping(all []Hindrance) bool {
	for _, h := range all {
		if h.Code == AroundSwap || h.Code == AroundCrypt {
			return true
		}
	}
	return false
}

// swaps counts the areas of /proc/swaps. A kernel without swap has no such file;
// any other trouble is told.
func swaps(machine fs.FS) (all []Hindrance) {
	text, err := fs.ReadFile(machine, "proc/swaps")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return []Hindrance{{Code: AroundUnseen}}
	}
	n := parseSwaps(string(text), func(zram string) (string, error) {
		to, err := fs.ReadFile(machine, "sys/block/"+zram+"/backing_dev")
		if errors.Is(err, fs.ErrNotExist) {
			// A kernel that can write nothing back has the device and not this file.
			if _, err := fs.ReadFile(machine, "sys/block/"+zram+"/disksize"); err == nil {
				return "none", nil
			}
		}
		return strings.TrimSpace(string(to)), err
	}, func(mapped string) bool {
		// dm-crypt names itself first; a volume on an encrypted one is not seen through.
		kind, err := fs.ReadFile(machine, "sys/block/"+mapped+"/dm/uuid")
		return err == nil && strings.HasPrefix(string(kind), "CRYPT-")
	})
	for _, h := range []Hindrance{{Code: AroundUnseen, N: n.unseen}, {Code: AroundSwap, N: n.media}, {Code: AroundCrypt, N: n.encrypted}, {Code: AroundRAM, N: n.ram}} {
		if h.N > 0 {
			all = append(all, h)
		}
	}
	return all
}

// swapAreas are how many of each kind there are.
type swapAreas struct{ media, encrypted, ram, unseen int }

// parseSwaps reads /proc/swaps: a heading, then a line an area, its path first
// and its size third. One of zram is memory, unless it has a medium behind it, to
// which it writes what nobody asks for.
func parseSwaps(text string, backing func(zram string) (string, error), encrypts func(mapped string) bool) (n swapAreas) {
	for i, line := range strings.Split(text, "\n") {
		f := strings.Fields(line)
		if i == 0 || len(f) == 0 {
			continue
		}
		if name, is := strings.CutPrefix(path.Base(f[0]), "zram"); is && strings.HasPrefix(f[0], "/dev/") && isNumber(name) {
			to, err := backing(path.Base(f[0]))
			if err != nil {
				n.unseen++
				continue
			}
			if to == "none" {
				n.ram++
				continue
			}
		}
		if number, is := strings.CutPrefix(path.Base(f[0]), "dm-"); is && strings.HasPrefix(f[0], "/dev/") && isNumber(number) && encrypts(path.Base(f[0])) {
			n.encrypted++
			continue
		}
		n.media++
	}
	return n
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 32)
	return err == nil
}

// dumps tells where the kernel sends a crash: the program it is piped to, the
// folder named for it, or, for a plain name, whatever folder the program ran in.
func dumps(machine fs.FS) []Hindrance {
	text, err := fs.ReadFile(machine, "proc/sys/kernel/core_pattern")
	pattern := strings.TrimSpace(string(text))
	if err != nil || pattern == "" {
		return nil
	}
	if command, piped := strings.CutPrefix(pattern, "|"); piped {
		program, _, _ := strings.Cut(strings.TrimSpace(command), " ")
		return []Hindrance{{Code: AroundDumps, Detail: code(path.Base(program))}}
	}
	if path.IsAbs(pattern) {
		return []Hindrance{{Code: AroundDumps, Detail: code(path.Dir(pattern))}}
	}
	return []Hindrance{{Code: AroundFiles, Detail: code(pattern)}}
}

// code keeps a machine's own word to what a signed text may hold.
func code(s string) string { return plain(errors.New(s)) }
