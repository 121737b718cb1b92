package devicesim

import "testing"

// A power cut at any point behind the latch leaves a reader that finishes what tampering began, before it listens.
func TestTamperIsFinishedAfterAPowerCut(t *testing.T) {
	path, _ := newReader(t)
	s := start(t, path, Options{})
	must(t, s.locked(func() error {
		s.mem.st.Tampered, s.mem.st.Tampering, s.mem.st.Tampers = true, true, 1
		if err := s.mem.save(); err != nil {
			return err
		}
		return s.mem.zeroise(s.mem.slotIndex(0x11)) // the first of them, say
	}))
	must(t, s.Cut())
	s = start(t, path, Options{})
	st := s.State()
	for _, k := range st.Slots {
		if !k.Retained && (k.State != "empty" || k.Zeroised > 1) || k.Retained && k.State != "loaded" {
			t.Errorf("slot %+v", k)
		}
	}
	if !st.Tampered || st.Held != 1 || st.EraseCount != 0 {
		t.Errorf("state %+v", st)
	}
	must(t, s.Reboot())
	if st := s.State(); st.Held != 1 {
		t.Errorf("recorded again: %d events", st.Held)
	}
}

// A reader with a full event memory still erases its keys and still starts.
func TestTamperNeedsNoRoomForItsEvent(t *testing.T) {
	path, _ := newReader(t)
	s := start(t, path, Options{})
	must(t, s.locked(func() error {
		s.mem.held = make([]event, maxHeld)
		return nil
	}))
	if err := s.Tamper(); err == nil {
		t.Error("the event was recorded without room")
	}
	for _, k := range s.State().Slots {
		if !k.Retained && k.State != "empty" {
			t.Errorf("slot %+v", k)
		}
	}
	must(t, s.Reboot())
	if st := s.State(); st.Held != 1 {
		t.Errorf("%d events, with room again", st.Held)
	}
}

// What a small memory lost stays lost and told, also over a power cut.
func TestLossSurvivesAPowerCut(t *testing.T) {
	path, _ := newReader(t)
	s := start(t, path, Options{EventRoom: 10})
	_, err := s.Generate(25)
	must(t, err)
	must(t, s.Cut())
	s = start(t, path, Options{EventRoom: 10})
	if st := s.State(); st.Held != 10 || st.Acked != 15 || st.LastEvent != 25 {
		t.Errorf("held %d, let go up to %d of %d", st.Held, st.Acked, st.LastEvent)
	}
}
