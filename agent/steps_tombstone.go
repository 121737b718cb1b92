package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/receipt"
	"unbindd/transport"
	"unbindd/wipe"
)

// engrave writes the tombstone, with the preimage in the clear: whole or not at
// all, and before the keys go. Whom the desk's last word is believed by goes with the
// keys, so it is kept before.
func (a *Agent) engrave() error {
	if err := a.keepBelief(); err != nil {
		return err
	}
	c, err := a.openCase()
	if err != nil {
		return err
	}
	e, _, err := a.signed()
	if err != nil {
		return err
	}
	s, err := certificate.Read(e)
	if err != nil {
		return err
	}
	r, err := a.keys.OpenPreimage(a.preimageLabel(s.Predicate.N))
	if err != nil {
		return err
	}
	t := certificate.Tombstone{
		Action: c.command.Action, Case: c.command.Case, Certificate: e.Digest(), Epoch: c.command.Epoch,
		IDs: []envelope.ID{}, R: r[:], Result: s.Predicate.Result, Terminal: c.command.Terminal, V: 1,
	}
	ids, err1 := a.journal.ConsumedIDs()
	seq, err2 := a.journal.LastSeq()
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	for _, id := range ids {
		t.IDs = append(t.IDs, envelope.ID(id))
	}
	t.Seq = seq
	text, err := envelope.Canonical(t)
	if err != nil {
		return err
	}
	return writeFile(a.at.tombstone(), text)
}

// leaveTombstone reveals the preimage to the desk, which needs no key. It is the
// last word; what follows is only tidying up. Nothing ends it but the desk's signature or
// a close: a refusal may be anybody's, and this word is not said twice.
func (a *Agent) leaveTombstone(ctx context.Context, n *journal.Note) error {
	if err := a.leaveImage(ctx); err != nil {
		return err
	}
	var acc accepted
	if _, err := n.Get(noteAccepted, &acc); err != nil {
		return err
	}
	text, err := os.ReadFile(a.at.tombstone())
	if err != nil {
		return fmt.Errorf("cannot read the tombstone: %w", err)
	}
	t, err := certificate.ReadTombstone(text)
	if err != nil {
		return err
	}
	a.show.setTombstone(t, false)
	body, err := json.Marshal(map[string]any{"r": b64(t.R), "v": 1})
	if err != nil {
		return err
	}
	var tries tally
	for {
		rung := a.bell.wait()
		r, err := a.reveal(ctx, acc.Route, t, body)
		if err == nil {
			if err := writeFile(a.at.told(), r.Encode()); err != nil {
				return err
			}
			a.show.setTombstone(t, true)
			n.Say("the desk has seen the preimage, receipt %s", short(r.Digest()))
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if forced, ferr := a.forced(); ferr != nil || forced {
			n.Say("the preimage was not revealed: %v", err)
			return ferr
		}
		a.waitsOn("tombstone", "the desk, to reveal the preimage", err)
		if err := a.rest(ctx, rung, tries.after(err), err); err != nil {
			return err
		}
	}
}

// forced says whether the case was ended by a signed close, which is for a desk
// that may never answer again. A close of an earlier certificate ended nothing. Its
// signatures were verified when it was taken; the trust they need is gone by now.
func (a *Agent) forced() (bool, error) {
	e, ok, err := noteEnvelope(a.journal.Get, noteClose)
	if err != nil || !ok {
		return false, err
	}
	signed, ok, err := a.signed()
	if err != nil || !ok {
		return false, err
	}
	var c command.Close
	if err := envelope.Decode(e.Payload, &c); err != nil {
		return false, err
	}
	return c.Certificate == signed.Digest(), nil
}

// reveal takes nothing but the desk's signature for having r: this is the last that a
// terminal is told. It lays r on the courier's medium and sends it over the network.
func (a *Agent) reveal(ctx context.Context, way route, t certificate.Tombstone, body []byte) (*envelope.Envelope, error) {
	aside := error(transport.ErrNoMedium)
	if m := a.walk(); m != nil {
		reply, err := m.Reveal(ctx, string(t.Case), body)
		if err == nil {
			var r *envelope.Envelope
			if r, err = a.lastReceipt(t, reply); err == nil {
				return r, nil
			}
		}
		a.laid.Store(errors.Is(err, transport.ErrNotYet))
		aside = err
	}
	if a.apart() {
		return nil, aside
	}
	return a.revealOver(ctx, way, t, body)
}

// revealOver sends r over pinned TLS without a client certificate.
func (a *Agent) revealOver(ctx context.Context, way route, t certificate.Tombstone, body []byte) (*envelope.Envelope, error) {
	link, err := a.ways(way, transport.Identity{
		Terminal: string(t.Terminal), Roots: []byte(way.CA), Pins: way.Pins, Now: a.clock.wall,
	})
	if err != nil {
		return nil, err
	}
	asked, l := a.overLog(ctx)
	reply, err := link.Reveal(asked, string(t.Case), body)
	if link.Name() == "mqtt" { // another door than that of before, which may let in whom this one does not
		a.denied(err)
	}
	var r *envelope.Envelope
	if err == nil {
		r, err = a.lastReceipt(t, reply)
	}
	if err == nil {
		err = a.lastProven(ctx, link, l, r, body)
	}
	return r, errors.Join(err, link.Close())
}

// lastProven looks at what came beside the last receipt, which lies outside the journal.
// What cannot be written down of it is told, and is no reason to lose that receipt: the
// journal that has no room for it is about to go.
func (a *Agent) lastProven(ctx context.Context, link transport.Link, l *transport.Log, r *envelope.Envelope, body []byte) error {
	c, err := a.openCase()
	if err != nil {
		return err
	}
	told := func(err error) {
		if err != nil {
			a.Log.Error().Err(err).Msg("the last receipt counts, and what came beside it is not kept")
		}
	}
	told(a.received(ctx, link, l, proven{object: envelope.DigestOf(body), receipt: r, by: a.believed(c)}, func(s journal.Seen) error {
		told(a.journal.See(s))
		return nil
	}))
	return nil
}

// lastReceipt reads the desk's receipt for the tombstone.
func (a *Agent) lastReceipt(t certificate.Tombstone, reply []byte) (*envelope.Envelope, error) {
	c, err := a.openCase()
	if err != nil {
		return nil, err
	}
	return signedFor(reply, a.believed(c), receipt.ForTombstone(t.Case, t.Terminal, c.digest(), certificate.Commitment(t.R)))
}

// bury erases the journal and what else is left of the case; the tombstone
// stays. It is not a step: the journal that would record it is what goes. The
// mark on disk says that it may go, and is what a cut finds.
func (a *Agent) bury() error {
	if a.journal != nil {
		if err := a.journal.Close(); err != nil {
			return fmt.Errorf("cannot close the journal: %w", err)
		}
	}
	if err := a.erasePassword(); err != nil {
		return err
	}
	if err := writeFile(a.at.buryMark(), nil); err != nil {
		return err
	}
	ev := wipe.Erase(context.Background(), a.Sys, wipe.Target{
		Name: "journal", Kind: "data", Path: a.at.journal(), Root: a.at.root, Requested: "clear", Depth: a.depth(),
	}, func(op string) { a.Moment("wipe/journal:" + op) })
	if ev.Verified != certificate.Pass {
		return fmt.Errorf("cannot erase the journal: %s", ev.Reason)
	}
	if err := os.Remove(a.at.buryMark()); err != nil {
		return fmt.Errorf("cannot remove the last mark: %w", err)
	}
	a.Log.Info().Msg("this terminal is unbound; a tombstone is all that is left")
	return syncDir(a.at.root)
}
