package agent

import (
	"errors"
	"fmt"
	"slices"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
)

// happening is what befalls a terminal, so many calls after the one before.
type happening struct {
	Gap  int
	What what
	Luck uint64 // decides what it leaves open: which writes survive, which receipt comes late
}

type what int

const (
	theCut what = iota
	theKill
	failingCall
	lostReply
	lostRequest
	twice
	aSale
	aCommand
	theSameAgain
	anOldOne
	aCancel
	allowAbsent
	allowSealed
	allowPartial
	aClose
	lateReceipt
	readerLost
	readerBack
	readerNo
	readerHalves
	readerOther
	deskDown
	deskUp
)

var whatNames = []string{
	"cut", "kill", "failing call", "lost reply", "lost request", "request twice", "sale", "command", "same command", "old command", "cancel",
	"allow reader-absent", "allow sealed-backup", "allow close-partial", "close", "late receipt", "reader gone", "reader back", "reader refuses",
	"reader half", "reader foreign", "desk down", "desk up",
}

func (x what) String() string { return whatNames[x] }

// act lets one thing happen.
func (w *world) act(x what) {
	w.count(x.String())
	switch x {
	case theCut:
		w.count("cut in " + w.at)
		panic(powerCut{})
	case theKill:
		panic(killed{})
	case failingCall:
		w.fault["eio"] = true
	case lostReply:
		w.fault["reply"] = true
	case lostRequest:
		w.fault["request"] = true
	case twice:
		w.fault["twice"] = true
	case aSale:
		w.sold()
	case deskDown:
		w.desk.down = true
	case deskUp:
		w.desk.down = false
	case readerLost:
		w.reader.comes(readerGone)
	case readerBack:
		w.reader.comes(readerOK)
	case readerNo:
		w.reader.comes(readerRefuses)
	case readerHalves:
		w.reader.comes(readerHalf)
	case readerOther:
		w.reader.comes(readerForeign)
	default:
		if w.a != nil && w.a.journal != nil && w.disk.find(journalName) != nil {
			w.bring(x)
		}
	}
}

// hand is somebody who comes by while the terminal does what it does.
func (w *world) hand(x what) {
	w.acting = true
	w.bring(x)
	w.acting = false
}

// bring hands in what somebody signed.
func (w *world) bring(x what) {
	switch x {
	case aCommand:
		w.take(fmt.Sprintf("command-%d", w.commands+1))
		w.commands++
	case theSameAgain:
		if n := len(w.accepted); n > 0 {
			w.take(w.accepted[n-1])
		}
	case anOldOne:
		if len(w.accepted) > 0 {
			w.take(w.accepted[0])
		}
	case aCancel:
		w.cancel()
	case allowAbsent:
		w.allow(command.AllowReaderAbsent)
	case allowSealed:
		w.allow(command.AllowSealed)
	case allowPartial:
		w.allow(command.AllowPartial)
	case aClose:
		if s, ok := w.signedWord(); ok {
			w.must(w.a.journal.Save(noteClose, s.Digest))
		}
	case lateReceipt:
		if n := len(w.desk.order); n > 0 && w.running != "" {
			old := w.desk.backups[w.desk.order[w.choose(n)]].receipt
			if err := w.takeReceipt(w.caseNow(), old); err == nil {
				w.count("late receipt taken")
			}
		}
	}
}

func (w *world) must(err error) {
	if err != nil {
		w.violate("the journal refused: %v", err)
	}
}

// take is takeCommand, once the signatures have been looked at: known, replayed,
// refused, or begun. Whether it begins is the journal's word.
func (w *world) take(name string) {
	j := w.a.journal
	run, begun, err := j.Current()
	w.must(err)
	used, err := j.Consumed(name)
	w.must(err)
	if used != slices.Contains(w.accepted, name) {
		w.violate("the journal has forgotten that %s was used", name)
	}
	if used && !(begun && run.Name == name) {
		return // E11
	}
	w.ended(run)
	w.offered = name
	err = j.Begin(journal.Order{Name: name, ID: name, Seq: int64(len(w.accepted) + 1), Notes: map[string]any{noteAccepted: name}})
	if errors.Is(err, journal.ErrOther) {
		return // E19
	}
	w.must(err)
	if used {
		return // known, and nothing has changed
	}
	w.began(name)
}

func (w *world) began(name string) {
	if w.running != "" || w.erased {
		w.violate("%s was accepted although %s was before it", name, w.running)
	}
	w.running, w.cancelled, w.accepted = name, false, append(w.accepted, name)
}

// ended takes note of an end that is in the journal: a cut, or the next command,
// may come right after the commit.
func (w *world) ended(run journal.Run) {
	if w.running != "" && run.Name == w.running && (run.Outcome == journal.Undone || run.Outcome == journal.Cancelled) {
		w.over(run.Outcome)
	}
}

// over is the end of a command that erased nothing.
func (w *world) over(outcome string) {
	if w.erased {
		w.violate("a case ended %s, and something was erased", outcome)
	}
	w.count("ended " + outcome)
	w.running = ""
}

// remember looks, after a start, which command the journal has: one whose taking
// was cut may be there or not; one that was answered must be.
func (w *world) remember() {
	run, begun, err := w.a.journal.Current()
	w.must(err)
	if begun && run.Name == w.offered && !slices.Contains(w.accepted, run.Name) {
		w.began(run.Name)
	}
	w.ended(run)
	if w.running != "" && (!begun || run.Name != w.running) {
		w.violate("%s was accepted, and the journal does not have it", w.running)
	}
}

func (w *world) cancel() {
	ok, err := w.a.journal.Cancel()
	w.must(err)
	if w.bug == bugLateCancel && w.running != "" {
		ok = true
	}
	if !ok {
		return
	}
	if w.erased {
		w.violate("a cancel was accepted, and something was erased already")
	}
	w.cancelled = true
	w.count("cancel accepted")
}

func (w *world) allow(what envelope.ID) {
	if w.running == "" {
		return
	}
	var have []envelope.ID
	_, err := w.a.journal.Get(noteAmends, &have)
	w.must(err)
	w.must(w.a.journal.Save(noteAmends, append(have, what)))
}
