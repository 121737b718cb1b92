package devicesim

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// event is something the reader holds until the host has acknowledged it by number.
type event struct {
	seq  uint32
	code uint16
	body []byte
}

const (
	eventHead = 12 // length(4) number(4) code(2) reserve(2)
	maxHeld   = 200_000
	trimAfter = 1 << 20
	maxEvent  = 3900 // leaves room for the head, a MAC and a tag in one frame
)

var (
	errFull = errors.New("event memory is full")
	errLong = errors.New("event is too long for a frame")
)

func (e event) record() []byte {
	b := make([]byte, eventHead, eventHead+len(e.body)+4)
	binary.BigEndian.PutUint32(b, uint32(len(e.body)))
	binary.BigEndian.PutUint32(b[4:], e.seq)
	binary.BigEndian.PutUint16(b[8:], e.code)
	b = append(b, e.body...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, crc32c))
}

// readEvent takes one record off; false at the end or at a record that a power cut tore.
func readEvent(b []byte) (e event, rest []byte, ok bool) {
	if len(b) < eventHead+4 {
		return event{}, nil, false
	}
	n := int(binary.BigEndian.Uint32(b))
	if n > maxEvent || len(b) < eventHead+n+4 {
		return event{}, nil, false
	}
	end := eventHead + n
	if crc32.Checksum(b[:end], crc32c) != binary.BigEndian.Uint32(b[end:]) {
		return event{}, nil, false
	}
	e = event{binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint16(b[8:]), b[eventHead:end]}
	return e, b[end+4:], true
}

// loadEvents reads the log and cuts a torn record off its end.
func (m *memory) loadEvents() error {
	b, err := io.ReadAll(io.NewSectionReader(m.f, logAt, 1<<40))
	if err != nil {
		return err
	}
	m.last = m.st.LastEvent
	rest := b
	for {
		e, after, ok := readEvent(rest)
		if !ok {
			break
		}
		m.last = max(m.last, e.seq)
		if e.seq > m.released {
			m.held = append(m.held, e)
		}
		rest = after
	}
	m.released = m.last // the mark may be older than the log: what is not in it was let go
	if len(m.held) > 0 {
		m.released = m.held[0].seq - 1
	}
	m.logEnd = logAt + int64(len(b)-len(rest))
	return m.f.Truncate(m.logEnd)
}

// hold gives numbers to new events and keeps them; make is called with each number. All of them share one
// wait for the disk, and none of them may leave the reader before it.
func (m *memory) hold(n int, make func(seq uint32) (code uint16, body []byte, err error)) error {
	if len(m.held)+n > maxHeld {
		return errFull
	}
	var log []byte
	var fresh []event
	for i := range n {
		e := event{seq: m.last + 1 + uint32(i)}
		var err error
		if e.code, e.body, err = make(e.seq); err != nil {
			return err
		}
		if len(e.body) > maxEvent {
			return errLong
		}
		log = append(log, e.record()...)
		fresh = append(fresh, e)
	}
	if err := m.write(m.logEnd, log); err != nil {
		return err
	}
	m.logEnd += int64(len(log))
	m.last += uint32(n)
	m.held = append(m.held, fresh...)
	return nil
}

// release lets go of every event up to the number, which the host has. The mark may reach the disk later than the
// answer: at worst the host is sent again what it has.
func (m *memory) release(upTo uint32) error { return m.letGo(upTo, m.writeSoon) }

// lose lets go of events that the host does not have. The mark is on the disk before anybody is told: a number that was
// told as lost stays lost.
func (m *memory) lose(upTo uint32) error { return m.letGo(upTo, m.write) }

func (m *memory) letGo(upTo uint32, write func(at int64, b []byte) error) error {
	if upTo <= m.released {
		return nil
	}
	m.markGen++
	mark := binary.BigEndian.AppendUint32(nil, upTo)
	if err := write(marksAt+int64(m.markGen%2)*markStep, page(m.markGen, mark)); err != nil {
		return err
	}
	m.held = m.held[min(int(upTo-m.released), len(m.held)):]
	m.released = upTo
	if len(m.held) > 0 || m.logEnd-logAt < trimAfter {
		return nil
	}
	return m.trim()
}

// trim empties the log; the last number must be safe in the state first, or it would be given twice.
func (m *memory) trim() error {
	if err := m.save(); err != nil {
		return err
	}
	m.held = nil
	m.logEnd = logAt
	return m.f.Truncate(logAt)
}
