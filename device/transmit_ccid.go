package device

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ccidThinking bounds a command for a card, whatever the card asks for.
const ccidThinking = 2 * time.Minute

func (c *ccid) transmit(ctx context.Context, slot int, apdu []byte) ([]byte, error) {
	return alone(ctx, c.turn, c.link.line, func() ([]byte, error) {
		if slot < 0 || slot >= len(c.modules) {
			return nil, ErrRefused{Code: CodeNoSocket, Text: fmt.Sprintf("no socket %d", slot)}
		}
		m := c.modules[slot]
		if m == nil {
			return nil, ErrRefused{Code: CodeCardOff, Text: "module is not powered"}
		}
		if len(apdu) < 4 {
			return nil, ErrRefused{Code: CodeMalformed, Text: fmt.Sprintf("%d bytes are no command, which has 4 or more", len(apdu))}
		}
		m.limit = time.Now().Add(ccidThinking)
		if m.protocol == 1 {
			response, err := m.t1.exchange(apdu)
			return c.finish(slot, response, err)
		}
		response, err := t0{func(tpdu []byte) ([]byte, error) { return c.xfr(slot, m, tpdu, 0) }}.exchange(apdu)
		return c.finish(slot, response, err)
	})
}

// finish checks that there is a status, and forgets a module that follows no more.
func (c *ccid) finish(slot int, response []byte, err error) ([]byte, error) {
	if errors.Is(err, errOutOfStep) {
		c.modules[slot] = nil
	}
	if err != nil {
		return nil, asRefusal(err)
	}
	if len(response) < 2 {
		return nil, unknownOutcome(fmt.Errorf("%w: response without status", errDamaged))
	}
	return response, nil
}

// swap carries one block of T=1. What a repetition mends is told as errNoBlock or errBadBlock.
func (c *ccid) swap(slot int, m *module, block []byte, wait byte) ([]byte, error) {
	if !time.Now().Before(m.limit) {
		return nil, fmt.Errorf("%w: %v are over", errNoBlock, ccidThinking)
	}
	answer, err := c.xfr(slot, m, block, wait)
	var f ccidFailure
	switch {
	case errors.Is(err, ErrTimeout): // without power there is nobody to ask
		return nil, err
	case errors.As(err, &f) && f.code == ccidParity:
		return nil, errBadBlock
	case errors.Is(err, errUnheard), errors.As(err, &f) && f.code == ccidMute:
		return nil, fmt.Errorf("%w: %w", errNoBlock, err)
	}
	return answer, firstOutcome(err)
}

// xfr carries bytes to a card and back, once. errUnheard: the reader lives and the module has power, but there
// was no answer.
func (c *ccid) xfr(slot int, m *module, data []byte, wait byte) ([]byte, error) {
	if len(data) > ccidMaxData {
		return nil, fmt.Errorf("cannot send %d bytes to a module: the reader takes %d", len(data), ccidMaxData)
	}
	patience := c.link.retry.Response + m.waiting()*time.Duration(max(1, wait))
	command := ccidMessage{kind: ccidXfrBlock, slot: byte(slot), fields: [3]byte{wait}, data: data}
	answer, err := c.link.ask(command, patience, time.Until(m.limit))
	var f ccidFailure
	switch {
	case err == nil:
		c.asked.Store(true)
		return answer.data, nil
	case errors.As(err, &f):
		c.noteICC(slot, f.icc)
		if f.icc != ccidActive {
			return nil, unknownOutcome(fmt.Errorf("module lost its power: %w", err))
		}
	case errors.Is(err, errUnheard):
		return nil, c.stillThere(slot, err)
	}
	return nil, err
}

// firstOutcome tells what a reader refuses of itself, so that nothing was done, from what happened while the
// module was at work.
func firstOutcome(err error) error {
	var f ccidFailure
	switch {
	case errors.As(err, &f) && (f.code < ccidUserFirst || f.code == ccidBusy):
		return err
	case errors.As(err, &f), errors.Is(err, errUnheard):
		return unknownOutcome(err)
	}
	return err
}

// stillThere asks the reader about a socket whose answer did not come: a reader that is gone loses the line.
func (c *ccid) stillThere(slot int, unheard error) error {
	icc, err := c.slotStatus(slot)
	var f ccidFailure
	if errors.As(err, &f) {
		icc, err = f.icc, nil
	}
	if err != nil {
		return err
	}
	c.noteICC(slot, icc)
	if icc != ccidActive {
		return unknownOutcome(fmt.Errorf("module lost its power: %w", unheard))
	}
	return unheard
}
