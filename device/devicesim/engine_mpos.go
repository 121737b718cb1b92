package devicesim

import (
	"bytes"
	"errors"
	"io"
	"time"
)

// mposEngine is mpos on one open line. One goroutine owns it:
//
//	fresh -> (request) answered
//	answered -> (the same bytes) answered, by the stored answer
//	answered -> (another request) answered, that one remembered
//	any -> (RESTART answered; the reader restarts by itself) fresh
type mposEngine struct {
	sim  *Sim
	line io.ReadWriter

	input []byte
	gap   *time.Timer

	last   []byte // the request that was carried out last, as it lay on the line
	answer []byte // what it was answered
	erased int    // slots that DELETE has come to since the reader was plugged in or restarted
}

func newMposEngine(s *Sim, line io.ReadWriter) *mposEngine {
	e := &mposEngine{sim: s, line: line, gap: time.NewTimer(time.Hour)}
	e.gap.Stop()
	return e
}

func (e *mposEngine) run(stop <-chan struct{}) error {
	chunks := make(chan []byte)
	failed := make(chan error, 1)
	line := e.line
	go func() { failed <- readInto(chunks, line, stop) }()
	for {
		var err error
		select {
		case <-stop:
			return nil
		case err = <-failed:
			return err
		case b := <-chunks:
			err = e.take(b)
		case <-e.gap.C:
			e.input = e.input[min(1, len(e.input)):]
			err = e.take(nil)
		case <-e.sim.wake: // an event: nothing of this protocol
		case <-e.sim.restarted:
			e.forget()
		}
		if err != nil {
			return err
		}
	}
}

// forget is what a restart does to the conversation.
func (e *mposEngine) forget() {
	*e = mposEngine{sim: e.sim, line: e.line, gap: e.gap}
}

func (e *mposEngine) take(b []byte) error {
	if len(b) > 0 {
		e.sim.hear()
	}
	select {
	case <-e.sim.restarted: // before these bytes came
		e.forget()
	default:
	}
	e.input = append(e.input, b...)
	for {
		r, what, left := mposScan(e.input)
		e.input = left
		var err error
		switch what {
		case needMore:
			if e.gap.Stop(); len(left) > 0 {
				e.gap.Reset(gapTime)
			}
			return nil
		case damaged:
			err = e.write(mposAnswer(r, rcDamaged, nil))
		case found:
			err = e.handle(r)
		}
		if err != nil {
			return err
		}
	}
}

// handle carries a request out once, however often it comes.
func (e *mposEngine) handle(r mposRequest) error {
	if e.sim.isSilent() {
		return nil
	}
	if bytes.Equal(r.raw, e.last) {
		return e.write(e.answer)
	}
	if err := e.serve(r); !errors.Is(err, errUnanswered) {
		return err
	}
	return nil
}

func (e *mposEngine) serve(r mposRequest) error {
	if err := e.before(r); err != nil {
		return err
	}
	rc, data, restart, err := e.carryOut(r)
	if err != nil {
		return err
	}
	e.last, e.answer = r.raw, mposAnswer(r, rc, data)
	if err := e.firstSend(r); err != nil || !restart {
		return err
	}
	return e.restart()
}

// carryOut fails only when the power goes; everything else is a result.
func (e *mposEngine) carryOut(r mposRequest) (rc mposResult, data []byte, restart bool, err error) {
	e.sim.mu.Lock()
	defer e.sim.mu.Unlock()
	data, err = e.execute(r)
	switch {
	case err == nil:
		return rcOK, data, r.cmd == mposRestart && !e.sim.wrong(faultIgnoresReboot), nil
	case errors.Is(err, errPowerCut):
		return "", nil, false, err
	case errors.Is(err, keyMissing):
		return rcOK, []byte(keyMissing), false, nil
	case errors.As(err, &rc):
		return rc, nil, false, nil
	}
	return rcMemory, nil, false, nil
}

func (e *mposEngine) restart() error {
	if err := e.sim.Reboot(); err != nil {
		return err
	}
	select {
	case <-e.sim.restarted: // this is it
	default:
	}
	e.forget()
	return nil
}

func (e *mposEngine) write(b []byte) error {
	if e.sim.isSilent() {
		return nil
	}
	_, err := e.line.Write(b)
	return err
}
