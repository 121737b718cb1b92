package devicesim

import (
	"bytes"
	"errors"
	"strconv"
	"time"
)

// Faults that only ccid has. Those of the others strike it as far as it has room for them: it knows no ACK, so what
// goes wrong with that goes wrong with the answer; it has no keys, no events and no erase.
const (
	faultWrongLRC = "wrong-lrc" // [=n] spoils the check byte of its answers
	faultAsksTime = "asks-time" // =n: asks for time n times before each answer
)

// before is what happens between a new command and its execution; errUnanswered ends it there.
func (f *ccidFront) before(raw []byte) error {
	if f.sim.strikes(faultNak) {
		return unanswered(f.refuse(raw))
	}
	if err := f.scripted(f.sim.arrives(false)); err != nil {
		return err
	}
	if f.sim.due(faultTamper) {
		if err := f.sim.Tamper(); err != nil {
			return err
		}
	}
	if f.sim.strikes(faultBusyForever) {
		return unanswered(f.write(append(f.echo(raw), 0xFF)))
	}
	if f.sim.strikes(faultLateAck) {
		time.Sleep(lateAck)
	}
	return nil
}

// firstSend is an answer as it leaves the reader, wrongly or not at all if a fault wants that; what is sent again is
// right.
func (f *ccidFront) firstSend(a ccidAnswer) ([]byte, error) {
	if err := f.scripted(f.sim.passes()); err != nil {
		return nil, err
	}
	out := f.timeRequests()
	switch s := f.sim; {
	case s.due(faultReboots):
		return nil, unanswered(f.restart())
	case s.strikes(faultNoAck), s.strikes(faultSilentAfterAck):
		return nil, errUnanswered
	case s.strikes(faultWrongSeq):
		a.seq += 3
		out = append(out, a.frame()...)
	case s.strikes(faultAnswersTwice):
		out = append(out, f.last...)
	case s.strikes(faultWrongLRC):
		wrong := bytes.Clone(f.last)
		wrong[len(wrong)-1] ^= 0x5A
		return append(out, wrong...), nil
	}
	return append(out, f.last...), nil
}

func (f *ccidFront) timeRequests() (b []byte) {
	f.sim.mu.Lock()
	defer f.sim.mu.Unlock()
	n, err := strconv.Atoi(f.sim.faults[faultAsksTime])
	if err != nil {
		return nil // not in force
	}
	f.sim.struck.add(faultAsksTime)
	for i := range n {
		b = append(b, ccidAsks|byte(i+1)&0x7F)
	}
	return b
}

// scripted restarts the reader where a script wants that.
func (f *ccidFront) scripted(err error) error {
	if errors.Is(err, errRestarts) {
		return unanswered(f.restart())
	}
	return err
}

func (f *ccidFront) restart() error {
	if err := f.sim.Reboot(); err != nil {
		return err
	}
	f.forgetIfRestarted()
	return nil
}
