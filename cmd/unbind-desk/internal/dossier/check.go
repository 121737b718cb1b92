package dossier

import (
	"errors"
	"fmt"

	"unbindd/agent/certificate"
	"unbindd/agent/envelope"
	"unbindd/agent/manifest"
	"unbindd/agent/merkle"
	"unbindd/agent/receipt"
	"unbindd/agent/ticket"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/grounds"
	"unbindd/cmd/unbind-desk/internal/sealed"
)

// The words of a result. Only Failed makes a case not verify; Absent is a piece
// that is not there and that nothing in the case asks for.
const (
	OK      = "ok"
	Failed  = "failed"
	Absent  = "absent"
	Skipped = "skipped" // what it stands on did not hold
)

// Result is one line of a verification.
type Result struct {
	Check  string `json:"check"`
	Status string `json:"status"`
	Code   string `json:"code,omitempty"`
	Detail string `json:"detail"`
}

// Options is what the verifier brings along.
type Options struct {
	Anchor  envelope.Digest    // known out of band; else the folder's own is used and said to be
	Openers []authority.Secret // age identities; without one the sealed file stays closed
	Prev    *[32]byte          // head of the predecessor, for a successor's ledger
	Indexed bool               // a case without the desk's index of its files does not verify
}

// Verify makes every check in order. Ok is true when none failed and the case's
// own command was verified.
func Verify(src Source, o Options) (results []Result, ok bool) {
	r := &reader{src: src, Options: o}
	return r.verify()
}

func (r *reader) verify() (results []Result, ok bool) {
	ok = true
	for _, c := range []struct {
		name string
		do   func() (string, error)
	}{
		{"trust", r.trust}, {"enrolment ticket", r.enrolTicket}, {"command", r.command}, {"profile", r.profile},
		{"papers", r.papers}, {"campaign", r.campaign}, {"orders", r.orders}, {"manifest", r.manifest}, {"backup receipt", r.backupReceipt},
		{"sealed file", r.sealed}, {"backup content", r.content}, {"ticket", r.ticket}, {"certificate", r.certificate},
		{"erase record", r.record}, {"certificate receipt", r.certificateReceipt}, {"tombstone", r.tombstone},
		{"custody", r.custody}, {"validation", r.validation}, {"answers", r.answers}, {"keys", r.keys}, {"log", r.log}, {"index", r.index},
	} {
		detail, err := c.do()
		result := judge(c.name, detail, err)
		ok = ok && result.Status != Failed && (result.Status == OK || c.name != "command")
		results = append(results, result)
	}
	return results, ok
}

// reader carries what one check found to those that stand on it; nil means that
// it did not hold or is not there.
type reader struct {
	Options
	src Source

	bundles   []*envelope.Envelope
	believed  *trust.Trust
	grounds   *grounds.Grounds
	amends    []*envelope.Envelope
	others    []*envelope.Envelope // all that people signed beside the command: papers, campaign, orders, custody
	counted   *sealed.Recount
	custodyE  *envelope.Envelope
	accepted  *manifest.Manifest
	manifestE *envelope.Envelope
	receiptE  *envelope.Envelope
	due       *ticket.Order
	statement *certificate.Statement
	certE     *envelope.Envelope
	sealedSum envelope.Digest
	listed    *receipt.Index

	checkpoint *merkle.Checkpoint // the one that all proofs lead to
}

// errSkipped ends a check whose grounds did not hold.
var errSkipped = errors.New("what it stands on did not hold")

// missingError says that a file is not there.
type missingError struct{ name string }

func missing(name string) error       { return &missingError{name} }
func (m *missingError) Error() string { return m.name + " is not there" }
func demanded(err error, by string) error {
	var m *missingError
	if errors.As(err, &m) {
		return fmt.Errorf("%s is not there, and %s asks for it", m.name, by)
	}
	return err
}

func judge(name, detail string, err error) Result {
	var m *missingError
	switch {
	case err == nil:
		return Result{Check: name, Status: OK, Detail: detail}
	case errors.Is(err, errSkipped):
		return Result{Check: name, Status: Skipped, Detail: err.Error()}
	case errors.As(err, &m):
		return Result{Check: name, Status: Absent, Detail: err.Error()}
	}
	return Result{Check: name, Status: Failed, Code: envelope.CodeOf(err), Detail: err.Error()}
}
