package wipe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Level is how thoroughly something was destroyed, in the order of the
// constants.
type Level string

// The levels. Clear and Purge are words of NIST SP 800-88; this package does
// not reach Purge and claims no conformance.
const (
	LevelNone          Level = "none"           // still there
	LevelLogical       Level = "logical"        // out of sight, the old blocks may be within reach
	LevelClear         Level = "clear"          // overwritten in place and read back
	LevelPurgeAsserted Level = "purge-asserted" // the device says so
	LevelPurgeVerified Level = "purge-verified" // and a probe agrees
)

var levels = []Level{LevelNone, LevelLogical, LevelClear, LevelPurgeAsserted, LevelPurgeVerified}

// Rank orders the levels, beginning with 0 for none; -1 for an unknown word.
func (l Level) Rank() int { return slices.Index(levels, l) }

// The values of Evidence.Verified.
const (
	Pass    = "pass"    // looked at afterwards, by another way than it was done, and found gone
	Fail    = "fail"    // something is still there, or did not read back as written
	Unknown = "unknown" // nobody could look
)

// Evidence is what one erasure really did. Its members are those of `media` in
// the certificate.
//
// A target that was not there has technique "absent" and no items. Its level is
// the one asked for, as far as the file system could have given it: nothing was
// found that falls short of it. Who reads the level must read the technique too.
type Evidence struct {
	Name           string   `json:"name"`
	Kind           string   `json:"kind"`
	Type           string   `json:"type"`      // the file system's
	Method         string   `json:"method"`    // clear, delete, or none
	Technique      string   `json:"technique"` // the rungs that were climbed, in order; unlink, absent, or none
	Standard       string   `json:"standard"`
	LevelRequested Level    `json:"level_requested"`
	LevelAchieved  Level    `json:"level_achieved"`
	Verified       string   `json:"verified"`
	Residual       []string `json:"residual"`         // what may be left, in code words, sorted
	Reason         string   `json:"reason,omitempty"` // why less than asked; no path and no name
	Bytes          int64    `json:"bytes"`            // overwritten and read back
	Items          int64    `json:"items"`            // files, folders, links removed
}

const standard = "none-claimed"

// told turns the work done so far, and the error that ended it if one did,
// into evidence.
func (w *work) told(fs filesystem, ended error) Evidence {
	e := Evidence{
		Name: w.target.Name, Kind: w.target.Kind, Type: fs.name, Standard: standard,
		LevelRequested: w.target.Requested, Bytes: w.bytes, Items: w.items,
	}
	e.Method, e.Technique = w.means()
	switch {
	case w.failed > 0:
		e.LevelAchieved, e.Verified = LevelNone, Fail
		e.Reason = fmt.Sprintf("%d of %d items failed, the first: %s", w.failed, w.failed+w.items, plain(w.first))
	case ended != nil:
		e.LevelAchieved, e.Verified = LevelNone, verdict(ended)
		e.Reason = plain(ended)
	case w.items == 0:
		e.Method, e.Technique = "none", "absent"
		e.LevelAchieved, e.Verified = lower(w.weakest, lower(w.target.Requested, fs.best)), Pass
		e.Reason = cmp.Or(w.shows, "nothing was there to erase")
	default:
		e.LevelAchieved, e.Verified = lower(w.weakest, fs.best), Pass
		if e.LevelAchieved.Rank() < e.LevelRequested.Rank() {
			e.Reason = cmp.Or(w.shows, w.lowered(fs), "what was done on "+fs.name+" is worth no more")
		}
	}
	e.Residual = w.leavings(fs)
	return e
}

// loweredBy says in words why less was reached than the file system allows.
var loweredBy = map[string]string{
	residualHolders: "somebody has something of it open, and can write it back or holds content without a name",
	residualUnread:  "something was unlinked without an overwrite",
	residualMoved:   "an overwrite went to other blocks than the content, or the blocks are shared",
	residualJournal: "the journal holds content and could not be emptied",
	residualAttrs:   "extended attributes could not be overwritten",
}

// lowered is the reason where it was what happened, and not the file system.
func (w *work) lowered(fs filesystem) string {
	if w.weakest.Rank() >= fs.best.Rank() {
		return ""
	}
	return loweredBy[w.because]
}

func (w *work) means() (method, technique string) {
	switch {
	case w.bytes > 0 || w.files:
		return "clear", w.technique()
	case w.items > 0:
		return "delete", w.technique()
	}
	return "none", "none"
}

// leavings lists what the file system leaves behind a removed file, and what
// was seen besides.
func (w *work) leavings(fs filesystem) []string {
	all := []string{}
	if w.items > 0 {
		all = leaves(fs, w.target.Encrypted)
	}
	if w.nameless && !w.crowded && w.failed == 0 {
		all = slices.DeleteFunc(all, func(r string) bool { return r == residualNames })
	}
	for r := range w.residual {
		all = append(all, r)
	}
	all = append(all, w.stillLoose()...)
	slices.Sort(all)
	return slices.Compact(all)
}

// leaves are the words for what every erase leaves on a file system. Encrypted
// content leaves only ciphertext behind.
func leaves(fs filesystem, encrypted bool) []string {
	all := []string{}
	for _, r := range fs.residual {
		if encrypted && r != residualNames {
			r += "-encrypted"
		}
		all = append(all, r)
	}
	return all
}

func verdict(err error) string {
	if errors.Is(err, ErrRefused) {
		return Fail
	}
	return Unknown
}

func lower(a, b Level) Level {
	if a.Rank() < b.Rank() {
		return a
	}
	return b
}

// plain keeps an error to what a signed text may hold: printable ASCII without
// quotes, backslashes and brackets.
func plain(err error) string {
	var errno unix.Errno
	text := err.Error()
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		text = "stopped before the end"
	} else if errors.As(err, &errno) {
		text += " (" + unix.ErrnoName(errno) + ")"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune(`"\<>&`, r) {
			return '?'
		}
		return r
	}, text)
}
