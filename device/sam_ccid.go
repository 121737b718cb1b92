package device

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ccidVoltages is the order in which a card is tried, as bPowerSelect: 5 V, 3 V, 1.8 V, the reader's own choice.
var ccidVoltages = []byte{1, 2, 3, 0}

// module is a card that was powered in this conversation.
type module struct {
	atr      ATR
	terms    CardInterface
	protocol int
	speed    byte
	t1       *t1Master // of protocol 1
	limit    time.Time // of the command under way, whatever the card asks for
}

// samSlots asks every socket. A card that another conversation left powered is told as not powered: how to
// speak with it is not known until it is reset.
func (c *ccid) samSlots(ctx context.Context) ([]SAM, error) {
	return alone(ctx, c.turn, c.link.line, func() ([]SAM, error) {
		var all []SAM
		for n := range c.modules {
			icc, err := c.slotStatus(n)
			var f ccidFailure
			switch {
			case errors.As(err, &f):
				icc = f.icc
			case err != nil:
				return nil, err
			}
			c.noteICC(n, icc)
			s := SAM{Slot: n, Card: n == 0, Present: icc != ccidAbsent}
			if m := c.modules[n]; m != nil {
				s.Powered, s.ATR = true, m.atr
			}
			all = append(all, s)
		}
		return all, nil
	})
}

// noteICC forgets a module whose contacts are not active any more.
func (c *ccid) noteICC(socket int, icc byte) {
	if icc != ccidActive {
		c.modules[socket] = nil
	}
}

func (c *ccid) powerSAM(ctx context.Context, slot int, on bool) (ATR, error) {
	return alone(ctx, c.turn, c.link.line, func() (ATR, error) {
		if slot < 0 || slot >= len(c.modules) {
			return nil, ErrRefused{Code: CodeNoSocket, Text: fmt.Sprintf("no socket %d", slot)}
		}
		c.modules[slot] = nil
		if !on {
			return nil, c.powerOff(slot)
		}
		m, err := c.start(slot)
		if err != nil {
			return nil, c.abandon(slot, asRefusal(err))
		}
		c.modules[slot] = m
		return m.atr, nil
	})
}

// abandon takes the power of a module that was understood by half; why is what to tell.
func (c *ccid) abandon(slot int, why error) error {
	if !c.link.isAlive() {
		return why
	}
	if err := ignoreFailure(c.powerOff(slot)); err != nil {
		return fmt.Errorf("%w (and taking its power: %w)", why, err)
	}
	return why
}

// asRefusal is for callers: a definite no, unless the outcome is unknown.
func asRefusal(err error) error {
	var f ccidFailure
	switch {
	case errors.Is(err, ErrTimeout), errors.Is(err, ErrHangup):
		return err
	case errors.As(err, &f):
		return f.refused()
	case errors.Is(err, errOutOfStep):
		return ErrRefused{Code: CodeCardMute, Text: err.Error()}
	}
	return err
}

// ignoreFailure keeps a lost line and drops what an empty socket says.
func ignoreFailure(err error) error {
	var refused ErrRefused
	if errors.As(err, &refused) {
		return nil
	}
	return err
}

func (c *ccid) powerOff(slot int) error {
	_, err := c.link.ask(ccidMessage{kind: ccidPowerOff, slot: byte(slot)}, c.link.retry.Response, ccidBrief)
	return asRefusal(err)
}

// start resets a card and agrees with it about protocol and speed; what it offers and does not keep is not
// asked for again.
func (c *ccid) start(slot int) (*module, error) {
	m, err := c.reset(slot)
	if err != nil {
		return nil, err
	}
	if err := c.agree(slot, m, true); err != nil {
		if !isCcidFailure(err) && !errors.Is(err, errUnheard) && !errors.Is(err, errPPS) {
			return nil, err
		}
		if m, err = c.reset(slot); err != nil {
			return nil, err
		}
		if err := c.agree(slot, m, false); err != nil {
			return nil, err
		}
	}
	if m.protocol == 1 {
		m.t1 = newT1Master(m.terms, func(block []byte, wait byte) ([]byte, error) {
			return c.swap(slot, m, block, wait)
		})
		if err := m.t1.negotiate(); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// reset powers a card and reads its answer, at the first voltage at which there is one.
func (c *ccid) reset(slot int) (*module, error) {
	var last error
	for _, voltage := range ccidVoltages {
		on := ccidMessage{kind: ccidPowerOn, slot: byte(slot), fields: [3]byte{voltage}}
		answer, err := c.link.ask(on, c.link.retry.Response+2*time.Second, 2*ccidBrief)
		if err == nil {
			c.asked.Store(true)
			return newModule(answer.data)
		}
		var f ccidFailure
		if !errors.As(err, &f) {
			return nil, err
		}
		if f.code != ccidNoVoltage || last == nil {
			last = err
		}
		if f.icc == ccidAbsent || f.code == ccidNoSlot {
			break
		}
		if err := ignoreFailure(c.powerOff(slot)); err != nil {
			return nil, err
		}
	}
	return nil, last
}

// newModule chooses the first protocol of the card that we speak.
func newModule(answer []byte) (*module, error) {
	m := &module{atr: ATR(answer), limit: time.Now().Add(ccidThinking)}
	var err error
	if m.terms, err = m.atr.Parse(); err != nil {
		return nil, fmt.Errorf("cannot speak with module: %w", err)
	}
	for _, p := range m.terms.Protocols {
		if p > 1 {
			continue
		}
		if m.terms.Specific && p != m.terms.Protocols[0] {
			break
		}
		m.protocol = p
		return m, nil
	}
	return nil, fmt.Errorf("%w: module speaks protocols %v, not T=0 or T=1", ErrUnsupported, m.terms.Protocols)
}
