package wipe

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Holder is a process that has something of a target open or mapped. It is for
// people on the spot and for the log, never for evidence.
type Holder struct {
	PID     int
	Program string
	Writes  bool // it can write back what was erased
	Own     bool // it is this process
	Deleted bool // what it holds was the target's and has no name any more
}

// String names it as a person would look for it.
func (h Holder) String() string { return fmt.Sprintf("%s (%d)", h.Program, h.PID) }

// Holding is one file that a process holds.
type Holding struct {
	Holder
	Inode
	FD    int // by which it holds it; -1 if only by a mapping
	Mount int // it was opened through; noMount if that is not one of ours, or nobody tells
}

const noMount = -1

// Holders tells who else holds something of the target open, each process once;
// blind means that this process may not look at all others.
func Holders(sys Sys, t Target) (held []Holder, blind bool, err error) {
	c, err := take(sys, []Target{t})
	if err != nil {
		return nil, false, err
	}
	held, err = c.of(sys, 0, t)
	return held, c.blind, err
}

// census is one look through all processes, for several targets.
type census struct {
	all   []Holding
	lost  [][]Holding // of each target
	blind bool
}

func take(sys Sys, targets []Target) (c census, err error) {
	paths := make([]string, len(targets))
	for i, t := range targets {
		paths[i] = t.Path
	}
	if c.all, c.lost, c.blind, err = sys.Holders(paths...); err != nil {
		return c, fmt.Errorf("cannot look for open files: %w", err)
	}
	return c, nil
}

// holdings are those that may concern one of the targets, each process's together.
func (c census) holdings(target int) []Holding {
	all := append(slices.Clone(c.lost[target]), c.all...)
	slices.SortStableFunc(all, func(a, b Holding) int { return cmp.Compare(a.PID, b.PID) })
	return all
}

// of tells who holds something of a target.
func (c census) of(sys Sys, target int, t Target) (held []Holder, err error) {
	of := map[Inode]bool{}
	v := visit{sys: sys, target: t}
	v.each = func(_ string, st Stat) {
		if st.is(unix.S_IFREG) {
			of[st.inode()] = true
		}
	}
	if _, err := v.all(); err != nil {
		return nil, err
	}
	for _, h := range c.holdings(target) {
		if h.Own || !h.Deleted && !of[h.Inode] {
			continue
		}
		if last := len(held) - 1; last >= 0 && held[last].PID == h.PID {
			held[last].Writes, held[last].Deleted = held[last].Writes || h.Writes, held[last].Deleted || h.Deleted
			continue
		}
		held = append(held, h.Holder)
	}
	return held, nil
}

// watch looks before anything is touched who holds what. Content that has no
// name any more is not called cleared, though it is overwritten where that can be.
func (w *work) watch() error {
	all, err := w.look()
	if err != nil {
		return err
	}
	w.holds = map[Inode][]Holding{}
	for _, h := range all {
		w.holds[h.Inode] = append(w.holds[h.Inode], h)
		if h.Deleted {
			w.name(h.Holder)
			if err := w.lower(LevelLogical, residualHolders); err != nil {
				return err
			}
		}
	}
	return w.overwriteNameless(all)
}

// name tells the caller of a holder, once.
func (w *work) name(h Holder) {
	w.residual[residualHolders] = true
	if w.target.Held != nil && !w.named[h.PID] {
		w.named[h.PID] = true
		w.target.Held(h)
	}
}

// heldBy notes who holds this file. What one of them can write back is not
// called cleared, however well it was overwritten.
func (w *work) heldBy(of Inode) error {
	writes := false
	for _, h := range w.holds[of] {
		w.name(h.Holder)
		writes = writes || h.Writes
	}
	if !writes {
		return nil
	}
	return w.lower(LevelLogical, residualHolders)
}

// watchAgain finds who came while the target was being erased: what they hold
// has lost its name since.
func (w *work) watchAgain() error {
	all, err := w.look()
	if err != nil {
		return err
	}
	for _, h := range all {
		if !h.Deleted {
			continue
		}
		w.name(h.Holder)
		if h.Writes {
			if err := w.lower(LevelLogical, residualHolders); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *work) look() ([]Holding, error) {
	c, err := take(w.sys, []Target{w.target})
	if err != nil {
		return nil, err
	}
	if c.blind {
		w.residual[residualUnseen] = true
	}
	return c.holdings(0), nil
}

// parseAccess tells from /proc/PID/fdinfo/N whether the file is open to write.
func parseAccess(info string) (writes bool) {
	flags, ok := infoField(info, "flags")
	n, err := strconv.ParseUint(flags, 8, 32)
	return !ok || err != nil || n&unix.O_ACCMODE != unix.O_RDONLY
}

// mountOf tells from the same text through which mount the file was opened.
func mountOf(info string) int {
	field, _ := infoField(info, "mnt_id")
	id, err := strconv.Atoi(field)
	if err != nil {
		return noMount
	}
	return id
}

// mapping is one line of /proc/PID/maps that leads to a file.
type mapping struct {
	Inode
	shared bool // what is written there goes to the file
	name   string
}

// parseMapping reads a line: range, rights, offset, major:minor, inode, path. The
// path is what is left behind the first five; it may hold blanks.
func parseMapping(line string) (mapping, bool) {
	var f [5]string
	for i := range f {
		f[i], line, _ = strings.Cut(strings.TrimLeft(line, " "), " ")
	}
	name := strings.TrimLeft(line, " ")
	if name == "" || len(f[1]) != 4 {
		return mapping{}, false
	}
	major, minor, ok := strings.Cut(f[3], ":")
	maj, err1 := strconv.ParseUint(major, 16, 32)
	mnr, err2 := strconv.ParseUint(minor, 16, 32)
	ino, err3 := strconv.ParseUint(f[4], 10, 64)
	if !ok || err1 != nil || err2 != nil || err3 != nil || ino == 0 {
		return mapping{}, false
	}
	return mapping{Inode: Inode{unix.Mkdev(uint32(maj), uint32(mnr)), ino}, shared: f[1][3] == 's', name: name}, true
}

const deleted = " (deleted)"

func isNameless(shown string) bool { return strings.HasSuffix(shown, deleted) }

// namelessBelow tells whether a path, as /proc shows it, is one without a name
// any more that belonged to the target of this path, whose parts may be patterns.
func namelessBelow(shown, target string) bool {
	name, gone := strings.CutSuffix(shown, deleted)
	have, want := strings.Split(name, "/"), strings.Split(target, "/")
	if !gone || len(have) < len(want) {
		return false
	}
	for i, pattern := range want {
		if matches, err := path.Match(pattern, have[i]); have[i] != pattern && (err != nil || !matches) {
			return false
		}
	}
	return true
}
