package device

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"testing"
)

func eventPayload(seq uint32) []byte {
	b := binary.BigEndian.AppendUint16(nil, EventTransaction)
	b = binary.BigEndian.AppendUint32(b, seq)
	return appendField(b, tagTransaction, []byte("{}"))
}

func TestFlowTakesOnlyTheNextEvent(t *testing.T) {
	fresh := func() *flow { return &flow{armed: true, next: 5, events: make(chan Event, eventWindow)} }
	for name, payload := range map[string][]byte{
		"a gap":     eventPayload(6),
		"a repeat":  eventPayload(4),
		"no number": {0, 1, 0, 0, 0},
	} {
		f := fresh()
		if err := f.push(payload); !errors.Is(err, errDamaged) || len(f.events) > 0 {
			t.Errorf("%s: %v, %d events", name, err, len(f.events))
		}
	}
	f := fresh()
	for seq := range uint32(eventWindow) {
		if err := f.push(eventPayload(5 + seq)); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.push(eventPayload(5 + eventWindow)); !errors.Is(err, errDamaged) {
		t.Errorf("beyond the window: %v", err)
	}
	before := &flow{events: make(chan Event, eventWindow)}
	if err := before.push(eventPayload(5)); err != nil || len(before.events) > 0 {
		t.Errorf("before the flow is armed: %v, %d events", err, len(before.events))
	}
}

func entry(id uint16) []byte {
	b := appendField(appendField16(nil, tagSlot, id), tagKeyType, []byte{2})
	return appendField(appendField(b, tagAlgorithm, []byte{1}), tagState, []byte{1})
}

func TestSlotListsAreStrict(t *testing.T) {
	list := func(entries ...[]byte) *fields {
		var b []byte
		for _, e := range entries {
			b = appendField(b, tagKeyEntry, e)
		}
		return parseFields(b)
	}
	if slots, err := parseSlots(list(entry(3), entry(9)), 3); err != nil || len(slots) != 2 {
		t.Errorf("good list: %v %v", slots, err)
	}
	for name, f := range map[string]*fields{
		"before the first":  list(entry(2)),
		"twice":             list(entry(3), entry(3)),
		"descending":        list(entry(9), entry(3)),
		"no state":          list(entry(3)[:len(entry(3))-4]),
		"unknown state":     list(append(entry(3)[:len(entry(3))-1:len(entry(3))-1], 9)),
		"KCV without bytes": list(appendField(entry(3), tagKCV, []byte{1})),
		"unknown reason":    list(appendField(entry(3), tagReason, []byte{99})),
	} {
		if slots, err := parseSlots(f, 3); !errors.Is(err, errDamaged) {
			t.Errorf("%s: %v %v", name, slots, err)
		}
	}
}

func TestRecordsAreStrict(t *testing.T) {
	good := EraseRecord{Serial: "PED-0001", EraseCounter: 1, Results: []SlotResult{{3, ResultErased}, {9, ResultFailed}}}
	signature := make([]byte, ed25519.SignatureSize)
	if _, err := ParseRecord(good.Message(), signature); err != nil {
		t.Fatal(err)
	}
	change := func(f func(*EraseRecord)) []byte {
		r := good
		f(&r)
		return r.Message()
	}
	for name, message := range map[string][]byte{
		"out of order":   change(func(r *EraseRecord) { r.Results = []SlotResult{{9, 0}, {3, 0}} }),
		"twice":          change(func(r *EraseRecord) { r.Results = []SlotResult{{3, 2}, {3, 0}} }),
		"unknown result": change(func(r *EraseRecord) { r.Results = []SlotResult{{3, 3}} }),
		"no name":        change(func(r *EraseRecord) { r.Serial = "" }),
		"cut":            good.Message()[:len(good.Message())-1],
		"more":           append(good.Message(), 0, 0),
		"other label":    bytes.Replace(good.Message(), []byte("record/1"), []byte("record/2"), 1),
		"empty":          nil,
	} {
		if r, err := ParseRecord(message, signature); !errors.Is(err, errDamaged) {
			t.Errorf("%s: %+v %v", name, r, err)
		}
	}
	if _, err := ParseRecord(good.Message(), signature[1:]); err == nil {
		t.Error("a short signature was taken")
	}
}
