package devicesim

import (
	"errors"
	"time"
)

// lateAck is when a reader acknowledges that takes too long for it.
const lateAck = 400 * time.Millisecond

// errUnanswered says that a fault took the command; nothing more is sent for it.
var errUnanswered = errors.New("command is not answered")

func unanswered(err error) error {
	if err == nil {
		err = errUnanswered
	}
	return err
}

// acknowledge answers a new command's frame, as the faults let it.
func (e *engine) acknowledge(seq byte) error {
	if e.sim.strikes(faultNoAck) {
		return nil
	}
	if e.sim.strikes(faultLateAck) {
		time.Sleep(lateAck)
	}
	return e.write(frame{typ: tACK, seq: seq}.bytes())
}

// before is what happens between a command's acknowledgement and its execution.
func (e *engine) before(f frame) error {
	op := commandOf(f.body)
	if err := e.scripted(e.sim.arrives(op == opEraseCommit)); err != nil {
		return err
	}
	if e.sim.due(faultTamper) {
		if err := e.sim.Tamper(); err != nil {
			return err
		}
	}
	if op == opEraseCommit {
		if err := e.sim.floodAtCommit(); err != nil {
			return err
		}
	}
	if e.sim.strikes(faultBusyForever) {
		return unanswered(e.write(frame{typ: tBUSY, seq: f.seq, arg: 0xFFFF}.bytes()))
	}
	return nil
}

// scripted restarts the reader where a script wants that.
func (e *engine) scripted(err error) error {
	if errors.Is(err, errRestarts) {
		return unanswered(e.restartSim())
	}
	return err
}

// after is what happens between a command's execution and its answer.
func (e *engine) after() error {
	if err := e.scripted(e.sim.passes()); err != nil {
		return err
	}
	if e.sim.due(faultReboots) {
		return unanswered(e.restartSim())
	}
	if e.sim.strikes(faultSilentAfterAck) {
		return errUnanswered
	}
	return nil
}

// firstSend puts a new answer on the line, wrongly if a fault wants that; what is sent again is right.
func (e *engine) firstSend(f frame) error {
	switch {
	case f.typ != tRSP:
	case e.sim.strikes(faultWrongSeq):
		right := e.waiting.raw
		f.seq += 3
		e.waiting.raw = f.bytes()
		err := e.sendAgain()
		e.waiting.raw = right
		return err
	case e.sim.strikes(faultAnswersTwice):
		if err := e.write(e.waiting.raw); err != nil {
			return err
		}
	}
	return e.sendAgain()
}
