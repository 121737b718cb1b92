package agent

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/receipt"
	"unbindd/agent/trust"
	"unbindd/transport"
)

// empty sends what is in the outbox, whenever something rings.
func (a *Agent) empty(ctx context.Context) {
	var disbelief complaint
	for failures := 0; ctx.Err() == nil; {
		rung := a.bell.wait()
		link := a.links()
		if link == nil {
			return
		}
		pause := time.Hour
		err := a.flush(ctx, link, "")
		a.complain(&disbelief, "an answer waits: what the desk says to it is not believed", "no answer waits for a receipt that can be believed", receiptErr(err))
		if err != nil {
			failures++
			pause = a.interval(failures, err)
		} else {
			failures = 0
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
	if strings.HasPrefix(envelope.CodeOf(err), "E24") {
		return err
	}
	return nil
}

// flush delivers the outbox, or of it what is of one case, oldest first. A case
// that the desk does not know yet, because its command was carried in before it
// was published, waits, and holds up no other; so does one for whose answer nothing
// comes that can be believed.
func (a *Agent) flush(ctx context.Context, link transport.Link, only string) error {
	parcels, err := a.journal.Outbox()
	if err != nil {
		return err
	}
	waiting := map[string]error{}
	var later error
	for _, p := range parcels {
		if (only != "" && p.Case != only) || waiting[p.Case] != nil {
			continue
		}
		err := a.deliver(ctx, link, p)
		var s *transport.Status
		switch {
		case errors.Is(err, transport.ErrNotYet): // it lies on the courier's medium; so may the next
			later = err
		case errors.As(err, &s) && s.Code == http.StatusNotFound, receiptErr(err) != nil:
			waiting[p.Case] = err
		case err != nil:
			return err
		}
	}
	return errors.Join(append(slices.Collect(maps.Values(waiting)), later)...)
}

// deliver delivers one parcel, which stays in the outbox until the desk has signed for
// its bytes: any other word that they came may be somebody's on the way. What the desk
// refuses for good is taken out and told in the log: it would stand in the way of
// everything else.
func (a *Agent) deliver(ctx context.Context, link transport.Link, p journal.Parcel) error {
	reply, err := link.Put(ctx, transport.Object{Case: p.Case, Kind: p.Kind, N: p.N}, p.Body)
	if err == nil {
		err = a.signedForAnswer(p, reply)
	}
	if transport.Permanent(err) {
		a.Log.Error().Err(err).Str("case", p.Case).Str("kind", p.Kind).Int64("n", p.N).Msg("the desk refuses it for good")
		a.forget(p)
	} else if err != nil {
		return err
	}
	return a.journal.Delivered(p.ID)
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
	for i := len(id.bundles) - 1; envelope.CodeOf(err) == "E24:signer" && i >= 0; i-- {
		// The desk signed once and says it again: by a key of then.
		then, terr := trust.Journalled(id.bundles[i], id.trust.Revoked())
		if terr != nil {
			return terr
		}
		_, err = signedFor(reply, then, want)
	}
	if envelope.CodeOf(err) == "E24:signer" && !says(reply, want) {
		return envelope.Refuse("E24", "form", "cannot accept the receipt for %s %d: it is something else", p.Kind, p.N)
	}
	return err
}

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
