package device

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
)

// Event is something the reader holds until it is acknowledged by number.
type Event struct {
	Seq  uint32 // grows by one for each event of this reader
	Code uint16 // one of the Event constants
	Body []byte // the record as canonical JSON, without the ledger's seq; not checked here
}

// Backlog is what the reader holds when the flow of events begins.
type Backlog struct {
	First uint32 // lowest number still held; Last+1 if nothing is held, so First-1 was acknowledged
	Last  uint32 // highest number ever given
	Lost  uint32 // numbers after the one asked for that the reader does not hold any more
}

// flow is the events of one Follow. It ends with its connection:
//
//	asked -> armed (the answer to EVT_SINCE) -> ended (line lost, next Follow)
//
// What arrives before it is armed belongs to a flow before it and comes again.
type flow struct {
	after  uint32
	armed  bool
	next   uint32
	events chan Event
	dead   <-chan struct{}
}

// Follow starts the flow of events numbered after the given one and says what the reader holds.
// A former flow ends. After Lost > 0 the flow begins at First; whether to go on is the caller's decision.
// The reader holds what it sent before until Acknowledge, so a caller that has them already says so again.
func (r *Reader) Follow(ctx context.Context, after uint32) (Backlog, error) {
	r.following.Lock()
	defer r.following.Unlock()
	backlog, err := r.follow(ctx, after)
	if err != nil {
		return Backlog{}, fmt.Errorf("cannot follow events: %w", err)
	}
	return backlog, nil
}

func (r *Reader) follow(ctx context.Context, after uint32) (Backlog, error) {
	conn, err := r.await(ctx, nil, true)
	if err != nil {
		return Backlog{}, err
	}
	f := &flow{after: after, events: make(chan Event, eventWindow), dead: conn.link.dead}
	answer, err := conn.do(ctx, command{
		code:  cmdEventsSince,
		body:  appendField32(nil, tagEventNumber, after),
		ready: func() { conn.direct(f) },
	})
	if err != nil {
		return Backlog{}, err
	}
	backlog := parseBacklog(answer)
	if answer.err != nil {
		return Backlog{}, answer.err
	}
	r.mu.Lock()
	r.flow = f
	r.mu.Unlock()
	return backlog, nil
}

func parseBacklog(f *fields) Backlog {
	b := f.fixed(tagBacklog, 12)
	return Backlog{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])}
}

// Next waits for an event and returns it with all others that have arrived, at most max (1 or more).
// ErrHangup: the flow has ended with its line; Follow begins another.
func (r *Reader) Next(ctx context.Context, max int) ([]Event, error) {
	r.mu.Lock()
	f := r.flow
	r.mu.Unlock()
	if f == nil {
		return nil, fmt.Errorf("cannot wait for events: no flow was started: %w", ErrHangup)
	}
	first, err := f.wait(ctx, r.closing)
	if err != nil {
		return nil, fmt.Errorf("cannot wait for events: %w", err)
	}
	events := []Event{first}
	for len(events) < max {
		select {
		case e := <-f.events:
			events = append(events, e)
		default:
			return events, nil
		}
	}
	return events, nil
}

func (f *flow) wait(ctx context.Context, closing <-chan struct{}) (Event, error) {
	select {
	case e := <-f.events: // also after the line is gone: these were received whole
		return e, nil
	default:
	}
	select {
	case e := <-f.events:
		return e, nil
	case <-closing:
		return Event{}, ErrClosed
	case <-f.dead:
		return Event{}, ErrHangup
	case <-ctx.Done():
		return Event{}, ctx.Err()
	}
}

// Acknowledge tells the reader that every event up to this number is safe; it lets go of them.
// Only what the present flow delivered or was started after can be acknowledged.
func (r *Reader) Acknowledge(ctx context.Context, upTo uint32) error {
	if _, err := r.do(ctx, command{code: cmdEventsAck, body: appendField32(nil, tagEventNumber, upTo)}); err != nil {
		return fmt.Errorf("cannot acknowledge events up to %d: %w", upTo, err)
	}
	return nil
}

func (c *conn) direct(f *flow) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flow = f
}

// arrived sees every payload in order of arrival, so that the flow is armed before its first event.
func (c *conn) arrived(typ byte, payload []byte) error {
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
	}
	return nil
}

func isAnswerTo(code uint16, payload []byte) bool {
	return binary.BigEndian.Uint16(payload) == code && Code(binary.BigEndian.Uint16(payload[2:])) == CodeOK
}

// push takes the next event. A reader that leaves one out or sends more than its window is not believed further.
func (f *flow) push(payload []byte) error {
	if len(payload) < 6 {
		return fmt.Errorf("%w: event without number", errDamaged)
	}
	if f == nil || !f.armed {
		return nil
	}
	e := Event{Code: binary.BigEndian.Uint16(payload), Seq: binary.BigEndian.Uint32(payload[2:])}
	values := parseFields(payload[6:])
	if values.err != nil {
		return values.err
	}
	if e.Seq != f.next {
		return fmt.Errorf("%w: event %d came instead of %d", errDamaged, e.Seq, f.next)
	}
	e.Body = bytes.Clone(values.optional(tagTransaction))
	select {
	case f.events <- e:
		f.next++
		return nil
	default:
		return fmt.Errorf("%w: more than %d events at once", errDamaged, eventWindow)
	}
}
