package courier

import (
	"context"
	"slices"
	"time"

	"unbindd/agent/envelope"
	"unbindd/agent/manifest"
	"unbindd/transport"
)

// unknown says whether the desk has nothing because it knows no such thing.
func (t *Trip) unknown(err error) bool { return t.Nothing(err) && envelope.CodeOf(err) != "" }

// orders lays down what waits for the terminal: its orders, with the trust and the
// profiles that they need. Where nothing waits any more, what lay there goes.
func (t *Trip) orders(ctx context.Context, terminal string) error {
	body, err := t.Desk.Waiting(ctx, terminal)
	w := Word{Terminal: terminal, Object: "command", Outcome: Unchanged}
	switch {
	case t.Ends(err):
		return err
	case t.Nothing(err), envelope.CodeOf(err) == "E10:gone": // it was unbound: nothing is for it any more
		body = nil
	case err != nil:
		w.Outcome, w.Err = Refused, err
		t.Tell(w)
		return nil
	}
	changed, err := t.folder.Command(ctx, terminal, body)
	switch {
	case err != nil:
		w.Outcome, w.Err = Refused, err
	case changed && body == nil:
		w.Outcome = TakenAway
	case changed:
		w.Outcome = Laid
	case body == nil:
		return nil
	}
	t.Tell(w)
	return nil
}

// tickets lays down the tickets of a case. The signer is a process of its own, which
// asks the desk now and then: it is given some time for a ticket that is due.
func (t *Trip) tickets(ctx context.Context, terminal string, objects []transport.Object) error {
	over := slices.ContainsFunc(objects, func(o transport.Object) bool { return o.Kind == "certificate" })
	last := int64(0)
	for _, o := range objects {
		if o.Kind == manifest.Kind {
			last = o.N // they come in order
		}
	}
	for _, o := range objects {
		if o.Kind != manifest.Kind || !t.wants(terminal, o) {
			continue
		}
		patience := t.Wait
		if over || o.N != last { // nobody waits for it any more
			patience = 0
		}
		ticket, err := t.ticket(ctx, terminal, o, patience)
		w := Word{Terminal: terminal, Case: o.Case, Object: nameOf(transport.Object{Kind: "ticket", N: o.N}), Outcome: NotYet}
		switch {
		case t.Ends(err):
			return err
		case t.Nothing(err):
			if over || o.N != last {
				continue
			}
		case err != nil:
			w.Outcome, w.Err = Refused, err
		default:
			w.Outcome, w.Err = t.lay(ctx, terminal, transport.Object{Case: o.Case, Kind: "ticket", N: o.N}, ticket)
		}
		t.Tell(w)
	}
	return nil
}

func (t *Trip) lay(ctx context.Context, terminal string, o transport.Object, body []byte) (Outcome, error) {
	changed, err := t.folder.Give(ctx, terminal, o, body)
	switch {
	case err != nil:
		return Refused, err
	case changed:
		return Laid, nil
	}
	return Unchanged, nil
}

// ticket asks for a ticket until it is there or the patience is over.
func (t *Trip) ticket(ctx context.Context, terminal string, o transport.Object, patience time.Duration) ([]byte, error) {
	over := time.NewTimer(patience)
	defer over.Stop()
	for {
		body, err := t.Desk.Fetch(ctx, terminal, o.Case, "tickets", o.N)
		if err == nil || !t.Nothing(err) || patience <= 0 {
			return body, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-over.C:
			return nil, err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// wants says whether the reader of a manifest asks for a ticket. It only saves waiting:
// nothing is believed here.
func (t *Trip) wants(terminal string, o transport.Object) bool {
	body, err := t.folder.Read(terminal, o)
	if err != nil {
		return false
	}
	e, err := envelope.Parse(body, envelope.MaxSize)
	if err != nil {
		return false
	}
	var m manifest.Manifest
	return envelope.Decode(e.Payload, &m) == nil && len(m.Reader.RC) > 0 && len(m.Scope) > 0
}
