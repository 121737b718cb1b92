package devicesim

import (
	"bytes"
	"errors"
	"fmt"
)

var errNoRoom = errors.New("no slot is free")

// loadSlots reads the slots of the memory file and finishes what a power cut left half done.
func (m *memory) loadSlots(image []byte) error {
	free := false
	for at := 0; at < maxSlots*slotSize; at += slotSize {
		s, used := decodeSlot(image[at : at+slotSize])
		if used && free {
			return fmt.Errorf("%w: a slot behind a free place", errMemory)
		}
		if free = !used; used {
			m.slots = append(m.slots, s)
		}
	}
	for i := range min(len(m.slots)+1, maxSlots) {
		if err := m.settle(i, image[i*slotSize+keyOffset:][:keySpace]); err != nil {
			return err
		}
	}
	return nil
}

// settle brings a key and what is said about it together again:
//
//	key without a head that knows it   a load that was cut: the key is destroyed, it never was in force
//	head without its key               an erase that was cut: the slot is empty
func (m *memory) settle(i int, key []byte) error {
	blank := bytes.Equal(key, make([]byte, keySpace))
	switch known := i < len(m.slots) && m.slots[i].state != slotEmpty; {
	case !known && !blank:
		return m.write(slotAt(i)+keyOffset, make([]byte, keySpace))
	case known && key[0] == 0:
		return m.zeroise(i)
	}
	return nil
}

func slotAt(i int) int64 { return int64(slotsAt + i*slotSize) }

// store puts a key into its slot, or into a place of its own if the slot is new. First the key's bytes, then what is
// said about it: a power cut between the two leaves the slot empty, never with another key's check value.
func (m *memory) store(s slot) error {
	i := m.slotIndex(s.id)
	switch {
	case i < 0 && len(m.slots) == maxSlots:
		return errNoRoom
	case i < 0:
		i = len(m.slots)
	case m.slots[i].state != slotEmpty:
		if err := m.zeroise(i); err != nil {
			return err
		}
	}
	if i < len(m.slots) {
		s.zeroised = m.slots[i].zeroised
	}
	if err := m.write(slotAt(i)+keyOffset, s.keyBytes()); err != nil {
		return err
	}
	if err := m.write(slotAt(i), s.head()); err != nil {
		return err
	}
	m.slots = append(m.slots[:i], append([]slot{s}, m.slots[min(i+1, len(m.slots)):]...)...)
	return nil
}

// zeroise destroys the key in slot i: first the key's bytes, then what is said about it. A power cut between
// the two leaves the slot marked as full, and it is done again.
func (m *memory) zeroise(i int) error {
	s := &m.slots[i]
	if err := m.write(slotAt(i)+keyOffset, make([]byte, keySpace)); err != nil {
		return err
	}
	clear(s.key)
	*s = slot{id: s.id, typ: s.typ, alg: s.alg, reason: s.reason, zeroised: s.zeroised + 1}
	return m.write(slotAt(i), s.head())
}

func (m *memory) saveHead(i int) error { return m.write(slotAt(i), m.slots[i].head()) }

func (m *memory) slotIndex(id uint16) int {
	for i := range m.slots {
		if m.slots[i].id == id {
			return i
		}
	}
	return -1
}
