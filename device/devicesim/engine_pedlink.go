package devicesim

import (
	"encoding/binary"
	"errors"
	"io"
	"time"
)

// Waiting times of the reader's end.
const (
	ackTime  = 150 * time.Millisecond
	gapTime  = 50 * time.Millisecond
	busyUnit = 100 * time.Millisecond
)

// engine is the protocol on one open line. One goroutine owns it:
//
//	silent -> (RST) clear -> (HELLO) secured -> (EVT_SINCE) flowing
//	any -> (RST) clear
//	secured, flowing -> (a command that is not authentic) clear, numbers kept
//	any -> (three sends without ACK) silent, after an RST of its own
type engine struct {
	sim  *Sim
	line io.ReadWriter

	input []byte
	gap   *time.Timer

	nextIn  byte // SEQ of the host's next command
	heard   bool // a command was taken since the reset: nextIn-1 is a repetition
	nextOut byte

	session *session
	answer  []byte   // the last command's response on the line, to be repeated; nil: not sent yet
	waiting *sending // what awaits its ACK
	queued  *reply   // a response that has to wait for it
	queueOp opcode
	reboot  bool // as soon as the response is with the host
	flow    *flow
}

type sending struct {
	typ   frameType
	seq   byte
	raw   []byte
	sends int
	timer *time.Timer
}

// flow is the stream of events after one EVT_SINCE.
type flow struct{ after, pushed uint32 }

func newEngine(s *Sim, line io.ReadWriter) *engine {
	e := &engine{sim: s, line: line, gap: time.NewTimer(time.Hour)}
	e.gap.Stop()
	return e
}

// run serves the line until it ends, stop is closed or the power goes.
func (e *engine) run(stop <-chan struct{}) error {
	chunks := make(chan []byte)
	failed := make(chan error, 1)
	line := e.line
	go func() { failed <- readInto(chunks, line, stop) }()
	defer e.forget()
	if err := e.restart(); err != nil {
		return err
	}
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
			if len(e.input) > 0 {
				e.input = e.input[1:]
			}
			err = e.take(nil)
		case <-e.unacknowledged():
			err = e.sendAgain()
		case <-e.sim.wake:
			err = e.next()
		case <-e.sim.restarted:
			err = e.restart()
		}
		if err != nil {
			return err
		}
	}
}

func readInto(chunks chan<- []byte, line io.Reader, stop <-chan struct{}) error {
	for {
		b := make([]byte, 8192)
		n, err := line.Read(b)
		if err != nil {
			return err
		}
		select {
		case chunks <- b[:n]:
		case <-stop:
			return nil
		}
	}
}

// restart tells the host that everything is forgotten; where nobody listens it does no harm.
func (e *engine) restart() error {
	e.forget()
	if e.sim.isSilent() {
		return nil
	}
	return e.write(frame{typ: tRST, arg: uint16(e.sim.options.Now().UnixNano())}.bytes())
}

func (e *engine) forget() {
	if e.waiting != nil {
		e.waiting.timer.Stop()
	}
	*e = engine{sim: e.sim, line: e.line, gap: e.gap, input: e.input}
}

func (e *engine) take(b []byte) error {
	if len(b) > 0 {
		e.sim.hear()
	}
	e.input = append(e.input, b...)
	for {
		f, what, left := scan(e.input)
		e.input = left
		var err error
		switch what {
		case needMore:
			if e.gap.Stop(); len(left) > 0 {
				e.gap.Reset(gapTime)
			}
			return nil
		case damaged:
			err = e.write(frame{typ: tNAK, seq: f.seq}.bytes())
		case found:
			err = e.handle(f)
		}
		if err != nil {
			return err
		}
	}
}

func (e *engine) handle(f frame) error {
	if e.sim.isSilent() {
		return nil
	}
	switch f.typ {
	case tRST:
		return e.reset(f.arg)
	case tCMD:
		return e.command(f)
	case tACK:
		return e.acknowledged(f.seq)
	case tNAK:
		if e.waiting != nil && e.waiting.seq == f.seq {
			return e.sendAgain()
		}
	}
	return nil
}

func (e *engine) reset(arg uint16) error {
	if e.reboot { // the host had its answer, or it would not begin anew
		if err := e.restartSim(); err != nil {
			return err
		}
	}
	e.forget()
	return e.write(frame{typ: tRSTACK, arg: arg}.bytes())
}

// command takes a new command once; a repeated one is acknowledged again and gets the stored response again.
func (e *engine) command(f frame) error {
	if f.seq != e.nextIn {
		if !e.heard || f.seq != e.nextIn-1 {
			return nil
		}
		return e.write(append(frame{typ: tACK, seq: f.seq}.bytes(), e.answer...))
	}
	if e.sim.strikes(faultNak) {
		return e.write(frame{typ: tNAK, seq: f.seq}.bytes())
	}
	e.nextIn++
	e.heard, e.answer = true, nil
	if err := e.acknowledge(f.seq); err != nil {
		return err
	}
	if e.waiting != nil && e.waiting.typ == tRSP {
		e.settle() // a new command says that the last response was received
	}
	err := e.execute(f)
	if errors.Is(err, errUnanswered) {
		return nil
	}
	return err
}

// execute carries out a new command and answers it.
func (e *engine) execute(f frame) error {
	if err := e.before(f); err != nil {
		return err
	}
	op, r, err := e.answerTo(f)
	if err == nil {
		err = e.after()
	}
	if err != nil {
		return err
	}
	e.queueOp, e.queued = op, &r
	return e.next()
}

// answerTo authenticates and executes.
func (e *engine) answerTo(f frame) (opcode, reply, error) {
	payload := f.body
	if e.session != nil {
		var authentic bool
		if payload, authentic = e.session.open(f.seq, payload); !authentic {
			e.session, e.flow = nil, nil
			return commandOf(f.body), reply{status: stBadMAC}, e.sim.locked(e.sim.proofFailed)
		}
		if !e.session.proven {
			e.session.proven = true
			if err := e.sim.locked(func() error { return e.sim.proofSucceeded(e.session) }); err != nil {
				return 0, reply{}, err
			}
		}
	}
	if len(payload) < 2 {
		return 0, reply{status: stMalformed}, nil
	}
	v, ok := parseBody(payload[2:])
	if !ok {
		return commandOf(payload), reply{status: stMalformed}, nil
	}
	op := commandOf(payload)
	if op == opEraseCommit && e.session != nil {
		if err := e.write(frame{typ: tBUSY, seq: f.seq, arg: uint16(5 * time.Second / busyUnit)}.bytes()); err != nil {
			return 0, reply{}, err
		}
	}
	r := e.dispatch(op, v)
	if errors.Is(r.err, errPowerCut) {
		return 0, reply{}, errPowerCut
	}
	if r.err != nil {
		r = reply{status: stMemory}
	}
	return op, r, nil
}

func commandOf(payload []byte) opcode {
	if len(payload) < 2 {
		return 0
	}
	return opcode(binary.BigEndian.Uint16(payload))
}

// dispatch decides what may be asked now.
func (e *engine) dispatch(op opcode, v values) (r reply) {
	e.sim.mu.Lock()
	defer e.sim.mu.Unlock()
	switch {
	case op == opHello && e.session == nil:
		e.session, r = e.sim.hello(v)
	case op == opHello:
		r.status = stMalformed
	case e.session == nil && op != opInfo:
		r.status = stNoSession
	case e.sim.lacks(op):
		r.status = stUnknown
	case op == opEventsSince:
		var after uint32
		if after, r = e.sim.eventsSince(v); r.status == stOK {
			e.flow = &flow{after: after, pushed: max(after, e.sim.mem.released)}
		}
	case op == opEventsAck:
		var pushed uint32
		if e.flow != nil {
			pushed = e.flow.pushed
		}
		r = e.sim.eventsAck(v, pushed)
	default:
		r = e.sim.execute(op, v)
	}
	return r
}
