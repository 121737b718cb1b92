package grounds

import (
	"slices"

	"unbindd/agent/envelope"
	"unbindd/agent/manifest"
	"unbindd/agent/receipt"
	"unbindd/agent/trust"
)

// KindCustody is the kind of a custodian's receipt: the second one for a backup, by
// another person, who opened and counted it again.
const KindCustody = "custody"

// Custody checks a custodian's receipt for a manifest: signed by role custodian, by
// nobody who signed the desk's own, and with the same content as that one.
func (g *Grounds) Custody(e *envelope.Envelope, m manifest.Manifest, subject envelope.Digest, desks *envelope.Envelope) (r receipt.Receipt, by trust.Approver, err error) {
	var who []trust.Approver
	err = g.Under(func(t *trust.Trust) (err error) {
		who, err = t.VerifyBy(e, envelope.Type(receipt.Kind), trust.Rule{Need: map[trust.Role]int{trust.Custodian: 1}, Total: 1})
		return err
	})
	if err != nil {
		return r, by, envelope.Refuse("E24", "signer", "cannot accept the custodian's receipt: %w", err)
	}
	if err := envelope.Decode(e.Payload, &r); err != nil {
		return r, who[0], envelope.Refuse("E24", "form", "cannot accept the custodian's receipt: %w", err)
	}
	if slices.Contains(g.Holders(desks), who[0].Holder) {
		return r, who[0], envelope.Refuse("E05", "same-holder", "cannot accept the custodian's receipt: %s signed the desk's own, and a second person is asked for", who[0].Holder)
	}
	var has receipt.Receipt
	if err := envelope.Decode(desks.Payload, &has); err != nil {
		return r, who[0], err
	}
	want := WantBackup(m, subject)
	want.Kind = KindCustody
	if err := r.Compare(want); err != nil {
		return r, who[0], err
	}
	if r.Index != has.Index {
		return r, who[0], envelope.Refuse("E24", "index", "cannot accept the custodian's receipt: it names another leaf of the log than the desk's")
	}
	return r, who[0], nil
}
