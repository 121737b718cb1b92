package devicesim

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"unbindd/device/devicesim/keying"
)

// The key store of the reader, whatever protocol stands before it. Keys hang from one another:
//
//	TLK -> TMK -> TPK TAK TDK
//	       TMK -> IPEK, or IPEK from nothing
//
// and a slot lives as
//
//	empty -> loaded (loadKey) -> empty (zeroise)
//	loaded -> exhausted (nextUse gave the last serial number) -> empty
//	loaded -> blocked (a torn head, or on demand) -> empty
//
// A key goes with the one it was loaded under: whoever deletes a slot deletes its family, and so does a new key in a
// master key's slot. What hangs lower goes first, so that a power cut leaves no key without its master. An erase by
// ticket is not a deletion: its scope is what was signed, not one slot more, and who wants the children gone names
// them; until then they stay and answer, and nothing more comes under their master.

var (
	errNoSuchSlot = errors.New("there is no such slot")
	errEmptySlot  = errors.New("there is no key in the slot")
	errKeyBlocked = errors.New("key is blocked")
	errHierarchy  = errors.New("key may not be loaded under that key")
	errMisfit     = errors.New("key does not fit the slot")
	errCheckValue = errors.New("check value is wrong")
)

// loading is a key on its way into a slot.
type loading struct {
	slot   uint16
	typ    byte
	key    keying.Key
	under  uint16        // slot of the key that carried it; 0: it came in the clear
	usage  string        // as its key block said
	method keying.Method // of the check value that is kept; 0: as is usual for the algorithm
	check  []byte        // check value that came with it, its first bytes; nil: none did
	ksn    []byte        // of an IPEK: 10 bytes
}

// parents tells under which type of key each type may be loaded; 0: in the clear.
var parents = map[byte][]byte{
	keyTLK: {0}, keyTMK: {0, keyTLK}, keyTPK: {keyTMK}, keyTAK: {keyTMK}, keyTDK: {keyTMK}, keyIPEK: {0, keyTLK, keyTMK},
}

// loadKey puts a key into its slot, new or not. What was refused changed nothing.
func (m *memory) loadKey(l loading) error {
	s, err := m.prepare(l)
	if err == nil {
		err = m.zeroiseAll(m.children(l.slot))
	}
	if err == nil {
		err = m.store(s)
	}
	if err != nil {
		return fmt.Errorf("cannot load key into slot %04x: %w", l.slot, err)
	}
	return nil
}

// prepare makes the slot of a key that may be loaded.
func (m *memory) prepare(l loading) (slot, error) {
	if err := m.mayStand(l); err != nil {
		return slot{}, err
	}
	if err := m.mayHang(l); err != nil {
		return slot{}, err
	}
	s := slot{
		id: l.slot, typ: l.typ, alg: algorithmOf(l.key), state: slotLoaded, parent: l.under, usage: l.usage,
		method: byte(l.method), ksn: slices.Clone(l.ksn), key: l.key.Reveal(),
	}
	if l.typ == keyTLK {
		s.reason = keepRemoteLoading
	}
	if err := s.check(); err != nil {
		return slot{}, err
	}
	if len(l.check) > 0 && (len(l.check) < 3 || !bytes.HasPrefix(s.kcv, l.check)) {
		return slot{}, errCheckValue
	}
	return s, nil
}

// mayStand is the rule that a slot has one type for ever, and an IPEK, alone, a serial number.
func (m *memory) mayStand(l loading) error {
	switch i := m.slotIndex(l.slot); {
	case l.slot == 0, i >= 0 && m.slots[i].typ != l.typ:
		return errNoSuchSlot
	case i < 0 && len(m.slots) == maxSlots:
		return errNoRoom
	case l.typ != keyIPEK && len(l.ksn) == 0:
		return nil
	case l.typ != keyIPEK || len(l.ksn) != len(keying.KSN{}) || l.key.Algorithm() != keying.TDES || l.key.Len() != 16:
		return fmt.Errorf("%w: an IPEK is a 3DES key of 16 bytes with a serial number, and nothing else has one", errMisfit)
	}
	return nil
}

// mayHang is the rule that a working key comes under its master key only, and that this one is there.
func (m *memory) mayHang(l loading) error {
	if l.under == 0 {
		if !slices.Contains(parents[l.typ], 0) {
			return fmt.Errorf("%w: a %s is not loaded in the clear", errHierarchy, typeNames[l.typ])
		}
		return nil
	}
	i := m.slotIndex(l.under)
	if i < 0 || !slices.Contains(parents[l.typ], m.slots[i].typ) {
		return fmt.Errorf("%w: slot %04x holds no key that carries a %s", errHierarchy, l.under, typeNames[l.typ])
	}
	_, err := m.keyIn(i)
	return err
}

// keyIn is the key of slot i, ready for use.
func (m *memory) keyIn(i int) (keying.Key, error) {
	switch s := &m.slots[i]; s.state {
	case slotEmpty:
		return keying.Key{}, errEmptySlot
	case slotBlocked:
		return keying.Key{}, errKeyBlocked
	default:
		return s.payment()
	}
}

// children are the places of the full slots that hang from a slot, and from those: working keys before their masters.
func (m *memory) children(id uint16) []int {
	var all []int
	for i := range m.slots {
		if s := &m.slots[i]; s.parent == id && s.state != slotEmpty && s.id != id {
			all = append(append(all, m.children(s.id)...), i)
		}
	}
	return all
}

// family is what deleting a slot deletes, in that order: everything that hangs from it, and the slot at last.
func (m *memory) family(id uint16) []uint16 {
	var ids []uint16
	for _, i := range m.children(id) {
		ids = append(ids, m.slots[i].id)
	}
	return append(ids, id)
}

func (m *memory) zeroiseAll(places []int) error {
	for _, i := range places {
		if err := m.zeroise(i); err != nil {
			return err
		}
	}
	return nil
}

// nextUse moves the counter of a DUKPT key by one and returns the serial number of this use. The counter is durable
// before anybody can use the key of it: after a power cut a number may be missing, but none is given twice.
func (m *memory) nextUse(i int) (keying.KSN, error) {
	s := &m.slots[i]
	if s.typ != keyIPEK {
		return keying.KSN{}, errNoSuchSlot
	}
	if _, err := m.keyIn(i); err != nil {
		return keying.KSN{}, err
	}
	if s.state == slotExhausted || len(s.ksn) != len(keying.KSN{}) {
		return keying.KSN{}, keying.ErrExhausted
	}
	next, err := keying.KSN(s.ksn).Next()
	if err == nil {
		s.ksn = slices.Clone(next[:])
		_, err = next.Next()
	}
	if err != nil { // this was the last one
		s.state = slotExhausted
	}
	if err := m.saveHead(i); err != nil {
		return keying.KSN{}, err
	}
	return next, nil
}
