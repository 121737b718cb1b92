package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/local"
	"unbindd/agent/receipt"
	"unbindd/agent/trust"
	"unbindd/transport"
)

// empty sends what is in the outbox, whenever something rings.
func (a *Agent) empty(ctx context.Context) {
	var disbelief, refusal complaint
	var tries tally
	for unlinked := 0; ctx.Err() == nil; {
		rung := a.bell.wait()
		link := a.links()
		if link == nil {
			if unlinked++; !a.mayLink(ctx, unlinked, rung) {
				return
			}
			continue
		}
		unlinked = 0
		pause := time.Hour
		err := a.flush(ctx, link, "")
		a.complain(&disbelief, "an answer waits: what the desk says to it is not believed", "no answer waits for a receipt that can be believed", receiptErr(err))
		a.complain(&refusal, "an answer waits: it is refused, and told again ever more rarely", "no answer is refused any more", firstOf(err, transport.Permanent))
		if err != nil {
			pause = a.interval(tries.after(err), err)
		} else {
			tries = tally{}
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-rung:
		case <-t.C:
		}
		t.Stop()
	}
}

// receiptErr is err where it is about a receipt: the network's own failures come and go.
func receiptErr(err error) error {
	return firstOf(err, func(err error) bool { return strings.HasPrefix(envelope.CodeOf(err), "E24") })
}

// flush delivers the outbox, or of it what is of one case, oldest first. A case
// that the desk does not know yet, because its command was carried in before it
// was published, waits, and holds up no other; so does one for whose answer nothing
// comes that can be believed. An answer that is refused waits alone. What it returns
// is joined of one error for each that waits.
func (a *Agent) flush(ctx context.Context, link transport.Link, only string) error {
	parcels, err := a.journal.Outbox()
	if err != nil {
		return err
	}
	_, walks := link.(*carried)
	var left []error
	var refused *local.Undelivered
	waiting, whole := map[string]bool{}, true
	for _, p := range parcels {
		if (only != "" && p.Case != only) || waiting[p.Case] || !whole {
			continue
		}
		err := a.deliver(ctx, link, p)
		if err == nil {
			a.show.said(p)
			continue
		}
		left = append(left, err)
		if transport.Permanent(err) {
			refused = cmp.Or(refused, a.undelivered(p, err))
		}
		switch holdsUp(err, walks) {
		case holdsCase:
			waiting[p.Case] = true
		case holdsAll:
			whole = false
		}
	}
	if !walks && (only == "" && whole || refused != nil) {
		a.show.setUndelivered(refused)
	}
	return errors.Join(left...)
}

// What an answer that is not delivered holds up.
const (
	holdsNothing = iota
	holdsCase
	holdsAll
)

// holdsUp says what waits with an answer: nothing where it alone is refused, where the
// desk's key for it was revoked since, and on a medium, where the next may lie down all the
// same; its case where the desk does not know it or has no room for more of it, or is not
// believed; everything where nobody is reached.
func holdsUp(err error, walks bool) int {
	var s *transport.Status
	known := errors.As(err, &s)
	switch {
	case errors.Is(err, transport.ErrNoMedium), errors.Is(err, context.Canceled):
		return holdsAll
	case walks, transport.Permanent(err), errors.Is(err, errRevokedSince):
		return holdsNothing
	case known && (s.Code == http.StatusNotFound || s.Err == "E27:case" || s.Err == "E27:day"), receiptErr(err) != nil:
		return holdsCase
	}
	return holdsAll
}

// deliver delivers one parcel, which stays in the outbox until the desk has signed for
// its bytes: any other word that they came may be somebody's on the way, and so may the
// word that the desk will not have them.
func (a *Agent) deliver(ctx context.Context, link transport.Link, p journal.Parcel) error {
	asked, l := a.overLog(ctx)
	reply, err := link.Put(asked, transport.Object{Case: p.Case, Kind: p.Kind, N: p.N}, p.Body)
	if err == nil {
		err = a.signedForAnswer(p, reply)
	}
	if err != nil {
		return err
	}
	of, err := a.provenAnswer(p, reply)
	if err != nil {
		return err
	}
	return a.received(ctx, link, l, of, func(s journal.Seen) error { return a.journal.Delivered(p.ID, s) })
}

// provenAnswer is what the receipt for an answer is for.
func (a *Agent) provenAnswer(p journal.Parcel, reply []byte) (of proven, err error) {
	id := a.identity()
	if id == nil {
		return of, errNotBound
	}
	sent, err1 := envelope.Parse(p.Body, envelope.MaxSize)
	got, err2 := envelope.Parse(reply, envelope.MaxSize)
	if err := errors.Join(err1, err2); err != nil {
		return of, err
	}
	return proven{object: sent.Digest(), receipt: got, by: id.trust}, nil
}

// undelivered is what a status tells of a parcel that is refused.
func (a *Agent) undelivered(p journal.Parcel, why error) *local.Undelivered {
	return &local.Undelivered{Case: p.Case, Kind: p.Kind, N: p.N, At: a.Now().UnixMilli(), Why: *told(why)}
}

// signedForAnswer checks the desk's receipt for an answer against the answer itself.
func (a *Agent) signedForAnswer(p journal.Parcel, reply []byte) error {
	id := a.identity()
	if id == nil {
		return errNotBound
	}
	sent, err := envelope.Parse(p.Body, envelope.MaxSize)
	if err != nil {
		return err
	}
	var word command.Answer
	if err := envelope.Decode(sent.Payload, &word); err != nil {
		return err
	}
	want := receipt.ForAnswer(word.Case, word.Terminal, word.Subject, p.N, sent.Digest())
	_, err = signedFor(reply, id.trust, want)
	revoked := id.trust.Revoked()
	for i := len(id.bundles) - 1; envelope.CodeOf(err) == "E24:signer" && i >= 0; i-- {
		// The desk signed once and says it again: by a key of then.
		then, terr := trust.Journalled(id.bundles[i], revoked)
		if terr != nil {
			return terr
		}
		if _, err = signedFor(reply, then, want); err == nil {
			return nil
		}
		if then, terr = trust.Journalled(id.bundles[i], nil); terr != nil {
			return terr
		}
		if _, terr = signedFor(reply, then, want); terr == nil {
			return fmt.Errorf("%w: %w", errRevokedSince, err)
		}
	}
	if envelope.CodeOf(err) == "E24:signer" && !says(reply, want) {
		return envelope.Refuse("E24", "form", "cannot accept the receipt for %s %d: it is something else", p.Kind, p.N)
	}
	return err
}

// errRevokedSince says that the desk has signed, by a key that was its own then: it can
// sign no second time. Anybody can make a receipt by a key that nobody knows.
var errRevokedSince = errors.New("the desk's key of then was revoked since")

// says says whether a reply is a receipt for exactly this, whoever signed it.
func says(reply []byte, want receipt.Want) bool {
	e, err := envelope.Parse(reply, envelope.MaxSize)
	if err != nil || e.PayloadType != envelope.Type(receipt.Kind) {
		return false
	}
	var r receipt.Receipt
	return envelope.Decode(e.Payload, &r) == nil && r.Compare(want) == nil
}

// signedFor reads a reply that must be the desk's receipt for exactly this.
func signedFor(reply []byte, believed *trust.Trust, want receipt.Want) (*envelope.Envelope, error) {
	e, err := envelope.Parse(reply, envelope.MaxSize)
	if err != nil {
		return nil, envelope.Refuse("E24", "form", "cannot accept the receipt for %s %d: %w", want.Kind, want.N, err)
	}
	_, err = receipt.Check(e, believed, want)
	return e, err
}
