package device

import (
	"errors"
	"fmt"
)

// What a carrier of blocks says when it has none, so that the card is asked for it again.
var (
	errNoBlock  = errors.New("no block came back")
	errBadBlock = errors.New("block came back with a parity error")
)

// errOutOfStep says that a card follows T=1 no more, not even a resynchronisation; only a reset helps.
var errOutOfStep = errors.New("module answers no block any more, reset it")

const (
	t1Repeats   = 3         // sends of a block, or complaints in a row, before the host gives up
	t1LongestOf = 1<<16 + 2 // bytes of a response, SW1 SW2 included
	t1Requests  = 1000      // for time or another size, that a card may make for one command
)

// t1Master is the host's end of T=1 (ISO/IEC 7816-3, section 11.6), from reset to reset:
//
//	idle -> sending (I-block) -> sending (acknowledged, chain goes on)
//	sending -> receiving (the card's first I-block) -> receiving (more) -> idle
//	sending, receiving -> the same (WTX, IFS, a damaged block: R-block; an R-block: our last block again)
//	sending, receiving -> resynchronising (three complaints in a row, abort) -> idle | out of step
//
// A command is carried to the card under one sequence number only. After a resynchronisation it is not sent
// again, since the card may have executed it.
type t1Master struct {
	code  t1Code
	swap  func(block []byte, wait byte) ([]byte, error) // wait: multiple of the block waiting time
	reset int                                           // IFSC of the answer to reset

	ifsc   int
	sized  bool // the card knows how long our information field may be
	ns, nr byte
}

func newT1Master(terms CardInterface, swap func([]byte, byte) ([]byte, error)) *t1Master {
	return &t1Master{code: t1Code{terms.CRC}, swap: swap, reset: terms.IFSC, ifsc: terms.IFSC}
}

// negotiate tells the card that it may send the longest information field.
func (m *t1Master) negotiate() error {
	if m.sized {
		return nil
	}
	err := m.supervise(t1IFS, []byte{t1LongestInf})
	if errors.Is(err, errNoBlock) {
		return m.resynchronise() // it can go on with the length of the standard
	}
	m.sized = err == nil
	return err
}

// resynchronise brings both ends back to the state after reset.
func (m *t1Master) resynchronise() error {
	m.ns, m.nr, m.ifsc, m.sized = 0, 0, m.reset, false
	err := m.supervise(t1Resync, nil)
	if errors.Is(err, errNoBlock) {
		return errOutOfStep
	}
	return err
}

// supervise sends an S-request until its response comes; errNoBlock says that it did not.
func (m *t1Master) supervise(request byte, inf []byte) error {
	for range t1Repeats {
		answer, err := m.carry(t1Block{request, inf}, 0)
		switch {
		case err == nil && answer.pcb == request|t1Response && string(answer.inf) == string(inf):
			return nil
		case err != nil && !isRepeatable(err):
			return err
		}
	}
	return fmt.Errorf("%w: request %02X is not answered", errNoBlock, request)
}

// carry brings one block to the card and one back.
func (m *t1Master) carry(b t1Block, wait byte) (t1Block, error) {
	raw, err := m.swap(m.code.encode(b), wait)
	if err != nil {
		return t1Block{}, err
	}
	return m.code.decode(raw)
}

// isRepeatable tells damage that an R-block mends.
func isRepeatable(err error) bool {
	return errors.Is(err, errNoBlock) || errors.Is(err, errBadBlock) || errors.Is(err, errDamaged)
}

// exchange carries a command and its response. A refusal of the very first block is passed on; after that
// every error leaves the outcome unknown.
func (m *t1Master) exchange(command []byte) ([]byte, error) {
	if err := m.negotiate(); err != nil {
		return nil, err
	}
	x := &t1Exchange{t1Master: m, rest: command}
	response, err := x.run()
	if err == nil || x.carried < 2 && !errors.Is(err, errNoBlock) {
		return response, err
	}
	if errors.Is(err, errNoBlock) {
		if again := m.resynchronise(); again != nil {
			err = fmt.Errorf("%w; %w", err, again)
		}
	}
	return nil, unknownOutcome(err)
}

// unknownOutcome marks an error after which nobody knows whether a command was executed.
func unknownOutcome(err error) error {
	if errors.Is(err, ErrTimeout) || errors.Is(err, ErrHangup) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrTimeout, err)
}

// t1Exchange is one command on its way to its response.
type t1Exchange struct {
	*t1Master
	rest      []byte // of the command, from the block under way on
	size      int    // bytes of it in the block under way
	response  []byte
	receiving bool    // the card has all of the command and has begun to answer
	last      t1Block // what the card gets again when it asks
	trouble   int     // complaints of both sides since the last progress
	requests  int     // for time or another size
	done      bool
	carried   int // blocks given to the carrier
}

func (x *t1Exchange) run() ([]byte, error) {
	x.last = x.information()
	for out := x.last; !x.done; {
		var wait byte
		if out.pcb == t1WTX|t1Response {
			wait = out.inf[0]
		}
		x.carried++
		in, err := x.carry(out, wait)
		switch {
		case err == nil:
			out, err = x.react(in)
		case isRepeatable(err):
			out, err = x.complain(err)
		}
		if err != nil {
			return nil, err
		}
	}
	return x.response, nil
}

// information is the I-block under way.
func (x *t1Exchange) information() t1Block {
	x.size = min(len(x.rest), x.ifsc)
	return x.again()
}

func (x *t1Exchange) again() t1Block {
	pcb := x.ns * t1NumberI
	if x.size < len(x.rest) {
		pcb |= t1More
	}
	return t1Block{pcb, x.rest[:x.size]}
}

// react returns what to send next, unless the exchange is done.
func (x *t1Exchange) react(in t1Block) (t1Block, error) {
	switch {
	case in.isI():
		return x.takeInformation(in)
	case in.isR():
		return x.takeRequest(in)
	}
	if x.requests++; x.requests > t1Requests {
		return t1Block{}, fmt.Errorf("%w: module asks for time for ever", errNoBlock)
	}
	switch in.pcb {
	case t1WTX:
		return x.send(t1Block{in.pcb | t1Response, in.inf}), nil
	case t1IFS:
		x.ifsc = int(in.inf[0])
		return x.send(t1Block{in.pcb | t1Response, in.inf}), nil
	case t1Abort:
		return t1Block{}, fmt.Errorf("%w: module gave the command up", errNoBlock)
	}
	return x.complain(fmt.Errorf("%w: supervisory block %02X out of turn", errNoBlock, in.pcb))
}

// send makes a block the one that is repeated on request.
func (x *t1Exchange) send(b t1Block) t1Block {
	x.last, x.trouble = b, 0
	return b
}

func (x *t1Exchange) takeInformation(in t1Block) (t1Block, error) {
	unfinished := !x.receiving && x.size < len(x.rest)
	if in.number() != x.nr || unfinished {
		return x.complain(fmt.Errorf("%w: information block out of turn", errNoBlock))
	}
	if !x.receiving {
		x.receiving, x.ns = true, x.ns^1
	}
	x.nr ^= 1
	x.response = append(x.response, in.inf...)
	switch {
	case len(x.response) > t1LongestOf:
		return t1Block{}, fmt.Errorf("%w: response is longer than %d bytes", errNoBlock, t1LongestOf)
	case in.more():
		return x.send(t1Block{pcb: t1R | x.nr*t1NumberR}), nil
	}
	x.done = true
	return t1Block{}, nil
}

// takeRequest reads an R-block: of our chain, "go on" has the number of the next block; everything else asks
// for our last block again.
func (x *t1Exchange) takeRequest(in t1Block) (t1Block, error) {
	forward := in.number() != x.ns
	switch {
	case !x.receiving && forward && x.size < len(x.rest):
		x.rest, x.ns = x.rest[x.size:], x.ns^1
		return x.send(x.information()), nil
	case !x.receiving && forward:
		return x.complain(fmt.Errorf("%w: module expects a block that there is not", errNoBlock))
	}
	x.trouble++
	if x.trouble >= t1Repeats {
		return t1Block{}, fmt.Errorf("%w: module does not understand", errNoBlock)
	}
	return x.last, nil
}

// complain asks for the card's last block again, with the number of the block that is expected.
func (x *t1Exchange) complain(about error) (t1Block, error) {
	x.trouble++
	if x.trouble >= t1Repeats {
		return t1Block{}, fmt.Errorf("%w: %w", errNoBlock, about)
	}
	kind := byte(t1Other)
	if errors.Is(about, errBadBlock) || errors.Is(about, errDamaged) {
		kind = t1EDCError
	}
	return t1Block{pcb: t1R | x.nr*t1NumberR | kind}, nil
}
