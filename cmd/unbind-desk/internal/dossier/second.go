package dossier

import (
	"errors"
	"fmt"
	"strings"

	"unbindd/agent/certificate"
	"unbindd/agent/envelope"
	"unbindd/agent/receipt"
	"unbindd/cmd/unbind-desk/internal/grounds"
)

func (r *reader) custody() (string, error) {
	e, err := readEnvelope(r.src, Custody)
	if err != nil {
		return "", err
	}
	if r.accepted == nil || r.receiptE == nil {
		return "", errors.New("there is a custodian's receipt, and no manifest and receipt of the desk that hold")
	}
	_, by, err := r.grounds.Custody(e, *r.accepted, r.manifestE.Digest(), r.receiptE)
	if err != nil {
		return "", err
	}
	r.custodyE = e
	r.others = append(r.others, e)
	return fmt.Sprintf("opened and counted again by %s (%s)", by.Holder, by.Role), nil
}

func (r *reader) validation() (string, error) {
	e, err := readEnvelope(r.src, Validation)
	if err != nil {
		return "", err
	}
	if r.statement == nil {
		return "", errors.New("there is a validation and no certificate that holds")
	}
	v, by, err := r.grounds.Validation(e, r.certE, *r.statement, r.others)
	if err != nil {
		return "", err
	}
	if d := v.Predicate.Custody; d != "" && (r.custodyE == nil || r.custodyE.Digest() != d) {
		return "", errors.New("it rests on a custodian's receipt that is not in the case")
	}
	if v.Predicate.Accepts == certificate.Rejected {
		return "", fmt.Errorf("%s (%s) has rejected the certificate", by.Holder, by.Role)
	}
	if len(v.Predicate.Open) > 0 {
		return fmt.Sprintf("accepted as %s by %s (%s), knowing of %d thing(s) that are open", v.Predicate.Accepts, by.Holder, by.Role, len(v.Predicate.Open)), nil
	}
	return fmt.Sprintf("accepted as %s by %s (%s)", v.Predicate.Accepts, by.Holder, by.Role), nil
}

// Looked is a case that was verified for somebody who is about to sign for it.
type Looked struct {
	Results []Result
	OK      bool
	r       *reader
}

// Look verifies a case and keeps what was found.
func Look(src Source, o Options) Looked {
	l := Looked{r: &reader{src: src, Options: o}}
	l.Results, l.OK = l.r.verify()
	return l
}

// Wrong is the first check that failed, of those that are named, or that is not ok
// where it has to be; nil where there is none.
func (l Looked) Wrong(must ...string) error {
	for _, res := range l.Results {
		needed := false
		for _, name := range must {
			needed = needed || name == res.Check
		}
		if res.Status == Failed || (needed && res.Status != OK) {
			code, detail, _ := strings.Cut(res.Code, ":")
			if code == "" {
				code = "E28"
			}
			return envelope.Refuse(code, detail, "cannot sign for the case: %s: %s", res.Check, res.Detail)
		}
	}
	return nil
}

// DraftCustody is the custodian's receipt for a backup that was opened and counted
// here, and compared with manifest, receipt and certificate. It refuses with the code
// of what is wrong.
func (l Looked) DraftCustody(at int64) (receipt.Receipt, error) {
	if err := l.Wrong("command", "manifest", "backup receipt", "sealed file", "backup content"); err != nil {
		return receipt.Receipt{}, err
	}
	var first receipt.Receipt
	if err := envelope.Decode(l.r.receiptE.Payload, &first); err != nil {
		return first, err
	}
	totals := l.r.counted.Totals()
	first.Kind, first.Received, first.Totals = grounds.KindCustody, at, &totals
	return first, nil
}

// CheckCustody holds a signed custodian's receipt against the case.
func (l Looked) CheckCustody(e *envelope.Envelope) error {
	_, _, err := l.r.grounds.Custody(e, *l.r.accepted, l.r.manifestE.Digest(), l.r.receiptE)
	return err
}

// DraftValidation is a validation of the case's certificate, which holds with
// everything else in the case.
func (l Looked) DraftValidation(accepts envelope.ID, at int64) (certificate.Validation, error) {
	if err := l.Wrong("command", "certificate"); err != nil {
		return certificate.Validation{}, err
	}
	custody := envelope.Digest("")
	if l.r.custodyE != nil {
		custody = l.r.custodyE.Digest()
	}
	return certificate.Validate(l.r.certE, *l.r.statement, accepts, custody, at)
}

// Certificate is what the case's certificate says.
func (l Looked) Certificate() certificate.Predicate {
	if l.r.statement == nil {
		return certificate.Predicate{}
	}
	return l.r.statement.Predicate
}

// CheckValidation holds a signed validation against the case.
func (l Looked) CheckValidation(e *envelope.Envelope) error {
	_, _, err := l.r.grounds.Validation(e, l.r.certE, *l.r.statement, l.r.others)
	return err
}
