package devicesim

import (
	"errors"
	"io"
	"time"
)

// ccidFront is CCID on one open line, docs/WIRE-CCID.md. One goroutine owns it:
//
//	idle -> (a command) [echo] [slot change] [time requests] answer -> idle
//	idle -> (a damaged command, or half of one) [echo] NAK -> idle
//	idle -> (NAK) the last answer again -> idle
//	idle -> (a card was moved) slot change -> idle, or after the echo of the next command if the host wished so
type ccidFront struct {
	sim   *Sim
	line  io.ReadWriter
	model model

	input   []byte
	gap     *time.Timer
	last    []byte // the last answer, to be repeated
	waits   bool   // tell of a moved card only behind a command's echo
	present bool   // what the host knows of socket 0
	params  map[byte]ccidParams
}

func newCCID(s *Sim, line io.ReadWriter) *ccidFront {
	f := &ccidFront{sim: s, line: line, model: models[s.options.Model], gap: time.NewTimer(time.Hour)}
	f.gap.Stop()
	f.forget()
	return f
}

// run serves the line until it ends, stop is closed or the power goes.
func (f *ccidFront) run(stop <-chan struct{}) error {
	chunks := make(chan []byte)
	failed := make(chan error, 1)
	go func() { failed <- readInto(chunks, f.line, stop) }()
	for {
		var err error
		select {
		case <-stop:
			return nil
		case err = <-failed:
			return err
		case b := <-chunks:
			f.sim.hear()
			err = f.take(b)
		case <-f.gap.C:
			err = f.giveUpHalf()
		case <-f.sim.wake:
			if !f.waits {
				err = f.tellMoved()
			}
		case <-f.sim.restarted:
			f.forget()
		}
		if err != nil {
			return err
		}
	}
}

// forget is what a restart does.
func (f *ccidFront) forget() {
	f.input, f.last, f.waits, f.params = nil, nil, false, map[byte]ccidParams{}
	f.present = f.isPresent()
}

func (f *ccidFront) isPresent() bool {
	f.sim.mu.Lock()
	defer f.sim.mu.Unlock()
	return f.sim.sockets[0].kind != ""
}

// forgetIfRestarted comes before what was heard after the restart.
func (f *ccidFront) forgetIfRestarted() {
	select {
	case <-f.sim.restarted:
		f.forget()
	default:
	}
}

func (f *ccidFront) take(b []byte) error {
	f.gap.Stop()
	f.forgetIfRestarted()
	f.input = append(f.input, b...)
	for {
		c, what, raw, left := scanCCID(f.input)
		f.input = left
		var err error
		switch what {
		case ccidNothing:
			if len(left) > 0 {
				f.gap.Reset(ccidWaitTime)
			}
			return nil
		case ccidRefusal:
			err = f.write(f.last)
		case ccidDamaged:
			err = f.refuse(raw)
		case ccidMessage:
			err = f.obey(c, raw)
		}
		if err != nil {
			return err
		}
	}
}

// giveUpHalf refuses a frame whose rest does not come.
func (f *ccidFront) giveUpHalf() error {
	half := f.input
	f.input = nil
	return f.refuse(half)
}

func (f *ccidFront) refuse(raw []byte) error {
	if f.sim.isSilent() {
		return nil
	}
	return f.write(append(f.echo(raw), nakFrame...))
}

// echo is what a reader of this model says before anything else.
func (f *ccidFront) echo(raw []byte) []byte {
	if !f.model.echoes {
		return nil
	}
	return append([]byte{}, raw...)
}

// obey executes a command and answers it. Everything that belongs to an answer goes out in one piece.
func (f *ccidFront) obey(c ccidCommand, raw []byte) error {
	if f.sim.isSilent() {
		return nil
	}
	out, err := f.serve(c, raw)
	if errors.Is(err, errUnanswered) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.write(out)
}

func (f *ccidFront) serve(c ccidCommand, raw []byte) ([]byte, error) {
	if err := f.before(raw); err != nil {
		return nil, err
	}
	out := append(f.echo(raw), f.movement()...)
	answer, err := f.execute(c)
	if err != nil {
		return nil, err
	}
	f.last = answer.frame()
	sent, err := f.firstSend(answer)
	return append(out, sent...), err
}

func (f *ccidFront) tellMoved() error { return f.write(f.movement()) }

// movement says what changed in socket 0 since the host was told; the sockets of the SAMs are not watched.
func (f *ccidFront) movement() []byte {
	now := f.isPresent()
	if now == f.present {
		return nil
	}
	if f.present = now; now {
		return []byte{ccidChange, ccidPresent}
	}
	return []byte{ccidChange, ccidAbsent}
}

func (f *ccidFront) write(b []byte) error {
	if len(b) == 0 || f.sim.isSilent() {
		return nil
	}
	_, err := f.line.Write(b)
	return err
}
