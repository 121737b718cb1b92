package device

import (
	"fmt"
	"sync/atomic"
)

// Stats counts what went over the line since New, through every reconnection.
type Stats struct {
	FramesOut uint64 `json:"frames_out"` // sent, acknowledgements and repetitions too
	FramesIn  uint64 `json:"frames_in"`  // received sound
	Repeats   uint64 `json:"repeats"`    // sent again by us, or received again because our answer was lost
	NAKs      uint64 `json:"naks"`       // refused as damaged, by either side
	Damaged   uint64 `json:"damaged"`    // received with a sound header and a body that was not
	BytesOut  uint64 `json:"bytes_out"`
	BytesIn   uint64 `json:"bytes_in"` // whatever came, frames or not
}

// Stats tells the counts of now.
func (r *Reader) Stats() Stats { return r.tally.stats() }

// tally is Stats while it grows. Protocols count what only they can know: framesIn, repeats, naks, damaged.
type tally struct {
	framesOut, framesIn, repeats, naks, damaged, bytesOut, bytesIn atomic.Uint64
}

// repeat counts the nth send of a frame, from 0; the first is none.
func (t *tally) repeat(nth int) {
	if nth > 0 {
		t.repeats.Add(1)
	}
}

func (t *tally) stats() Stats {
	return Stats{
		FramesOut: t.framesOut.Load(), FramesIn: t.framesIn.Load(), Repeats: t.repeats.Load(), NAKs: t.naks.Load(),
		Damaged: t.damaged.Load(), BytesOut: t.bytesOut.Load(), BytesIn: t.bytesIn.Load(),
	}
}

// quality judges a line by the frames since the last judgement:
//
//	good -> degraded    more than 5 % of them were damaged or repeated
//	degraded -> good    less than 2 % were
//
// One judgement needs judged frames, so that a single accident on a quiet line is none.
type quality struct {
	before   Stats
	degraded bool
}

const judged = 64

// judge returns what there is to complain of, "" if nothing, and whether that is another verdict than before.
func (q *quality) judge(now Stats) (complaint string, changed bool) {
	frames := now.FramesOut + now.FramesIn - q.before.FramesOut - q.before.FramesIn
	bad := now.Repeats + now.Damaged - q.before.Repeats - q.before.Damaged
	if frames < judged {
		return "", false
	}
	q.before = now
	switch {
	case !q.degraded && bad*20 > frames:
		q.degraded = true
		return fmt.Sprintf("%d of the last %d frames were damaged or repeated", bad, frames), true
	case q.degraded && bad*50 < frames:
		q.degraded = false
		return "", true
	}
	return "", false
}
