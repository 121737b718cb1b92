package device

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// cardTime bounds what BUSY may ask for while a card thinks.
const cardTime = 30 * time.Second

const longestATR = 33

func (c *pedlink) samSlots(ctx context.Context) ([]SAM, error) {
	answer, err := c.do(ctx, command{code: cmdSAMList})
	if err != nil {
		return nil, err
	}
	var sockets []SAM
	for _, entry := range answer.all(tagKeyEntry) {
		s, err := parseSocket(entry)
		if err != nil {
			return nil, err
		}
		if n := len(sockets); n > 0 && sockets[n-1].Slot >= s.Slot {
			return nil, fmt.Errorf("%w: socket %d is out of order", errDamaged, s.Slot)
		}
		sockets = append(sockets, s)
	}
	return sockets, nil
}

func parseSocket(entry []byte) (SAM, error) {
	f := parseFields(entry)
	flags := f.u8(tagSocketFlags)
	s := SAM{
		Slot:    int(f.u8(tagSocket)),
		Card:    flags&socketCard != 0,
		Present: flags&socketPresent != 0,
		Powered: flags&socketPowered != 0,
	}
	if s.Powered {
		s.ATR = f.atr()
	}
	return s, f.err
}

// atr is an answer to reset: 2 to 33 bytes.
func (f *fields) atr() ATR {
	v := f.optional(tagATR)
	if len(v) < 2 || len(v) > longestATR {
		f.fail(tagATR, "is no answer to reset")
		return nil
	}
	return bytes.Clone(v)
}

func (c *pedlink) powerSAM(ctx context.Context, slot int, on bool) (ATR, error) {
	body, err := socketField(slot)
	if err != nil {
		return nil, err
	}
	power := byte(0)
	if on {
		power = 1
	}
	answer, err := c.do(ctx, command{code: cmdSAMPower, body: appendField(body, tagPower, []byte{power})})
	if err != nil || !on {
		return nil, err
	}
	atr := answer.atr()
	return atr, answer.err
}

// transmit leaves the outcome open where the card may have executed what its reader cannot tell the answer of.
func (c *pedlink) transmit(ctx context.Context, slot int, apdu []byte) ([]byte, error) {
	body, err := socketField(slot)
	if err != nil {
		return nil, err
	}
	answer, err := c.do(ctx, command{code: cmdSAMExchange, body: appendField(body, tagAPDU, apdu), longest: cardTime})
	if isRefusal(err, CodeCardMute) || isRefusal(err, CodeCardLong) {
		return nil, fmt.Errorf("%w: %v", ErrTimeout, err)
	}
	if err != nil {
		return nil, err
	}
	response := bytes.Clone(answer.optional(tagAPDU))
	if len(response) < 2 {
		return nil, fmt.Errorf("%w: response without status word", errDamaged)
	}
	return response, nil
}

func socketField(slot int) ([]byte, error) {
	if slot < 0 || slot > 0xFF {
		return nil, ErrRefused{Code: CodeNoSocket}
	}
	return appendField(nil, tagSocket, []byte{byte(slot)}), nil
}
