package devicesim

import (
	"errors"
	"fmt"
	"time"
)

// The faults of a reader as far as this protocol has room for them. It knows no ACK, so what goes wrong with that
// goes wrong with the answer; it knows no request for more time, no events, no journal and no record, so busy-forever
// says nothing at all, cut-after-journal cuts where cut-before-journal does, and the others do nothing.

// before is what happens between a new request and its execution; errUnanswered ends it there.
func (e *mposEngine) before(r mposRequest) error {
	if e.sim.strikes(faultNak) {
		return unanswered(e.write(mposAnswer(r, rcDamaged, nil)))
	}
	if err := e.scripted(e.sim.arrives(r.cmd == mposDelete)); err != nil {
		return err
	}
	if e.sim.due(faultTamper) {
		if err := e.sim.Tamper(); err != nil {
			return err
		}
	}
	if e.sim.strikes(faultBusyForever) {
		return errUnanswered
	}
	if e.sim.strikes(faultLateAck) {
		time.Sleep(lateAck)
	}
	return nil
}

// scripted restarts the reader where a script wants that.
func (e *mposEngine) scripted(err error) error {
	if errors.Is(err, errRestarts) {
		return unanswered(e.restart())
	}
	return err
}

// firstSend puts the answer on the line, wrongly or not at all if a fault wants that; what is sent again is right.
func (e *mposEngine) firstSend(r mposRequest) error {
	if err := e.scripted(e.sim.passes()); err != nil {
		return err
	}
	switch s := e.sim; {
	case s.due(faultReboots):
		return unanswered(e.restart())
	case s.strikes(faultNoAck), s.strikes(faultSilentAfterAck):
		return errUnanswered
	case s.strikes(faultWrongSeq):
		a, _, _ := mposScan(e.answer)
		if err := e.write(mposFrame(r.cmd, after(after(after(r.seq))), a.data)); err != nil {
			return err
		}
	case s.strikes(faultAnswersTwice):
		if err := e.write(e.answer); err != nil {
			return err
		}
	}
	return e.write(e.answer)
}

// mposRefusal is a fault's status as this protocol can say it.
func mposRefusal(code status) mposResult {
	if code == stEraseRefused {
		return rcRefused
	}
	return mposResult(fmt.Sprintf("%02X", byte(code)))
}
