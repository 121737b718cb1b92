package device

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
)

func (c *pedlink) follow(ctx context.Context, after uint32) (*flow, Backlog, error) {
	f := &flow{
		after: after, events: make(chan Event, eventWindow), dead: c.link.dead, over: make(chan struct{}),
		patience: c.link.retry.Response + c.link.bytesTime(3*longestFrame), lose: c.link.fail,
	}
	answer, err := c.do(ctx, command{
		code:  cmdEventsSince,
		body:  appendField32(nil, tagEventNumber, after),
		ready: func() { c.direct(f) },
	})
	if err != nil {
		return nil, Backlog{}, err
	}
	backlog := parseBacklog(answer)
	if answer.err == nil {
		err = backlog.sound(after)
	}
	if err != nil {
		c.link.fail(fmt.Errorf("%w: %w", ErrHangup, err))
		return nil, Backlog{}, err
	}
	return f, backlog, answer.err
}

// sound says whether a backlog can be: what begins behind its own end, or before the first number there is, would be
// taken for the place where a binding begins.
func (b Backlog) sound(after uint32) error {
	first, last := uint64(b.First), uint64(b.Last)
	missing := uint64(0)
	if first > uint64(after)+1 {
		missing = first - uint64(after) - 1
	}
	if first < 1 || first > last+1 || uint64(b.Lost) != missing {
		return fmt.Errorf("%w: events %d to %d, %d lost after %d", errDamaged, b.First, b.Last, b.Lost, after)
	}
	return nil
}

func parseBacklog(f *fields) Backlog {
	b := f.fixed(tagBacklog, 12)
	return Backlog{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])}
}

func (c *pedlink) acknowledge(ctx context.Context, upTo uint32) error {
	_, err := c.do(ctx, command{code: cmdEventsAck, body: appendField32(nil, tagEventNumber, upTo)})
	return err
}

func (c *pedlink) direct(f *flow) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flow = f
}

// arrived sees every payload in order of arrival, so that the flow is armed before its first event.
func (c *pedlink) arrived(typ byte, payload []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if typ == typEvent {
		return c.flow.push(payload)
	}
	if len(payload) >= 4 && c.flow != nil && !c.flow.armed && isAnswerTo(cmdEventsSince, payload) {
		f := parseFields(payload[4:])
		backlog := parseBacklog(f)
		c.flow.armed = f.err == nil
		c.flow.next = max(c.flow.after+1, backlog.First)
		c.flow.owed.Store(int64(backlog.Last) - int64(c.flow.next) + 1)
	}
	return nil
}

func isAnswerTo(code uint16, payload []byte) bool {
	return binary.BigEndian.Uint16(payload) == code && Code(binary.BigEndian.Uint16(payload[2:])) == CodeOK
}

// push takes the next event. A reader that leaves one out or sends more than its window is not believed further. Fields
// that cannot be read are no such thing: the event would come again for ever and stop every one behind it.
func (f *flow) push(payload []byte) error {
	if len(payload) < 6 {
		return fmt.Errorf("%w: event without number", errDamaged)
	}
	if f == nil || !f.armed {
		return nil
	}
	e := Event{Code: binary.BigEndian.Uint16(payload), Seq: binary.BigEndian.Uint32(payload[2:])}
	if e.Seq != f.next {
		return fmt.Errorf("%w: event %d came instead of %d", errDamaged, e.Seq, f.next)
	}
	if values := parseFields(payload[6:]); values.err == nil {
		e.Body = bytes.Clone(values.optional(tagTransaction))
	}
	select {
	case f.events <- e:
		f.next++
		f.owed.Add(-1)
		return nil
	default:
		return fmt.Errorf("%w: more than %d events at once", errDamaged, eventWindow)
	}
}
