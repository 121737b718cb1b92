package desk

import (
	"errors"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/campaign"
	"unbindd/cmd/unbind-desk/internal/store"
)

// Order is one signed command of a campaign, with the version of its case that
// the operator saw.
type Order struct {
	Order []byte `json:"order"`
	Seen  int64  `json:"seen"`
}

// Wave is a signed campaign with every command it lists.
type Wave struct {
	Campaign []byte  `json:"campaign"`
	Orders   []Order `json:"orders"`
}

// campaignCase is where a campaign is kept: once, and not in each of its cases.
func campaignCase(d envelope.Digest) store.Key {
	return store.Key{Case: envelope.ID("campaign:" + d.Hex()[:16]), Kind: campaign.Kind, N: 1}
}

// PublishCampaign publishes every command of a campaign, or none: one that is
// not there, not listed, not drafted here, changed since, or that a terminal
// would refuse, keeps all of them back. The caps do not hold for it, for three
// people signed how many.
func (d *Desk) PublishCampaign(w Wave) ([]Published, error) {
	e, err := envelope.Parse(w.Campaign, envelope.MaxSize)
	if err != nil {
		return nil, as(ErrMalformed, err)
	}
	orders := map[envelope.Digest]*envelope.Envelope{}
	seen := map[envelope.Digest]int64{}
	for _, o := range w.Orders {
		order, err := envelope.Parse(o.Order, envelope.MaxCommand)
		if err != nil {
			return nil, as(ErrMalformed, err)
		}
		orders[order.Digest()], seen[order.Digest()] = order, o.Seen
	}
	var done []Published
	err = d.grow("publish", func(tx *store.Tx) error {
		done = nil
		c, err := d.opened(tx, e, len(w.Orders))
		if err != nil {
			return judged(err)
		}
		for _, digest := range c.Commands {
			if orders[digest] == nil {
				return misfit("campaign", "cannot publish the campaign: command %s, which it lists, is not there", digest)
			}
			p, err := d.publishListed(tx, orders[digest], seen[digest], e.Digest())
			if err != nil {
				return judged(err)
			}
			done = append(done, p)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, p := range done {
		d.wake(p.Terminal)
	}
	return done, nil
}

// opened verifies a campaign and keeps it, once.
func (d *Desk) opened(tx *store.Tx, e *envelope.Envelope, orders int) (campaign.Campaign, error) {
	c, err := campaign.Open(e, d.trust())
	switch now := d.now(); {
	case err != nil:
		return c, err
	case int64(orders) != c.Count:
		return c, misfit("count", "cannot publish the campaign: it counts %d commands, and %d are there", c.Count, orders)
	case now < c.NotBefore || now >= c.NotAfter:
		return c, refuse(ErrUnfit, "E13", "window", "cannot publish the campaign: it is not good now")
	}
	k := campaignCase(e.Digest())
	if same, err := known(tx, k, e.Encode()); same || err != nil {
		return c, err
	}
	_, err = d.keep(tx, k, e.Digest(), e.Encode())
	return c, err
}

// publishListed publishes one command of a campaign. One that was published before
// passes only if it was in this campaign: three people vouch for no other.
func (d *Desk) publishListed(tx *store.Tx, e *envelope.Envelope, seen int64, by envelope.Digest) (Published, error) {
	fresh := false
	p, err := d.publishCounted(tx, e, seen, func(*command.Verified) error { fresh = true; return nil })
	if err != nil {
		return p, err
	}
	c, err := tx.Case(p.Case)
	switch {
	case err != nil:
		return p, err
	case fresh:
		c.Campaign = by
		c, err = d.note(tx, c, c.State, "published in campaign "+string(by))
	case c.Campaign != by:
		return p, refuse(ErrConflict, "E28", "campaign", "cannot publish the campaign: the command of case %s was published outside it", c.ID)
	}
	p.Kind, p.Digest, p.State, p.Version = command.Kind, e.Digest(), c.State, c.Version
	return p, err
}

// campaignOf reads the campaign that a case was published in; ErrAbsent for one
// that was published by itself.
func campaignOf(tx *store.Tx, c store.Case) (store.Object, error) {
	if c.Campaign == "" {
		return store.Object{}, store.ErrAbsent
	}
	o, err := tx.Object(campaignCase(c.Campaign))
	if err == nil && o.Digest != c.Campaign {
		err = errors.New("cannot read the campaign: another one stands in its place")
	}
	return o, err
}
