package device

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
)

// mposKind is one of the kinds of keys, each with its own numbers. Slot.ID is number<<8 | index.
type mposKind struct {
	number      byte   // as mposWorkKey names it
	name        string // as Slot.Type names it
	first, last byte   // indexes
	deletes     byte   // as mposDeleteKey names it, which is another number for some; 0: it cannot be deleted
	reason      string // why it is retained
}

// In mposDeleteKey 04 is everything and 05 every working key; neither is ever sent.
var mposKinds = []mposKind{
	{number: 0x01, name: "TDK", first: 1, last: 200, deletes: 0x01},
	{number: 0x02, name: "TPK", first: 1, last: 200, deletes: 0x02},
	{number: 0x03, name: "TAK", first: 1, last: 200, deletes: 0x03},
	{number: 0x04, name: "TMK", first: 2, last: 10, deletes: 0x06},
	{number: 0x05, name: "TLK", first: 1, last: 1, reason: "remote-loading"},
	{number: 0x06, name: "IPEK", first: 1, last: 10, deletes: 0x07},
}

// mposPlace finds the kind and the index of a slot.
func mposPlace(slot uint16) (kind mposKind, index byte, known bool) {
	number, index := byte(slot>>8), byte(slot)
	i := slices.IndexFunc(mposKinds, func(k mposKind) bool { return k.number == number })
	if i < 0 || index < mposKinds[i].first || index > mposKinds[i].last {
		return mposKind{}, 0, false
	}
	return mposKinds[i], index, true
}

// slots asks for the KCV of every place, one by one: 620 questions, some 3 s at 115200 baud and 35 s at 9600. A reader
// with fewer places says so of each one that it lacks. It must be the same reader at the end as at the beginning.
func (c *mpos) slots(ctx context.Context) ([]Slot, error) {
	if err := c.confirm(ctx); err != nil {
		return nil, err
	}
	var all []Slot
	for _, k := range mposKinds {
		for index := int(k.first); index <= int(k.last); index++ {
			s, err := c.slot(ctx, k, byte(index))
			if errors.Is(err, mposRefusal(mposNoPlace)) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("%s %d: %w", k.name, index, err)
			}
			all = append(all, s)
		}
	}
	return all, c.confirm(ctx)
}

func (c *mpos) slot(ctx context.Context, k mposKind, index byte) (Slot, error) {
	answer, err := alone(ctx, c.turn, c.link.line, func() (*mposBody, error) { return c.ask(mposWorkKey, kcvQuery(k, index)) })
	if errors.Is(err, mposRefusal(mposRefused)) {
		s := k.slot(index)
		s.State = SlotBlocked
		return s, nil
	}
	if err != nil {
		return Slot{}, err
	}
	return parseMposSlot(answer, k.slot(index))
}

// slot is an empty one.
func (k mposKind) slot(index byte) Slot {
	return Slot{
		ID: uint16(k.number)<<8 | uint16(index), Type: k.name, State: SlotEmpty, Retained: k.reason != "", Reason: k.reason,
		Asked: k.name != "TDK" && k.name != "TAK", // see probe
	}
}

// kcvQuery has the form of the published example: TMK 2, and a key and a KCV of zeros, none of which mode 02 looks at.
func kcvQuery(k mposKind, index byte) []byte {
	b := []byte{k.number, 2, index}
	b = appendLL(b, make([]byte, 16))
	b = appendLL(b, make([]byte, 8))
	return append(b, mposModeKCV)
}

func parseMposSlot(answer *mposBody, s Slot) (Slot, error) {
	err := answer.result()
	if errors.Is(err, ErrNoKey) {
		return s, nil
	}
	if err != nil {
		return Slot{}, err
	}
	s.State = SlotLoaded
	s.KCV = hex.EncodeToString(answer.exactly(4))
	alg := answer.fixed(1)[0]
	s.Alg, s.Method = mposAlgorithms[alg], mposMethods[alg]
	if s.Alg == "" {
		answer.fail(fmt.Sprintf("algorithm %02X is unknown", alg))
	}
	return s, answer.err
}

// probe uses the key where the protocol lets a host use it. A TPK, TMK, TLK or IPEK can only be asked for its KCV,
// which is the list again: a reader that lies there is not found out.
func (c *mpos) probe(ctx context.Context, slot uint16) error {
	k, index, known := mposPlace(slot)
	if !known {
		return mposRefusal(mposNoPlace)
	}
	switch k.name {
	case "TDK":
		return c.probeTDK(ctx, index)
	case "TAK":
		return c.probeTAK(ctx, index)
	}
	answer, err := c.order(ctx, mposWorkKey, kcvQuery(k, index))
	if err != nil {
		return err
	}
	return answer.result()
}

// probeTDK encrypts 16 random bytes, whole blocks of every cipher.
func (c *mpos) probeTDK(ctx context.Context, index byte) error {
	nonce, err := c.nonce()
	if err != nil {
		return err
	}
	answer, err := c.order(ctx, mposCrypt, cryptQuery(index, nonce))
	if err == nil {
		err = answer.result()
	}
	if err != nil {
		return err
	}
	if out := answer.exactly(len(nonce)); answer.err == nil && bytes.Equal(out, nonce) {
		answer.fail("nothing was encrypted")
	}
	return answer.err
}

func cryptQuery(index byte, data []byte) []byte { return appendLL([]byte{index, mposEncrypt}, data) }

func (c *mpos) probeTAK(ctx context.Context, index byte) error {
	nonce, err := c.nonce()
	if err != nil {
		return err
	}
	answer, err := c.order(ctx, mposMAC, macQuery(index, nonce))
	if err == nil {
		err = answer.result()
	}
	if err != nil {
		return err
	}
	answer.exactly(8)
	return answer.err
}

func macQuery(index byte, data []byte) []byte { return appendLL([]byte{index}, data) }

func (c *mpos) nonce() ([]byte, error) {
	nonce := make([]byte, 16)
	_, err := io.ReadFull(c.options.Rand, nonce)
	return nonce, err
}

// deleteKeys names each slot in a command of its own, in ascending order, so working keys go before their TMK. A scope
// with a slot that cannot be deleted is refused before anything is sent. Where a TMK is in the scope, the reader deletes
// its working keys too, whether they are or not.
func (c *mpos) deleteKeys(ctx context.Context, scope []uint16) error {
	sorted := slices.Compact(slices.Sorted(slices.Values(scope)))
	for _, slot := range sorted {
		if k, _, known := mposPlace(slot); !known || k.deletes == 0 {
			return ErrRefused{Code: CodeScope}
		}
	}
	// One key that will not go is no reason to leave the others.
	var stayed []uint16
	var why error
	for _, slot := range sorted {
		err := c.deleteKey(ctx, slot)
		if errors.As(err, new(ErrRefused)) {
			stayed, why = append(stayed, slot), err
		} else if err != nil {
			return fmt.Errorf("slot %d: %w", slot, err)
		}
	}
	if why != nil {
		return fmt.Errorf("slots %d: %w", stayed, why)
	}
	return nil
}

// deleteKey takes an empty slot for deleted.
func (c *mpos) deleteKey(ctx context.Context, slot uint16) error {
	k, index, _ := mposPlace(slot)
	answer, err := c.order(ctx, mposDeleteKey, deleteQuery(k, index))
	if err == nil {
		err = answer.result()
	}
	if errors.Is(err, ErrNoKey) {
		return nil
	}
	return err
}

func deleteQuery(k mposKind, index byte) []byte {
	return append(appendBCD([]byte{k.deletes}, 1), index)
}
