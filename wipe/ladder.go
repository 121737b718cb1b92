package wipe

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// The rungs, as a technique names them, strongest first within a file. Which of
// them were climbed is what a technique says.
const (
	rungSwapOff       = "swapoff" // of a file that was swap
	rungSecureTrim    = "f2fs-sectrim"
	rungSecureDiscard = "extent-secdiscard"
	rungDiscard       = "extent-discard"
	rungOverwrite     = "overwrite-random-1"
	rungHeld          = "held-overwrite" // of content without a name
	rungMedium        = "raw-read-back"
	rungNeedles       = "needles"
	rungZeroOut       = "zeroout"
	rungCheckpoint    = "ext4-checkpoint"
	rungChurn         = "journal-churn"
	rungTrim          = "fitrim"
	rungFill          = "fill-free"
	rungSearch        = "needles-beyond"
)

var rungs = []string{
	rungSwapOff,
	rungSecureTrim, rungSecureDiscard, rungDiscard, rungOverwrite, rungMedium, rungNeedles, rungZeroOut,
	rungCheckpoint, rungChurn, rungTrim, rungFill,
}

// once are those of the file system, not of each file.
var once = []string{rungCheckpoint, rungChurn, rungTrim, rungFill}

func (o *opened) climb(rung string) { o.rungs = append(o.rungs, rung) }

// climbed counts a file that is gone with what was done to it. One that held
// nothing asks nothing of any rung; one that failed and went all the same saw none.
func (w *work) climbed(o *opened, failed bool) {
	w.files = true
	if failed {
		w.held++
		return
	}
	if len(o.pieces) == 0 {
		return
	}
	w.held++
	for _, rung := range o.rungs {
		w.rungs[rung]++
	}
}

// technique names the rungs that were climbed; one that not every file with
// content saw says so.
func (w *work) technique() string {
	var all []string
	if w.held == 0 && w.files {
		all = append(all, rungOverwrite) // of nothing
	}
	for _, rung := range rungs {
		n := w.rungs[rung]
		switch {
		case n == 0:
			continue
		case rung == rungNeedles:
			rung = fmt.Sprintf("%s %d", rung, w.sampled)
		case n < w.held && !slices.Contains(once, rung):
			rung = fmt.Sprintf("%s (%d of %d files)", rung, n, w.held)
		}
		all = append(all, rung)
	}
	if w.ghosts > 0 {
		all = append(all, fmt.Sprintf("%s %d", rungHeld, w.ghosts))
	}
	if w.searched > 0 {
		all = append(all, fmt.Sprintf("%s %d of %d bytes", rungSearch, w.searched, w.searchable))
	}
	if !w.files || len(all) == 0 {
		all = append([]string{"unlink"}, all...)
	}
	return strings.Join(all, ", ")
}

// discard has the medium forget a file's blocks, by the strongest means that it
// takes. This is no harm to anybody only because the file still owns them: it
// is done before the overwrite, on extents that were just seen to hold its
// bytes, under a lease that keeps everybody from cutting the file short
// meanwhile, and never on a file system that gives addresses of its own or
// shares blocks. What fails leaves no trace but a technique without its name:
// the overwrite that follows does not need it. A cut in between leaves a file
// that reads as anything; it has its name still, and is erased again.
func (w *work) discard(o *opened) {
	if !w.target.Depth.reaches(DepthBlocks) {
		return
	}
	f2fs := w.place.fs.name == "f2fs"
	pinned := f2fs && w.sys.Pin(o.fd) == nil
	if f2fs {
		w.note("discard")
		if w.sys.SecureTrim(o.fd) == nil {
			o.climb(rungSecureTrim)
			return
		}
	}
	if !w.blockWrites || !slices.Contains(o.shown, true) || f2fs && !pinned {
		return
	}
	end, owned := w.alone(o, slices.Equal)
	defer end()
	if !owned {
		return
	}
	w.note("discard")
	rung := rungDiscard
	if w.forgetsSecurely() {
		rung = rungSecureDiscard
	}
	if w.discarded(o, rung) || rung == rungSecureDiscard && w.discarded(o, rungDiscard) {
		return
	}
}

// alone takes a lease and tells whether the file's blocks are still where they
// were, so that until end nobody can give them away.
func (w *work) alone(o *opened, same func(now, before []Extent) bool) (end func(), owned bool) {
	if w.sys.Lease(o.fd) != nil {
		return func() {}, false
	}
	now, err := w.extents(o.fd)
	return func() { _ = w.sys.EndLease(o.fd) }, err == nil && same(now, o.before) // it ends with the descriptor at the latest
}

// zeroOut has the device write zeros over the file's blocks once they were read
// back, where it can do so without being sent them: some then let go of the page
// that held the random bytes. It is allowed by what allows a discard, and adds
// nothing to the level.
func (w *work) zeroOut(o *opened) {
	if !w.target.Depth.reaches(DepthBlocks) || !w.blockWrites || !w.place.probe.CanZero {
		return
	}
	end, owned := w.alone(o, func(now, before []Extent) bool { return inPlace(before, now, uint64(o.st.Size)) })
	defer end()
	if !owned {
		return
	}
	w.note("zero-out")
	for i, e := range o.before {
		if o.shown[i] && w.sys.ZeroOut(w.block, e.Physical, e.Length) != nil {
			return
		}
	}
	o.climb(rungZeroOut)
}

// forgetsSecurely asks by a stretch that no device can take: one that knows no
// secure discard says so first.
func (w *work) forgetsSecurely() bool {
	return errors.Is(w.sys.SecureDiscard(w.block, 1, 0), unix.EINVAL)
}

// discarded discards the extents that were shown, and tells whether all of the
// file's were among them and taken.
func (w *work) discarded(o *opened, rung string) bool {
	call := w.sys.Discard
	if rung == rungSecureDiscard {
		call = w.sys.SecureDiscard
	}
	whole := true
	for i, e := range o.before {
		if !o.shown[i] {
			whole = whole && (e.Logical >= uint64(o.st.Size) || e.Flags&extentUnwritten != 0)
			continue
		}
		if call(w.block, e.Physical, e.Length) != nil {
			return false
		}
	}
	if whole {
		o.climb(rung)
	}
	return true
}
