package device

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// Event is something the reader holds until it is acknowledged by number.
type Event struct {
	Seq  uint32 // grows by one for each event of this reader
	Code uint16 // one of the Event constants
	Body []byte // the record as canonical JSON, without the ledger's seq; not checked here. nil: there is none that can be read
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
	dead   <-chan struct{} // of the line
	over   chan struct{}   // closed when another Follow begins, whatever comes of that

	owed     atomic.Int64  // events that the reader said it holds and has not sent yet
	patience time.Duration // with one that is owed; 0: for ever
	lose     func(error)   // the line
}

// Follow starts the flow of events numbered after the given one and says what the reader holds.
// A former flow ends, also when this one does not begin. After Lost > 0 the flow begins at First; whether to go on is the caller's decision.
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
	s, err := can[eventSource](ctx, r, CanEvents)
	if err != nil {
		return Backlog{}, err
	}
	r.mu.Lock()
	if r.flow != nil {
		close(r.flow.over)
		r.flow = nil
	}
	r.mu.Unlock()
	f, backlog, err := s.follow(ctx, after)
	if err != nil {
		return Backlog{}, err
	}
	r.mu.Lock()
	r.flow = f
	r.mu.Unlock()
	return backlog, nil
}

// Next waits for an event and returns it with all others that have arrived, at most max (1 or more).
// ErrHangup: the flow has ended with its line, or by another Follow; Follow begins one. ErrTimeout: the reader said
// that it holds more and sends nothing; the line is given up, since only a new conversation can help.
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
	var withheld <-chan time.Time
	if f.owed.Load() > 0 && f.patience > 0 {
		timer := time.NewTimer(f.patience)
		defer timer.Stop()
		withheld = timer.C
	}
	select {
	case e := <-f.events:
		return e, nil
	case <-withheld:
		err := fmt.Errorf("%w: the reader holds %d more events and sends none", ErrTimeout, f.owed.Load())
		f.lose(fmt.Errorf("%w: %w", ErrHangup, err))
		return Event{}, err
	case <-closing:
		return Event{}, ErrClosed
	case <-f.dead:
		return Event{}, ErrHangup
	case <-f.over:
		return Event{}, ErrHangup
	case <-ctx.Done():
		return Event{}, ctx.Err()
	}
}

// Acknowledge tells the reader that every event up to this number is safe; it lets go of them.
// Only what the present flow delivered or was started after can be acknowledged.
func (r *Reader) Acknowledge(ctx context.Context, upTo uint32) error {
	s, err := can[eventSource](ctx, r, CanEvents)
	if err == nil {
		err = s.acknowledge(ctx, upTo)
	}
	if err != nil {
		return fmt.Errorf("cannot acknowledge events up to %d: %w", upTo, err)
	}
	return nil
}
