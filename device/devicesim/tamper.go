package devicesim

import (
	"errors"
	"fmt"
)

// A detected tampering, once it has begun, is carried through over any power cut:
//
//	intact -> latched (in the memory) -> payment keys erased -> recorded as an event
//	latched -> latched (again: it is counted)
//
// Retained keys stay, and so do the reader's own: it must still be able to say who it is and what happened.

// Tamper latches the tamper detection, erases every payment key and records what happened.
func (s *Sim) Tamper() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mem.st.Tampered, s.mem.st.Tampering = true, true
	s.mem.st.Tampers++
	if err := s.mem.save(); err != nil {
		return fmt.Errorf("cannot tamper: %w", err)
	}
	if err := s.finishTamper(); err != nil {
		return fmt.Errorf("cannot tamper: %w", err)
	}
	return nil
}

// finishTamper is also run at start-up; at worst the event is recorded twice. s.mu is held.
func (s *Sim) finishTamper() error {
	for i := range s.mem.slots {
		if k := &s.mem.slots[i]; k.reason != 0 || k.state == slotEmpty {
			continue
		}
		if err := s.mem.zeroise(i); err != nil {
			return err
		}
	}
	if _, err := s.happen(evTamper, incident{Kind: "tamper"}); err != nil {
		return err
	}
	s.mem.st.Tampering = false
	return s.mem.save()
}

// resumeTamper does not keep a reader from starting whose event memory is full: it stays to be told.
func (s *Sim) resumeTamper() error {
	if !s.mem.st.Tampering {
		return nil
	}
	if err := s.finishTamper(); !errors.Is(err, errFull) {
		return err
	}
	return nil
}

func (s *Sim) tamperState() reply {
	b := body{}.put8(tgState, flag(s.mem.st.Tampered, 1))
	if !s.isOld() {
		b = b.put32(tgTampers, s.mem.st.Tampers)
	}
	return reply{body: b}
}
