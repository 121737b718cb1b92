package device

import "testing"

// FuzzEvents: whatever follows EVENTS_SINCE, what comes out is numbered without a gap, begins behind what was asked
// for and fits the window. events are payloads of a length that their first byte says.
func FuzzEvents(f *testing.F) {
	f.Fuzz(func(t *testing.T, after uint32, answer, events []byte) {
		x := &flow{after: after, events: make(chan Event, eventWindow)}
		c := &pedlink{flow: x}
		_ = c.arrived(typResponse, answer)
		first := x.next
		if x.armed && first <= after && after != 1<<32-1 {
			t.Fatalf("behind %d comes %d", after, first)
		}
		for len(events) > 0 {
			n := min(int(events[0]), len(events)-1)
			held := len(x.events)
			if err := c.arrived(typEvent, events[1:1+n]); err != nil && len(x.events) != held {
				t.Fatalf("refused and kept: %v", err)
			}
			events = events[1+n:]
		}
		if !x.armed && len(x.events) > 0 {
			t.Fatal("an event came before it was asked for")
		}
		for n := first; len(x.events) > 0; n++ {
			if e := <-x.events; e.Seq != n {
				t.Fatalf("event %d instead of %d", e.Seq, n)
			}
		}
	})
}
