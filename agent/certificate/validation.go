package certificate

import (
	"reflect"
	"slices"

	"unbindd/agent/envelope"
)

// Pending is what a terminal says of the validation: it can verify that a technique
// ended, but whether the outcome is good enough is for somebody else to say.
const Pending = "pending-desk"

// ValidationType is the predicate type of a validation.
const ValidationType = "urn:unbindd:validation:v1"

// Rejected is what a validation says of an outcome that is not good enough; else it
// says Complete or Partial.
const Rejected = "rejected"

// Validation is the payload: a second in-toto statement on the certificate's subjects.
type Validation struct {
	Type          string    `json:"_type"`
	Predicate     Validated `json:"predicate"`
	PredicateType string    `json:"predicateType"`
	Subject       []Subject `json:"subject"`
}

// Validated is what the second person says. Open names everything that a partial
// certificate lacks, so that nobody accepts one without having read it.
type Validated struct {
	Accepts     envelope.ID     `json:"accepts"` // Complete, Partial, Rejected
	Case        envelope.ID     `json:"case"`
	Certificate envelope.Digest `json:"certificate"`
	Custody     envelope.Digest `json:"custody,omitempty"` // of the custodian's receipt, where there is one
	N           int64           `json:"n"`                 // of the certificate
	Open        []string        `json:"open"`
	Result      envelope.ID     `json:"result"` // as the certificate has it
	Terminal    envelope.ID     `json:"terminal"`
	V           int             `json:"v"`
	Validated   int64           `json:"validated"` // Unix seconds
}

// Lacks names what keeps a certificate from being complete, in a fixed order.
func (p *Predicate) Lacks() []string {
	lacks := []string{}
	if p.Reader.Outcome != "erased" {
		lacks = append(lacks, "reader:"+p.Reader.Outcome)
	}
	if p.Verified != Pass {
		lacks = append(lacks, "verified:"+p.Verified)
	}
	if len(p.Software.Residue) > 0 {
		lacks = append(lacks, "residue")
	}
	if p.Copies != nil {
		for _, place := range p.Copies.Places {
			if place.Left != 0 {
				lacks = append(lacks, "left:"+place.Name)
			}
		}
	}
	for _, m := range p.Media {
		if m.Verified != Pass || !reached(m.LevelAchieved, m.LevelRequested) {
			lacks = append(lacks, "medium:"+m.Name)
		}
	}
	return lacks
}

// Validate drafts a validation of a certificate. Accepts must fit its result.
func Validate(cert *envelope.Envelope, s Statement, accepts envelope.ID, custody envelope.Digest, at int64) (Validation, error) {
	p := s.Predicate
	v := Validation{
		Type: StatementType, PredicateType: ValidationType, Subject: s.Subject,
		Predicate: Validated{
			Accepts: accepts, Case: p.Case, Certificate: cert.Digest(), Custody: custody, N: p.N, Open: p.Lacks(),
			Result: envelope.ID(p.Result), Terminal: p.Terminal.ID, V: 1, Validated: at,
		},
	}
	return v, v.fits(cert, s)
}

// ReadValidation reads a validation of a certificate, whoever signed it, and refuses
// one that is about something else, or says more than the certificate.
func ReadValidation(e, cert *envelope.Envelope, s Statement) (Validation, error) {
	var v Validation
	if e.PayloadType != envelope.Statement {
		return v, envelope.Refuse("E03", "", "cannot take the envelope as a validation: its type is another")
	}
	if err := envelope.Decode(e.Payload, &v); err != nil {
		return v, err
	}
	return v, v.fits(cert, s)
}

func (v *Validation) fits(cert *envelope.Envelope, s Statement) error {
	p, of := v.Predicate, s.Predicate
	switch {
	case v.Type != StatementType || v.PredicateType != ValidationType || p.V != 1:
		return envelope.Refuse("E07", "validation", "cannot use the validation: its statement or predicate type is not supported")
	case !reflect.DeepEqual(v.Subject, s.Subject):
		return envelope.Refuse("E28", "subject", "cannot use the validation: its subjects are not the certificate's")
	case p.Certificate != cert.Digest() || p.N != of.N:
		return envelope.Refuse("E28", "certificate", "cannot use the validation: it is of another certificate")
	case p.Case != of.Case || p.Terminal != of.Terminal.ID:
		return envelope.Refuse("E28", "case", "cannot use the validation: it is of another case or terminal")
	case string(p.Result) != of.Result || !slices.Equal(p.Open, of.Lacks()):
		return envelope.Refuse("E06", "result", "cannot use the validation: what it says of the certificate's result is not what the certificate says")
	case p.Accepts != Rejected && string(p.Accepts) != of.Result:
		return envelope.Refuse("E06", "accepts", "cannot use the validation: the certificate is %s, and it would be accepted as %s", of.Result, p.Accepts)
	}
	return nil
}
