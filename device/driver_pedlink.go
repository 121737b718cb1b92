package device

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
)

// pedlinkDriver speaks pedlink/1, docs/WIRE-READER.md.
var pedlinkDriver = driver{
	name:     pedlinkName,
	stopBits: 1,
	bauds:    []int{115200, 921600, 460800, 230400, 57600, 38400, 19200, 9600},
	converse: conversePedlink,
}

const pedlinkName = "pedlink"

// conversePedlink resets the line, asks who is there and proves the pairing key, both ways.
func conversePedlink(l *line, o *Options, enter func(State)) (conversation, error) {
	link := newLink(l, o.Rand)
	c := newPedlink(link)
	go l.receive(longestFrame, link.take)
	enter(StateSyncing)
	if err := link.reset(); err != nil {
		return nil, err
	}
	enter(StateIdentifying)
	if err := c.meet(); err != nil {
		return nil, err
	}
	if c.limit = o.foreign(c.identity.Serial); c.limit != nil {
		return c, nil
	}
	keys := o.pairingKeys()
	if len(keys) == 0 {
		c.limit = ErrUnpaired
		return c, nil
	}
	enter(StateAuthenticating)
	err := c.authenticate(keys)
	if err == nil {
		return c, c.confirm()
	}
	if !errors.Is(err, ErrLocked) {
		return nil, err
	}
	// The reader may believe in a session by now; without one it answers INFO in the clear.
	c.limit = err
	return c, link.reset()
}

func (c *pedlink) identify(ctx context.Context) (Identity, error) {
	answer, err := c.do(ctx, command{code: cmdInfo})
	if err != nil {
		return Identity{}, err
	}
	return parseIdentity(answer)
}

func parseIdentity(f *fields) (Identity, error) {
	flags := f.u8(tagFlags)
	id := Identity{
		Driver:       pedlinkName,
		Serial:       f.id(tagSerial),
		Model:        f.id(tagModel),
		Firmware:     f.id(tagFirmware),
		Hardware:     f.id(tagHardware),
		RecordKey:    bytes.Clone(f.fixed(tagRecordKey, ed25519.PublicKeySize)),
		EraseCounter: f.u32(tagEraseCount),
		BootCount:    f.u32(tagBootCount),
		MaxLength:    int(f.u16(tagMaxLength)),
		Rotations:    f.later32(tagRotations),
		Revision:     revision(f),
		Frozen:       flags&flagFrozen != 0,
		Tampered:     flags&flagTampered != 0,
		Challenged:   flags&flagChallenge != 0,
	}
	if f.err != nil {
		return Identity{}, fmt.Errorf("cannot read identity: %w", f.err)
	}
	return id, nil
}

func (c *pedlink) tamper(ctx context.Context) (Tamper, error) {
	answer, err := c.do(ctx, command{code: cmdTamper})
	if err != nil {
		return Tamper{}, err
	}
	t := Tamper{Detected: answer.u8(tagState) != 0, Count: answer.later32(tagTampers)}
	return t, answer.err
}

func (c *pedlink) slots(ctx context.Context) ([]Slot, error) {
	var all []Slot
	for first := uint16(0); ; {
		answer, err := c.do(ctx, command{code: cmdListKeys, body: appendField16(nil, tagSlot, first)})
		if err != nil {
			return nil, err
		}
		page, err := parseSlots(answer, first)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < slotsPerAnswer || all[len(all)-1].ID == 0xFFFF {
			return all, nil
		}
		first = all[len(all)-1].ID + 1
	}
}

// parseSlots insists on ascending slots from first on, so that a list cannot go round in circles.
func parseSlots(answer *fields, first uint16) ([]Slot, error) {
	var slots []Slot
	next := int(first)
	for _, entry := range answer.all(tagKeyEntry) {
		s, err := parseSlot(entry)
		if err != nil {
			return nil, err
		}
		if int(s.ID) < next {
			return nil, fmt.Errorf("%w: slot %d is out of order", errDamaged, s.ID)
		}
		next = int(s.ID) + 1
		slots = append(slots, s)
	}
	return slots, nil
}

func parseSlot(entry []byte) (Slot, error) {
	f := parseFields(entry)
	s := Slot{
		ID:    f.u16(tagSlot),
		Type:  f.name(tagKeyType, keyTypes),
		Alg:   f.name(tagAlgorithm, algorithms),
		State: slotStates[f.u8(tagState)],
		KSN:   hex.EncodeToString(f.optional(tagKSN)),
	}
	if s.State == "" {
		f.fail(tagState, "has an unknown value")
	}
	if kcv := f.optional(tagKCV); len(kcv) > 0 {
		s.Method = kcvMethods[kcv[0]]
		s.KCV = hex.EncodeToString(kcv[1:])
		if s.Method == "" || len(kcv) < 2 {
			f.fail(tagKCV, "has no known method")
		}
	}
	if f.optional(tagReason) != nil {
		s.Retained, s.Reason = true, f.name(tagReason, reasons)
	}
	return s, f.err
}

func (c *pedlink) probe(ctx context.Context, slot uint16) error {
	nonce := make([]byte, 16)
	if _, err := io.ReadFull(c.link.rand, nonce); err != nil {
		return err
	}
	body := appendField(appendField16(nil, tagSlot, slot), tagNonce, nonce)
	answer, err := c.do(ctx, command{code: cmdKeyProbe, body: body})
	if err != nil {
		return err
	}
	answer.fixed(tagProbe, 8)
	return answer.err
}

func (c *pedlink) freeze(ctx context.Context) error {
	_, err := c.do(ctx, command{code: cmdFreeze})
	return err
}

func (c *pedlink) thaw(ctx context.Context) error {
	_, err := c.do(ctx, command{code: cmdThaw})
	return err
}

// restart leaves the proof to the boot count.
func (c *pedlink) restart(ctx context.Context) (gone bool, err error) {
	_, err = c.do(ctx, command{code: cmdReboot})
	return false, err
}

// scopeBytes is the wire form of a scope: ascending, each slot once.
func scopeBytes(scope []uint16) []byte {
	sorted := slices.Compact(slices.Sorted(slices.Values(scope)))
	var b []byte
	for _, slot := range sorted {
		b = binary.BigEndian.AppendUint16(b, slot)
	}
	return b
}
