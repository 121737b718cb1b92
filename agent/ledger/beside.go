package ledger

import (
	"context"
	"fmt"
)

// codeElsewhere stands, as the first record of a ledger that is kept beside a
// lost one, for every event up to its own: they are in the other, if anywhere.
const codeElsewhere = "E25:elsewhere"

// BeginAfter has an empty ledger follow that number of a reader. What came before
// is in another ledger, and is not counted as lost by the reader.
func (l *Ledger) BeginAfter(reader string, seq uint64) error {
	_, err := l.Append(reader, []Event{{Seq: seq, Rule: codeElsewhere}})
	return err
}

// TakeFrom appends what another ledger has of a reader and this one has not. A
// number between the two that neither has is recorded as lost. It may be cut
// anywhere and called again; the other one is not changed.
func (l *Ledger) TakeFrom(ctx context.Context, other *Ledger, reader string) error {
	if other.Last(reader) <= l.Last(reader) {
		return nil
	}
	t := &taking{to: l, reader: reader, next: l.Last(reader) + 1, whole: l.Last(reader) == 0}
	_, _, err := other.Export(ctx, 1, t.line)
	if err == nil {
		err = t.flush()
	}
	if err != nil {
		return fmt.Errorf("cannot take over from another ledger: %w", err)
	}
	return nil
}

// takenTogether is how many events share a commit: few enough for the smallest
// segment.
const takenTogether = 64

// mostBetween bounds how many numbers may lie between two ledgers of one reader:
// one that ends further back has lost its end.
const mostBetween = 1 << 20

type taking struct {
	to     *Ledger
	reader string
	next   uint64 // the number that is wanted
	whole  bool   // there is none before it: the other's first number is where it begins
	events []Event
}

// line takes one of Export's lines.
func (t *taking) line(line []byte) error {
	const head, tail = len(`{"c":"`) + 64 + len(`","t":`), len("}\n")
	rec, err := ParseRecord(line[head : len(line)-tail])
	if err != nil || rec.Reader != t.reader || rec.Evseq < t.next {
		return err
	}
	if t.whole {
		t.whole, t.next = false, rec.Evseq
	}
	if rec.Evseq-t.next > mostBetween {
		return lose(EndGone, "it ends at event %d, and the other begins at %d", t.next-1, rec.Evseq)
	}
	for ; t.next < rec.Evseq; t.next++ {
		if err := t.take(Event{Seq: t.next, Lost: true}); err != nil {
			return err
		}
	}
	t.next++
	return t.take(again(rec))
}

// again is the event that a record was made of.
func again(rec Record) Event {
	e := Event{Seq: rec.Evseq}
	switch {
	case rec.Code == codeElsewhere, rec.Code == codeLost:
		e.Lost = true
	case rec.IsRefused():
		e.Rule = rec.Code
	default:
		rec.Seq = 0
		e.Body = rec.AppendCanonical(nil)
	}
	return e
}

func (t *taking) take(e Event) error {
	if t.events = append(t.events, e); len(t.events) < takenTogether {
		return nil
	}
	return t.flush()
}

func (t *taking) flush() error {
	if len(t.events) == 0 {
		return nil
	}
	_, err := t.to.Append(t.reader, t.events)
	t.events = nil
	return err
}

// Dir is the folder that it was opened in.
func (l *Ledger) Dir() string { return l.dir }
