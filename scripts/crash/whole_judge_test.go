//go:build (amd64 || arm64) && !android

package crash

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"os"
	"path/filepath"
	"slices"
	"strings"
	gosync "sync"
	"syscall"
	"testing"

	"unbindd/device/devicesim"
)

// others tells what desk and reader know at a moment of the record. They keep
// all that they did up to it.
type others struct {
	at    string
	dir   string
	mu    gosync.Mutex
	known map[uint64]string // of the reader, by its memory
}

func (s *scene) others(t testing.TB) *others {
	return &others{at: s.At, dir: memoryFolder(t), known: map[uint64]string{}}
}

// told is the beginning of every question about an image.
func (o *others) told(d *disk, _ int) ([]string, error) {
	told := []string{"whole", "at " + o.at}
	folders := d.tree(func(int) bool { return true })
	at := func(path ...string) int {
		ino := 0
		for _, name := range path {
			ino = folders[ino][name]
		}
		return ino
	}
	f, ok := d.files[at("reader", "nvm")]
	if !ok {
		return told, nil // before there was a reader; nothing is judged there
	}
	known, err := o.reader(f.durable)
	if err != nil {
		return nil, err
	}
	told = append(told, strings.Split(known, "\n")...)
	var blobs []string
	for name := range folders[at("desk", "blobs")] {
		blobs = append(blobs, "blob "+name)
	}
	slices.Sort(blobs)
	return append(told, blobs...), nil
}

// reader asks the reader's memory, on a copy.
func (o *others) reader(memory []byte) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	sum := maphash.Bytes(hashSeed, memory)
	if known, ok := o.known[sum]; ok {
		return known, nil
	}
	path := filepath.Join(o.dir, "nvm")
	if err := os.WriteFile(path, memory, 0o600); err != nil {
		return "", err
	}
	sim, err := devicesim.Start(path, devicesim.Options{})
	if err != nil {
		return "", err
	}
	st := sim.State()
	o.known[sum] = fmt.Sprintf("acked %d\nerases %d %d", st.Acked, st.ErasesStarted, st.ErasesFinished)
	return o.known[sum], sim.Close()
}

// ownNames gives a program mounts, and with all a network and process numbers, of its
// own: the image lies where the terminal lived, and the desk answers under its old address.
func ownNames(all bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if all {
		attr.Unshareflags |= syscall.CLONE_NEWNET
		attr.Cloneflags = syscall.CLONE_NEWPID
	}
	return attr
}

// wholeReplay judges what the terminal's part of the record may have become.
func (s *scene) wholeReplay(t testing.TB, agent foreign, pick func(int, []string, []choice, *lot) []choice) *replay {
	agent.attr = ownNames(false)
	randoms := number("CRASH_RANDOMS", 4)
	return &replay{
		store: "whole", record: fmt.Sprintf("CRASH_SCENE=%s CRASH_RANDOMS=%d ", s.Dir, randoms), seed: seedOf(1), randoms: randoms, cut: "terminal", judge: agent.judge(t), only: envCase(),
		beside: s.others(t).told, pick: afterPlanting(pick),
	}
}

// afterPlanting leaves out what is before the terminal's life begins.
func afterPlanting(pick func(int, []string, []choice, *lot) []choice) func(int, []string, []choice, *lot) []choice {
	return func(n int, told []string, all []choice, rng *lot) []choice {
		if !slices.Contains(told, plantedWord) {
			return nil
		}
		if pick == nil || envCase() != "" { // the one case is found among all
			return all
		}
		return pick(n, told, all, rng)
	}
}

// oneIn takes every so-manieth choice by lot, and always the loss of everything.
func oneIn(many int) func(int, []string, []choice, *lot) []choice {
	return func(_ int, _ []string, all []choice, rng *lot) []choice {
		return slices.DeleteFunc(all, func(c choice) bool {
			return c.name != "all dropped" && rng.IntN(many) != 0
		})
	}
}

// allLosses is for media that are deaf: the loss of everything is enough.
func allLosses(_ int, _ []string, all []choice, _ *lot) []choice {
	return slices.DeleteFunc(all, func(c choice) bool { return c.name != "all dropped" })
}

// overwrittenFirst reads from the record itself that no content of the terminal
// goes, by name or by length, before something else was synced in its place: the
// evidence is never better than the deed. It returns how many files went, and
// the names of those that went early.
func overwrittenFirst(tr trace, from int, deaf func(op) bool) (gone int, early []string, err error) {
	d := newDisk()
	keep := &worker{replay: &replay{cut: "terminal"}, disk: d, tops: map[int]string{}}
	paths, crossed := map[int]string{}, false
	held := map[int][]byte{} // what each file held when its erase began
	err = tr.each(func(n int, o op) error {
		switch {
		case o.Kind == note:
			crossed = crossed || o.Told == crossedWord
			return nil
		case n >= from && deaf != nil && deaf(o):
			return nil
		case o.Kind == create && !o.Folder:
			paths[o.Ino] = o.Name
		case o.Kind == rename:
			paths[o.Ino] = o.Second
		}
		if !o.Folder && keep.tops[o.Ino] == "terminal" && crossed && lasting(paths[o.Ino]) {
			f := d.files[o.Ino]
			switch o.Kind {
			case write:
				if _, ok := held[o.Ino]; !ok {
					held[o.Ino] = bytes.Clone(f.durable)
				}
			case truncate, remove:
				if o.Kind == remove {
					gone++
				}
				if stillHolds(f.durable, held[o.Ino]) {
					early = append(early, fmt.Sprintf("%s, by a %s", paths[o.Ino], kindNames[o.Kind]))
				}
			}
		}
		d.apply(o)
		keep.keep(o)
		return nil
	})
	return gone, early, err
}

// lasting leaves out what is erased by its own end: the journal works on until
// it is buried, and small files get their names by a rename.
func lasting(name string) bool {
	return name != "journal.db" && !strings.HasPrefix(name, "journal.db") && !strings.HasPrefix(name, "tombstone")
}

// stillHolds says whether a block, or the rest of one, is what it was. Zeros hold
// nothing: a hole is not overwritten.
func stillHolds(now, was []byte) bool {
	if was == nil {
		return len(now) > 0
	}
	for at := 0; at < len(was) && at < len(now); at += block {
		end := min(at+block, len(was), len(now))
		if bytes.Equal(now[at:end], was[at:end]) && !bytes.Equal(was[at:end], zeros[:end-at]) {
			return true
		}
	}
	return false
}
