package device

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
)

// Identity is what a reader says about itself; nothing of it is authenticated before pairing.
type Identity struct {
	Serial       string
	Model        string
	Firmware     string
	Hardware     string
	RecordKey    ed25519.PublicKey // signs erase records
	EraseCounter uint32            // erases carried out in the reader's life
	BootCount    uint32
	MaxLength    int // longest payload, bytes
	Frozen       bool
	Tampered     bool
	Challenged   bool // a challenge of BeginErase is outstanding
}

// Tamper is the state of the reader's tamper detection.
type Tamper struct {
	Detected bool // latched until the maker resets it
}

// SlotState is what a key slot holds.
type SlotState string

// The states of a slot.
const (
	SlotEmpty     SlotState = "empty"
	SlotLoaded    SlotState = "loaded"
	SlotExhausted SlotState = "exhausted" // DUKPT at its end of life; the key is still there
	SlotBlocked   SlotState = "blocked"   // unusable; the key is still there
)

// Slot is one entry of the reader's key list.
type Slot struct {
	ID       uint16
	Type     string // TLK TMK TPK TAK TDK IPEK LINK RECORD
	Alg      string // 3DES, AES-128, ED25519
	KCV      string // lower-case hex, "" if empty
	Method   string // how KCV was made: zero-block (3 bytes), cmac (5 bytes), "" if there is none
	State    SlotState
	KSN      string // lower-case hex, DUKPT only
	Retained bool   // outside every erase scope
	Reason   string // why it is retained: remote-loading, reader-link, record-signing
}

// Identify asks the reader who it is, live; it needs no pairing and works with a foreign reader too.
func (r *Reader) Identify(ctx context.Context) (Identity, error) {
	conn, err := r.await(ctx, nil, false)
	if err != nil {
		return Identity{}, fmt.Errorf("cannot identify reader: %w", err)
	}
	answer, err := conn.do(ctx, command{code: cmdInfo})
	if err != nil {
		return Identity{}, fmt.Errorf("cannot identify reader: %w", err)
	}
	return parseIdentity(answer)
}

func parseIdentity(f *fields) (Identity, error) {
	flags := f.u8(tagFlags)
	id := Identity{
		Serial:       f.id(tagSerial),
		Model:        f.id(tagModel),
		Firmware:     f.id(tagFirmware),
		Hardware:     f.id(tagHardware),
		RecordKey:    bytes.Clone(f.fixed(tagRecordKey, ed25519.PublicKeySize)),
		EraseCounter: f.u32(tagEraseCount),
		BootCount:    f.u32(tagBootCount),
		MaxLength:    int(f.u16(tagMaxLength)),
		Frozen:       flags&flagFrozen != 0,
		Tampered:     flags&flagTampered != 0,
		Challenged:   flags&flagChallenge != 0,
	}
	if f.err != nil {
		return Identity{}, fmt.Errorf("cannot read identity: %w", f.err)
	}
	return id, nil
}

// Tamper asks for the state of the tamper detection.
func (r *Reader) Tamper(ctx context.Context) (Tamper, error) {
	answer, err := r.do(ctx, command{code: cmdTamper})
	if err != nil {
		return Tamper{}, fmt.Errorf("cannot read tamper state: %w", err)
	}
	state := answer.u8(tagState)
	if answer.err != nil {
		return Tamper{}, fmt.Errorf("cannot read tamper state: %w", answer.err)
	}
	return Tamper{Detected: state != 0}, nil
}

// Slots lists every key slot in ascending order, also the empty and the retained ones.
func (r *Reader) Slots(ctx context.Context) ([]Slot, error) {
	var all []Slot
	for first := uint16(0); ; {
		answer, err := r.do(ctx, command{code: cmdListKeys, body: appendField16(nil, tagSlot, first)})
		if err != nil {
			return nil, fmt.Errorf("cannot list key slots: %w", err)
		}
		page, err := parseSlots(answer, first)
		if err != nil {
			return nil, fmt.Errorf("cannot list key slots: %w", err)
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

// Probe makes the reader use the key of a slot. nil: the key is there and answers; ErrNoKey: it is gone,
// the good news after an erase; ErrRefused: it is there and may not be used, or there is no such slot.
func (r *Reader) Probe(ctx context.Context, slot uint16) error {
	nonce := make([]byte, 16)
	if err := r.nonce(nonce); err != nil {
		return fmt.Errorf("cannot probe slot %d: %w", slot, err)
	}
	body := appendField(appendField16(nil, tagSlot, slot), tagNonce, nonce)
	answer, err := r.do(ctx, command{code: cmdKeyProbe, body: body})
	if err != nil {
		return fmt.Errorf("cannot probe slot %d: %w", slot, err)
	}
	if answer.fixed(tagProbe, 8); answer.err != nil {
		return fmt.Errorf("cannot probe slot %d: %w", slot, answer.err)
	}
	return nil
}

// Freeze forbids new transactions in the reader; it survives a restart. Freezing twice is the same.
func (r *Reader) Freeze(ctx context.Context) error {
	if _, err := r.do(ctx, command{code: cmdFreeze}); err != nil {
		return fmt.Errorf("cannot freeze reader: %w", err)
	}
	return nil
}

// Thaw allows transactions again.
func (r *Reader) Thaw(ctx context.Context) error {
	if _, err := r.do(ctx, command{code: cmdThaw}); err != nil {
		return fmt.Errorf("cannot thaw reader: %w", err)
	}
	return nil
}

func (r *Reader) nonce(b []byte) error {
	_, err := io.ReadFull(r.options.Rand, b)
	return err
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
