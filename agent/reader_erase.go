package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"unbindd/agent/certificate"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/device"
)

// The outcomes of a reader's erase, as the certificate names them.
const (
	outcomeErased      = "erased"
	outcomeIncomplete  = "incomplete"
	outcomeRefused     = "refused"
	outcomeUnverified  = "unverified"
	outcomeUnsupported = "unsupported"
	outcomeMissing     = "missing"
	outcomeForeign     = "foreign"
)

// A reader may stay away after the point of no return for so many full reconnect
// cycles, and for as long as one takes to start, before its step is left open:
// one that lost its power is no missing one.
const (
	lostCycles = 3
	bootTime   = 20 * time.Second
)

// eraseReaderKeys erases the reader's keys and does not believe it: the list,
// a use probe of every slot that was full, the counter, and all of it again
// after the line was opened anew. It may end open; never as a success that was
// not seen.
func (a *Agent) eraseReaderKeys(ctx context.Context, n *journal.Note) error {
	c, err := a.openCase()
	if err != nil {
		return err
	}
	return a.eraseReader(ctx, n, c)
}

func (a *Agent) eraseReader(ctx context.Context, n *journal.Note, c *caseFile) (err error) {
	e := &readerErase{a: a, c: c}
	if e.seen, err = a.inspected(); err != nil {
		return err
	}
	evidence, err := e.run(ctx)
	if err != nil {
		return err
	}
	if err := n.Keep(noteReader, evidence); err != nil {
		return err
	}
	if evidence.Outcome != outcomeErased {
		if err := a.keepBoot(n); err != nil {
			return err
		}
		return &journal.LeftOpen{Detail: evidence.Outcome + ": " + evidence.Detail}
	}
	n.Say("%d slots erased and probed", len(e.seen.Scope))
	return nil
}

// readerErase is one attempt at the reader.
type readerErase struct {
	a      *Agent
	c      *caseFile
	seen   inspection
	opened opened
	nonce  [16]byte
	early  bool // the keys were gone before anybody told the reader
}

// run returns the evidence, or an error when it is worth trying at once again.
func (e *readerErase) run(ctx context.Context) (certificate.Reader, error) {
	ev := e.evidence()
	if e.seen.Absent || e.a.line() == nil {
		return e.ended(ev, outcomeMissing, "no reader was connected"), nil
	}
	if !e.seen.erasable() {
		return e.ended(ev, outcomeUnsupported, "the reader cannot "+strings.Join(e.seen.Lacks, ", ")), nil
	}
	ev, err := e.attempt(ctx, ev)
	if err == nil {
		return ev, nil
	}
	ev, err = e.judge(ctx, ev, err)
	if err != nil && ctx.Err() == nil {
		return e.patience(noteReaderTries, ev, err)
	}
	return ev, err
}

// attempt erases and looks, in the way the bound reader knows.
func (e *readerErase) attempt(ctx context.Context, ev certificate.Reader) (certificate.Reader, error) {
	if len(e.seen.Scope) == 0 {
		return e.checkEmpty(ctx, ev)
	}
	if !e.a.identity().binding.Reader.Signs() {
		err := e.delete(ctx)
		if errors.As(err, new(device.ErrRefused)) {
			return e.despite(ctx, ev, err)
		}
		if err != nil {
			return ev, err
		}
		return e.checkDeleted(ctx, ev)
	}
	record, err := e.erase(ctx)
	if errors.As(err, new(device.ErrRefused)) {
		return e.despiteTicket(ctx, ev, err)
	}
	if err != nil {
		return ev, err
	}
	return e.check(ctx, ev, record)
}

// despiteTicket asks a reader that refused a ticket whether it erased all the
// same, and looks.
func (e *readerErase) despiteTicket(ctx context.Context, ev certificate.Reader, refused error) (certificate.Reader, error) {
	raw, err := e.c.digest().Raw()
	if err != nil {
		return ev, err
	}
	record, done, err := e.a.line().EraseStatus(ctx, raw)
	if err != nil {
		return ev, err
	}
	if done {
		return e.check(ctx, ev, record)
	}
	return e.despite(ctx, ev, refused)
}

// patience counts the attempts that broke off: a reader that answers and dies
// whenever it is asked must not hold up the host's erasure for ever.
func (e *readerErase) patience(note string, ev certificate.Reader, err error) (certificate.Reader, error) {
	var tries int
	if _, err := e.a.journal.Get(note, &tries); err != nil {
		return ev, err
	}
	if tries++; tries >= brokenTries {
		if err := e.a.journal.Save(note, 0); err != nil {
			return ev, err
		}
		return e.ended(ev, outcomeMissing, "the conversation broke off every time"), nil
	}
	return ev, errors.Join(err, e.a.journal.Save(note, tries))
}

// lateRounds is how often new events may come between taking the late ones over
// and the next commit.
const lateRounds = 10

// brokenTries is how many attempts may break off before the step is left open.
const brokenTries = 12

// The notes of how many did: while erasing, and while looking again.
const (
	noteReaderTries = "reader-tries"
	noteAgainTries  = "reader-again-tries"
)

// judge turns an error of the conversation into an outcome, or passes it on to
// be tried again: a lost line is an unknown outcome, not a failure.
func (e *readerErase) judge(ctx context.Context, ev certificate.Reader, err error) (certificate.Reader, error) {
	var refused device.ErrRefused
	var foreign device.ErrForeign
	switch {
	case ctx.Err() != nil:
		return ev, context.Cause(ctx)
	case errors.As(err, &foreign):
		return e.ended(ev, outcomeForeign, "another reader is connected"), nil
	case errors.As(err, &refused):
		return e.ended(ev, outcomeRefused, refused.Reason()), nil
	case errors.Is(err, device.ErrUnsupported):
		return e.ended(ev, outcomeUnsupported, "the reader does not know the erase"), nil
	case e.a.line().Status().Cycles >= lostCycles && e.a.awayFor() >= bootTime:
		return e.ended(ev, outcomeMissing, absence(err)), nil
	}
	return ev, err
}

// absence says why there is no conversation, as the next person needs it.
func absence(err error) string {
	switch {
	case errors.Is(err, device.ErrLocked):
		return "the reader refuses its pairing key"
	case errors.Is(err, device.ErrBusy):
		return "another program holds the reader's line"
	}
	return "the reader does not answer"
}

// evidence begins with the slots as they were before.
func (e *readerErase) evidence() certificate.Reader {
	ev := certificate.Reader{
		SN: envelope.ID(e.seen.Serial), Firmware: e.seen.Firmware, Unsupported: e.seen.Lacks,
		Slots: []certificate.Slot{}, Retained: []certificate.Retained{},
	}
	for _, socket := range e.seen.Sockets {
		ev.Retained = append(ev.Retained, certificate.Retained{Slot: int64(socket), Type: "SAM", Why: "module-in-socket"})
	}
	for _, s := range e.seen.Slots {
		if s.Retained {
			ev.Retained = append(ev.Retained, certificate.Retained{Slot: int64(s.Slot), Type: s.Type, Why: s.Why})
		} else if slices.Contains(e.seen.Scope, s.Slot) {
			slot := certificate.Slot{Slot: int64(s.Slot), Type: s.Type, KCV: s.KCV, Method: s.Method, After: "unknown"}
			if s.Asked {
				slot.Probe = certificate.Asked
			}
			ev.Slots = append(ev.Slots, slot)
		}
	}
	return ev
}

func (e *readerErase) ended(ev certificate.Reader, outcome, detail string) certificate.Reader {
	ev.Outcome, ev.Detail = outcome, printable(detail)
	return ev
}

// printable makes words of ours out of whatever a reader or its driver said: a
// character that a certificate cannot carry would hold up its signing for ever.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return ';'
		case r < 0x20 || r > 0x7e || strings.ContainsRune("\"\\<>&", r):
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), mostWords)]
}

// mostWords bounds what a detail may say, in bytes.
const mostWords = 1000

// erase asks first whether it was done already, and commits only when it was
// not: a commit is never repeated blindly.
func (e *readerErase) erase(ctx context.Context) (device.EraseRecord, error) {
	raw, err := e.c.digest().Raw()
	if err != nil {
		return device.EraseRecord{}, err
	}
	if err := e.prepare(); err != nil {
		return device.EraseRecord{}, err
	}
	record, done, err := e.a.line().EraseStatus(ctx, raw)
	if err != nil || done {
		return record, err
	}
	e.a.Moment("erase-reader-keys:committing")
	for range lateRounds {
		record, err = e.a.line().CommitErase(ctx, e.opened.Ticket, e.nonce)
		var refused device.ErrRefused
		if !errors.As(err, &refused) || refused.Code != device.CodeEventsHeld {
			return record, err
		}
		// Nothing was erased: the reader wants its newest events taken first.
		if err := e.late(ctx); err != nil {
			return record, err
		}
	}
	return record, err
}

// prepare fixes the order and the host's nonce; the nonce is on disk before the
// reader sees it, so that its record can be told apart from an old one.
func (e *readerErase) prepare() (err error) {
	if _, err = e.a.journal.Get(noteOpened, &e.opened); err != nil {
		return err
	}
	var kept []byte
	if ok, err := e.a.journal.Get(noteNonce, &kept); err != nil {
		return err
	} else if ok {
		copy(e.nonce[:], kept)
		return nil
	}
	if _, err := io.ReadFull(e.a.Rand, e.nonce[:]); err != nil {
		return fmt.Errorf("cannot make a nonce: %w", err)
	}
	return e.a.journal.Save(noteNonce, e.nonce[:])
}

// check looks at the reader by every other way than its own word.
func (e *readerErase) check(ctx context.Context, ev certificate.Reader, record device.EraseRecord) (certificate.Reader, error) {
	authentic := e.authentic(record)
	ev.Authenticated, ev.Record = authentic, recordOf(record)
	problem, err := e.twice(ctx, &ev)
	switch {
	case err != nil:
		return ev, err
	case problem != "":
		return e.ended(ev, outcomeOf(ev, record), problem), nil
	case !authentic:
		return e.ended(ev, outcomeUnverified, "the erase record is not signed by the bound reader for this ticket"), nil
	}
	for _, r := range record.Results {
		if r.Result == device.ResultFailed {
			return e.ended(ev, outcomeIncomplete, fmt.Sprintf("the reader says that slot %d failed", r.Slot)), nil
		}
	}
	late, err := e.lateNames()
	if err != nil {
		return ev, err
	}
	return e.ended(ev, outcomeErased, late), nil
}

// outcomeOf tells a half erase from a lie: the reader said itself that slots
// failed, or said nothing of it and they still answer.
func outcomeOf(ev certificate.Reader, record device.EraseRecord) string {
	for _, s := range ev.Slots {
		if s.After == "answers" || s.After == "listed" || s.After == "refused" {
			return outcomeIncomplete
		}
	}
	for _, r := range record.Results {
		if r.Result == device.ResultFailed {
			return outcomeIncomplete
		}
	}
	return outcomeUnverified
}

// authentic checks the record: the bound reader's signature, our ticket, our
// nonce, the counter moved by one, every slot of the scope in it.
func (e *readerErase) authentic(r device.EraseRecord) bool {
	digest, err := e.opened.Order.Digest()
	id := e.a.identity()
	return err == nil && id != nil && r.Verify(id.binding.Reader.Pub) == nil && r.Ticket == digest &&
		r.Nonce == e.nonce && r.EraseCounter == e.seen.EraCnt+1 && r.Serial == e.seen.Serial &&
		slices.EqualFunc(r.Results, e.seen.Scope, func(s device.SlotResult, slot uint16) bool { return s.Slot == slot })
}

func recordOf(r device.EraseRecord) *certificate.Record {
	out := &certificate.Record{
		EraCnt: int64(r.EraseCounter), Nonce: r.Nonce[:], Sig: r.Signature,
		SN: envelope.ID(r.Serial), Ticket: r.Ticket[:], Results: []certificate.SlotResult{},
	}
	for _, s := range r.Results {
		out.Results = append(out.Results, certificate.SlotResult{Slot: int64(s.Slot), Result: int64(s.Result)})
	}
	return out
}
