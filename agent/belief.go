package agent

import (
	"encoding/json"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// belief is a bundle of trust as it was believed: it was verified then.
type belief struct {
	Bundle  json.RawMessage  `json:"bundle"`
	Revoked []envelope.KeyID `json:"revoked"`
}

func (b belief) trust() (*trust.Trust, error) {
	e, err := envelope.Parse(b.Bundle, envelope.MaxSize)
	if err != nil {
		return nil, err
	}
	return trust.Journalled(e, b.Revoked)
}

// believed is what receipts are checked against: the current bundle; once the
// identity is erased, the one that was current then.
func (a *Agent) believed(c *caseFile) *trust.Trust {
	if id := a.identity(); id != nil {
		return id.trust
	}
	return c.last
}

// lastBelief is the bundle that was current when the identity went; without one, that
// of the acceptance was.
func (a *Agent) lastBelief(c *caseFile) (*trust.Trust, error) {
	var last belief
	ok, err := a.journal.Get(noteBelief, &last)
	if err != nil || !ok {
		return c.trust, err
	}
	return last.trust()
}

// keepBelief keeps the bundle of the day where it is another than that of the
// acceptance: a case can wait for months, and keys are changed meanwhile.
func (a *Agent) keepBelief() error {
	c, err := a.openCase()
	if err != nil {
		return err
	}
	id := a.identity()
	if id == nil {
		return errNotBound
	}
	if id.trust.Digest() == c.trust.Digest() && len(id.trust.Revoked()) == len(c.trust.Revoked()) {
		return nil
	}
	return a.journal.Save(noteBelief, belief{Bundle: id.bundles[len(id.bundles)-1].Encode(), Revoked: id.trust.Revoked()})
}
