package wipe

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Hindrance is one thing to be known before an Erase: what keeps it from more,
// or from anything at all.
type Hindrance struct {
	Code   string // one of the words below; what is shown to people is theirs to word
	N      int    // of how many files or programs
	Detail string // what stands beside it: a level, a call's error; no path and no name
}

// The codes of hindrances. The first ones stop an Erase; the rest lower what it
// is worth, or are told because somebody ought to know.
const (
	HindranceRefused    = "refused"      // the order itself
	HindranceLink       = "link"         // a link or a file on the way
	HindranceMount      = "other-mount"  // another file system
	HindranceBind       = "bound-mount"  // another part of the same one
	HindrancePermission = "no-rights"    // this process may not
	HindranceTrouble    = "trouble"      // the kernel says no otherwise
	HindranceReadOnly   = "read-only"    // the file system
	HindranceLinked     = "hard-links"   // second names
	HindranceSpecial    = "special"      // pipes, sockets, devices
	HindranceLevel      = "level"        // what is asked for cannot be had
	HindranceFixed      = "immutable"    // flags to be taken away
	HindranceShared     = "shared"       // blocks of another file's too
	HindranceJournalled = "journalled"   // content in a journal that stays
	HindranceClosed     = "closed"       // files that do not open
	HindranceHeld       = "held"         // programs that have it open
	HindranceWriters    = "writers"      // and can write it back
	HindranceNameless   = "nameless"     // and hold what has no name any more
	HindranceBlind      = "blind"        // nobody may look who has it open
	HindranceJournal    = "journal-kept" // names in a journal that cannot be emptied
	HindrancePart       = "part"         // of a file system that is mounted elsewhere too
	HindranceOverlay    = "overlay"      // a lower layer stays
	HindranceLocked     = "locked"       // an encrypted folder without its key
	HindranceRaw        = "no-raw"       // the device under it does not open
)

var hindranceTexts = map[string]string{
	HindranceRefused:    "{detail}",
	HindranceLink:       errLink.Error(),
	HindranceMount:      errForeign.Error(),
	HindranceBind:       errBind.Error(),
	HindrancePermission: "this process has no right to: {detail}",
	HindranceTrouble:    "{detail}",
	HindranceReadOnly:   "the file system is mounted read-only",
	HindranceLinked:     "{n} files have another name; their content goes, that name stays",
	HindranceSpecial:    "{n} pipes, sockets or devices lose their names and are not opened",
	HindranceLevel:      "{detail}",
	HindranceFixed:      "{n} files are immutable or append-only; the flag is taken away first",
	HindranceShared:     "{n} files share blocks with another file or a snapshot, which stay",
	HindranceJournalled: "{n} files have their content in the journal too, and it cannot be emptied",
	HindranceClosed:     "{n} files cannot be opened",
	HindranceHeld:       "{n} programs have files of it open",
	HindranceWriters:    "{n} of them can write back what was erased",
	HindranceNameless:   "{n} of them hold content that has no name any more; it is overwritten while they hold it",
	HindranceBlind:      "not every process may be asked what it has open",
	HindranceJournal:    "the journal cannot be emptied and may keep names: {detail}",
	HindrancePart:       "the place is a part of a file system that is mounted elsewhere too",
	HindranceOverlay:    "the place is an overlay; what lies in its lower layer stays",
	HindranceLocked:     errLocked.Error(),
	HindranceRaw:        "the medium itself cannot be opened: {detail}; nothing is read back from it, and no needle is looked for",

	AroundSwap:     "swap is on; what was in memory may be on its medium",
	AroundCrypt:    "swap is on under encryption; what was in memory may be on its medium, under a key that is not ours",
	AroundRAM:      "swap is on in compressed memory; it goes with the power",
	AroundUnseen:   "it cannot be seen whether swap is on",
	AroundDumps:    "crash dumps are kept elsewhere: {detail}",
	AroundJournald: "journald runs and keeps the file open that it writes",
	AroundLogd:     "the log of logd lies in another program's memory and cannot be reached",
	AroundMounts:   "this process sees another tree of files than the machine; what is hidden from it looks absent",
	AroundHidden:   "it cannot be seen whether this process sees the machine's own tree of files; what is hidden from it looks absent",
	AroundFiles:    "a crash is written into the folder that the program ran in: {detail}",
	AroundImage:    "the machine can hibernate; its memory may be on the medium",
}

var stopping = []string{
	HindranceRefused, HindranceLink, HindranceMount, HindranceBind, HindrancePermission, HindranceTrouble, HindranceReadOnly, HindranceLocked,
}

// HindranceCodes are all codes, sorted.
func HindranceCodes() []string {
	var all []string
	for code := range hindranceTexts {
		all = append(all, code)
	}
	slices.Sort(all)
	return all
}

// Stops tells whether an Erase would leave something of the target standing.
func (h Hindrance) Stops() bool { return slices.Contains(stopping, h.Code) }

// String is the hindrance in English.
func (h Hindrance) String() string {
	return strings.NewReplacer("{n}", strconv.Itoa(h.N), "{detail}", h.Detail).Replace(hindranceTexts[h.Code])
}

// hindering puts a code to what looking has met.
func hindering(err error) Hindrance {
	code := HindranceTrouble
	switch {
	case errors.Is(err, ErrRefused):
		code = HindranceRefused
	case errors.Is(err, errLink):
		return Hindrance{Code: HindranceLink}
	case errors.Is(err, errForeign):
		return Hindrance{Code: HindranceMount}
	case errors.Is(err, errLocked):
		return Hindrance{Code: HindranceLocked}
	case errors.Is(err, errBind):
		return Hindrance{Code: HindranceBind}
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		code = HindrancePermission
	}
	return Hindrance{Code: code, Detail: plain(err)}
}

// ordered sorts hindrances and leaves out what is said twice.
func ordered(all []Hindrance) []Hindrance {
	slices.SortFunc(all, func(a, b Hindrance) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.N, b.N), cmp.Compare(a.Detail, b.Detail))
	})
	return slices.Compact(all)
}
