package grounds

import (
	"strings"

	"unbindd/agent/certificate"
	"unbindd/agent/envelope"
	"unbindd/agent/receipt"
	"unbindd/agent/trust"
)

// hands are the holders who had a hand in the case, and the badges of the people on
// the spot, each with what the hand was.
type hands map[envelope.ID]string

// had notes a hand; the first one of a person is told.
func (h hands) had(holder envelope.ID, what string) {
	if h[holder] == "" {
		h[holder] = what
	}
}

// ordered is everybody who signed the command, under any version since, in every role
// that his key had: those whose signatures met its rule, and whoever signed beside them.
func (g *Grounds) ordered() []trust.Approver { return g.signed(g.Command.Envelope()) }

// signed is everybody whose signature under an envelope fits; whether the others spoil it
// is asked where the envelope itself is judged.
func (g *Grounds) signed(e *envelope.Envelope) (all []trust.Approver) {
	for _, t := range g.since {
		for _, s := range e.Signatures {
			if who, err := signer(t, e, s); err == nil { // any other counts for nobody
				all = append(all, who)
			}
		}
	}
	return all
}

// partook finds them: others is what people signed in the case beside its command.
func (g *Grounds) partook(s certificate.Statement, others []*envelope.Envelope) hands {
	busy := hands{}
	for _, a := range g.ordered() {
		busy.had(a.Holder, "signed the command")
	}
	for _, e := range others {
		for _, holder := range g.Holders(e) {
			busy.had(holder, "signed the "+nameOf(e))
		}
	}
	for _, p := range s.Predicate.People {
		busy.had(p.Who, "was on the spot")
	}
	return busy
}

// nameOf is what an envelope that people sign is called.
func nameOf(e *envelope.Envelope) string {
	kind := strings.TrimSuffix(strings.TrimPrefix(e.PayloadType, "application/vnd.unbindd."), ".v1+json")
	switch kind {
	case receipt.Kind:
		return "custodian's receipt"
	case "amend":
		return "amendment"
	}
	return kind
}

// Holders are the people who signed an envelope, under any version since the command's.
func (g *Grounds) Holders(e *envelope.Envelope) (all []envelope.ID) {
	for _, a := range g.signed(e) {
		all = append(all, a.Holder)
	}
	return all
}
