package devicesim

import (
	"bytes"
	"testing"
)

// TestWithheldEvents: they are told of, and only the other commands are answered.
func TestWithheldEvents(t *testing.T) {
	path, in := newReader(t)
	s := start(t, path, Options{Faults: []Fault{faultOf(t, "withholds-events")}})
	_, err := s.Happen("battery")
	must(t, err)
	h := newHost(t, s)
	if st := h.pair(in.Pairing); st != stOK {
		t.Fatalf("paired: %v", st)
	}
	st, v := h.ask(opEventsSince, body{}.put32(tgEvent, 0))
	if want := []byte{0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0}; st != stOK || !bytes.Equal(v[tgBacklog], want) {
		t.Fatalf("status %v, it holds %x", st, v[tgBacklog])
	}
	h.write(h.seal(opInfo, nil))
	for _, typ := range []frameType{tACK, tRSP} { // and no EVT before
		if f := h.read(); f.typ != typ {
			t.Fatalf("frame %v, want %v", f.typ, typ)
		}
	}
	if s.State().Struck[faultWithholds] == 0 {
		t.Error("it struck and was not counted")
	}
}

// TestAnEraseWithoutARecord: the key is gone, it was counted, and nobody can show it.
func TestAnEraseWithoutARecord(t *testing.T) {
	path, _ := newReader(t)
	s := start(t, path, Options{Faults: []Fault{faultOf(t, "erases-without-record")}})
	order := bytes.Repeat([]byte{7}, 32)
	must(t, s.locked(func() error {
		if err := s.startErase(ticket{order: order, scope: []uint16{0x10}}, make([]byte, 16)); err != nil {
			return err
		}
		return s.finishErase()
	}))
	must(t, s.Reboot())
	if st := s.mem.st; st.EraseCount != 1 || st.ErasesFinished != 1 || st.Erase != nil || len(st.Done) != 0 {
		t.Errorf("counted %d, finished %d, under way %v, %d records", st.EraseCount, st.ErasesFinished, st.Erase != nil, len(st.Done))
	}
	if k := s.mem.slots[s.mem.slotIndex(0x10)]; k.state != slotEmpty || k.zeroised != 1 {
		t.Errorf("the slot is %v", k)
	}
	if r := s.eraseStatus(values{tgOrder: order}); r.status != stNoOrder {
		t.Errorf("asked for the record it says %04X", r.status)
	}
}
