package agent

import (
	"context"
	"errors"

	"unbindd/agent/envelope"
	"unbindd/agent/manifest"
	"unbindd/agent/ticket"
	"unbindd/transport"
)

// ticketReady says whether the reader's ticket is there and fits; it asks the
// link for one where it is not.
func (a *Agent) ticketReady(ctx context.Context, c *caseFile) (bool, error) {
	order, err := a.ticketOrder(c)
	if err != nil || len(order.Scope) == 0 {
		return err == nil, err
	}
	var f ticket.File
	if ok, err := a.journal.Get(noteTicket, &f); err != nil {
		return false, err
	} else if ok {
		if _, err := f.Check(order, a.believed(c)); err == nil {
			return true, nil
		}
	}
	return a.fetchTicket(ctx, c, order)
}

func (a *Agent) fetchTicket(ctx context.Context, c *caseFile, order ticket.Order) (bool, error) {
	m, e, err := a.manifestNow()
	if err != nil {
		return false, err
	}
	err = a.byEvery(func(link transport.Link) error { return a.askTicket(ctx, link, c, order, m, e) })
	return err == nil, err
}

func (a *Agent) askTicket(ctx context.Context, link transport.Link, c *caseFile, order ticket.Order, m manifest.Manifest, e *envelope.Envelope) error {
	// Where no receipt was asked for, this is how the signer learns of the manifest.
	if _, err := link.Put(ctx, transport.Object{Case: string(m.Case), Kind: "manifest", N: m.N}, e.Encode()); err != nil && !errors.Is(err, transport.ErrNotYet) {
		return err
	}
	text, err := link.Fetch(ctx, transport.Object{Case: string(m.Case), Kind: "ticket", N: m.N})
	if err != nil {
		return err
	}
	f, err := ticket.Read(text)
	if err != nil {
		return err
	}
	if _, err := f.Check(order, a.believed(c)); err != nil {
		return err
	}
	return a.journal.Save(noteTicket, f)
}

// ticketOrder is everything the ticket must be made for.
func (a *Agent) ticketOrder(c *caseFile) (ticket.Order, error) {
	m, _, err := a.manifestNow()
	if err != nil {
		return ticket.Order{}, err
	}
	auth, ok, err := a.authority(c)
	if err == nil && !ok {
		err = envelope.Refuse("E29", "early", "cannot take the ticket: there is no receipt that it could be for")
	}
	return ticket.Order{
		SN: m.Reader.SN, RC: m.Reader.RC, EraCnt: uint32(m.Reader.EraCnt), Scope: slotsOf(m.Scope),
		Command: c.digest(), Authority: auth.Digest,
	}, err
}

// checkTicket checks a ticket that was carried in.
func (a *Agent) checkTicket(f ticket.File) ([]byte, error) {
	c, err := a.openCase()
	if err != nil {
		return nil, err
	}
	order, err := a.ticketOrder(c)
	if err != nil {
		return nil, err
	}
	return f.Check(order, a.believed(c))
}
