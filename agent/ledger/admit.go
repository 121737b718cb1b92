package ledger

import (
	"errors"
	"fmt"
)

// gap looks for a missing number before anything of the call is staged.
func (w *waiting) gap(run *running) error {
	last, known := run.last[w.reader]
	for _, e := range w.events {
		if known && e.Seq <= last {
			continue
		}
		if known && e.Seq != last+1 {
			return fmt.Errorf("%w: event %d follows %d", ErrGap, e.Seq, last)
		}
		last, known = e.Seq, true
	}
	return nil
}

// stage carries run along over the new events and returns their sealed records.
func (l *Ledger) stage(w *waiting, run *running) (sealed [][]byte, err error) {
	for _, e := range w.events {
		if last, known := run.last[w.reader]; known && e.Seq <= last {
			w.appended.Repeated++
			continue
		}
		raw, err := w.admit(e, run)
		if err != nil {
			return nil, err
		}
		value, err := l.sealer.sealRecord(run.head, raw)
		if err != nil {
			return nil, err
		}
		w.appended.Added++
		sealed = append(sealed, value)
	}
	return sealed, nil
}

// admit turns one event into a record and takes it into run: the event's own,
// or the one that says that its content was refused.
func (w *waiting) admit(e Event, run *running) (raw []byte, err error) {
	rec, refused := readEvent(w.reader, e)
	if refused == nil {
		rec.Seq = run.head.Seq + 1
		raw = rec.AppendCanonical(nil)
		err = run.take(&rec, link(run.head.Chain, raw))
		if err == nil || !errors.Is(err, errOverflow) {
			return raw, err
		}
		refused = &RefusedError{Code: "E25:amount"}
	}
	w.appended.Refused = append(w.appended.Refused, Refusal{Evseq: e.Seq, Code: refused.Code})
	rec = Record{Code: refused.Code, Evseq: e.Seq, Kind: kindRefused, Reader: w.reader, Seq: run.head.Seq + 1}
	raw = rec.AppendCanonical(nil)
	return raw, run.take(&rec, link(run.head.Chain, raw))
}

// readEvent parses an event's body and checks it against what is known of the
// event without it.
func readEvent(reader string, e Event) (Record, *RefusedError) {
	if e.Lost {
		return Record{}, &RefusedError{Code: codeLost}
	}
	if e.Rule != "" {
		return Record{}, &RefusedError{Code: e.Rule}
	}
	rec, err := ParseRecord(e.Body)
	if err == nil {
		switch {
		case rec.Seq != 0:
			err = refuse("seq")
		case rec.IsRefused():
			err = refuse("kind")
		case rec.Evseq != e.Seq:
			err = refuse("evseq")
		case rec.Reader != reader:
			err = refuse("reader")
		case rec.IsTransaction() && !isCurrency(rec.Currency):
			err = refuse("currency")
		}
	}
	if err == nil {
		return rec, nil
	}
	refused := &RefusedError{Code: "E25:not-canonical"}
	errors.As(err, &refused)
	return Record{}, refused
}
