package devicesim

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"slices"
)

// eraseTooMuch zeroises what is outside the scope, if a fault wants that.
func (s *Sim) eraseTooMuch(scope []uint16) error {
	for i := range s.mem.slots {
		k := &s.mem.slots[i]
		if k.state == slotEmpty || slices.Contains(scope, k.id) || !s.wrong(faultErasesTooMuch) {
			continue
		}
		if err := s.mem.zeroise(i); err != nil {
			return err
		}
	}
	return nil
}

// shown is the answer with the record of an erase, or with that of another one.
func (s *Sim) shown(d done) reply {
	if s.wrong(faultReplaysRecord) {
		d = s.another(d)
	}
	return d.reply()
}

// another is the oldest record of a different erase; a reader that never made one signs what it could have signed
// then, for another ticket and another host's nonce.
func (s *Sim) another(d done) done {
	for _, old := range s.mem.st.Done {
		if !bytes.Equal(old.Ticket, d.Ticket) {
			return old
		}
	}
	parts := unprefixed(d.Record)
	before := binary.BigEndian.Uint32(parts[2]) - 1
	record := lengthPrefixed(parts[0], parts[1], binary.BigEndian.AppendUint32(nil, before),
		bytes.Repeat([]byte{0xA5}, 32), make([]byte, 16), parts[5])
	return done{Order: d.Order, Ticket: d.Ticket, Record: record, Signature: ed25519.Sign(s.recordKey(), record)}
}

// floodAtCommit makes the events that come just when an erase is ordered.
func (s *Sim) floodAtCommit() error {
	s.mu.Lock()
	s.wrong(faultEventsFlood)
	n := s.faults.take(faultEventsFlood, 100)
	s.mu.Unlock()
	for range n {
		if _, err := s.Happen("other"); err != nil {
			return err
		}
	}
	return nil
}
