package grounds

import (
	"math"

	"unbindd/agent/envelope"
	"unbindd/agent/manifest"
	"unbindd/agent/ticket"
)

// OrderFor is the ticket that a manifest asks for under an authority: the
// receipt's digest, or that of the command or amendment that allows its absence.
// It refuses with E29 a manifest whose reader gave no challenge.
func OrderFor(m manifest.Manifest, authority envelope.Digest) (ticket.Order, error) {
	o := ticket.Order{SN: m.Reader.SN, RC: m.Reader.RC, Command: m.Command, Authority: authority}
	if len(o.RC) != 16 {
		return o, refuse("challenge", "the manifest carries no challenge of the reader")
	}
	if m.Reader.EraCnt < 0 || m.Reader.EraCnt > math.MaxUint32 {
		return o, refuse("counter", "the erase counter is out of range")
	}
	o.EraCnt = uint32(m.Reader.EraCnt)
	for i, slot := range m.Scope {
		if slot < 0 || slot > math.MaxUint16 || (i > 0 && slot <= m.Scope[i-1]) {
			return o, refuse("scope", "the slots are not sorted or out of range")
		}
		o.Scope = append(o.Scope, uint16(slot))
	}
	if len(o.Scope) == 0 {
		return o, refuse("scope", "there is no slot to erase")
	}
	return o, nil
}

func refuse(detail, why string) error {
	return envelope.Refuse("E29", detail, "cannot make out the ticket: %s", why)
}
