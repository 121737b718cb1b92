package grounds

import (
	"slices"

	"unbindd/agent/certificate"
	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// mayValidate are the roles of people; keys of machines and the roots validate nothing.
var mayValidate = []trust.Role{trust.Operations, trust.Security, trust.Release, trust.Custodian}

// Validation checks a validation of a certificate: that it says what the certificate
// says, and that everybody who signed it is another person, in another role, than
// those who signed the command, and nobody who took part in the case. others is what
// people signed in the case beside the command: its papers, its campaign, the later
// orders, and the custodian's receipt for its backup.
func (g *Grounds) Validation(e, cert *envelope.Envelope, s certificate.Statement, others []*envelope.Envelope) (certificate.Validation, trust.Approver, error) {
	v, err := certificate.ReadValidation(e, cert, s)
	if err != nil {
		return v, trust.Approver{}, err
	}
	busy := g.partook(s, others)
	if len(e.Signatures) != 1 {
		return v, trust.Approver{}, envelope.Refuse("E05", "missing-role", "cannot use the validation: it has %d signatures, and one person signs it", len(e.Signatures))
	}
	var who trust.Approver
	err = g.Under(func(t *trust.Trust) (err error) {
		who, err = signer(t, e, e.Signatures[0])
		return err
	})
	switch {
	case err != nil:
	case busy[who.Holder] != "":
		err = envelope.Refuse("E05", "same-holder", "cannot use the validation: %s took part in the case (%s), and a second person is asked for", who.Holder, busy[who.Holder])
	case !slices.Contains(mayValidate, who.Role):
		err = envelope.Refuse("E05", "role", "cannot use the validation: role %s validates nothing", who.Role)
	case slices.ContainsFunc(g.ordered(), func(a trust.Approver) bool { return a.Role == who.Role }):
		err = envelope.Refuse("E05", "same-role", "cannot use the validation: role %s signed the command, and a second role is asked for", who.Role)
	}
	return v, who, err
}
