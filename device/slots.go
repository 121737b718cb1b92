package device

import (
	"context"
	"fmt"
)

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
	Alg      string // DES, 3DES, AES-128, SM4, ED25519; "" if the reader does not tell
	KCV      string // lower-case hex, "" if empty
	Method   string // how KCV was made: zero-block (3 bytes), cmac (5 bytes), in mpos 4 of each; "" if there is none
	State    SlotState
	KSN      string // lower-case hex, DUKPT only
	Retained bool   // outside every erase scope
	Reason   string // why it is retained: remote-loading, reader-link, record-signing
	Asked    bool   // Probe asks the reader for the check value and uses no key: it is worth what the list is
}

// Slots lists every key slot in ascending order, also the empty and the retained ones.
func (r *Reader) Slots(ctx context.Context) ([]Slot, error) {
	l, err := can[keyLister](ctx, r, CanList)
	if err != nil {
		return nil, fmt.Errorf("cannot list key slots: %w", err)
	}
	all, err := l.slots(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot list key slots: %w", err)
	}
	return all, nil
}

// Probe makes the reader use the key of a slot; where Slot.Asked, it is only asked for its check value. nil: the key is there and answers; ErrNoKey: it is gone,
// the good news after an erase; ErrRefused: it is there and may not be used, or there is no such slot.
func (r *Reader) Probe(ctx context.Context, slot uint16) error {
	p, err := can[keyProber](ctx, r, CanProbe)
	if err == nil {
		err = p.probe(ctx, slot)
	}
	if err != nil {
		return fmt.Errorf("cannot probe slot %d: %w", slot, err)
	}
	return nil
}

// DeleteKeys erases slots because the host says so: the reader asks for no ticket and signs no record. It may be
// repeated. After any error some of the keys may be gone: list and probe.
func (r *Reader) DeleteKeys(ctx context.Context, scope []uint16) error {
	d, err := can[keyDeleter](ctx, r, CanDelete)
	if err == nil {
		err = d.deleteKeys(ctx, scope)
	}
	if err != nil {
		return fmt.Errorf("cannot delete keys: %w", err)
	}
	return nil
}

// LoadKey gives a slot a key that is wrapped under one the reader has, and returns the reader's KCV of it. block is a
// TR-31 block, for mpos an MposKeyBlock. For tests and training: keys of a terminal in service come from the maker's loading device.
func (r *Reader) LoadKey(ctx context.Context, slot uint16, block []byte) (kcv []byte, err error) {
	l, err := can[keyLoader](ctx, r, CanLoad)
	if err == nil {
		kcv, err = l.loadKey(ctx, slot, block)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot load key into slot %d: %w", slot, err)
	}
	return kcv, nil
}
