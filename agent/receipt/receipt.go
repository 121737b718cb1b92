// Package receipt is the desk's signature for something it has durably. A
// terminal compares every field of it with what it knows itself; a receipt that
// says anything else is refused with E24 and the field's name, and nothing is
// erased on it.
//
//	receipt.go  the receipt, and what a terminal wants of it
//	index.go    the desk's list of all files of a case, by the same key
package receipt

import (
	"slices"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// Kind is the payload kind of a receipt.
const Kind = "receipt"

// What a receipt may be for, beside a custodian's.
const (
	Answer      = "answer"
	Backup      = "backup"
	Certificate = "certificate"
	Tombstone   = "tombstone"
)

// What a receipt may say it verified.
const (
	Restored = "restored" // decrypted, recounted, committed
	Checked  = "checked"  // signature and content of a certificate or an answer looked at
)

// Sum is a total that the desk recomputed itself.
type Sum struct {
	Amount   int64       `json:"amount"`
	Count    int64       `json:"count"`
	Currency envelope.ID `json:"currency"`
	Kind     envelope.ID `json:"kind"`
	Result   envelope.ID `json:"result"`
}

// Totals are the desk's own, recomputed after decryption.
type Totals struct {
	Count int64           `json:"count"`
	Head  envelope.Digest `json:"head"`
	Sums  []Sum           `json:"sums"`
}

// Receipt is the payload. Subject is the digest of the signed object: the
// manifest for a backup, the certificate for a certificate, the answer for an answer,
// whose receipt names the order that it is to as its command; for a tombstone, which
// nobody signs, it is what the certificate committed to.
type Receipt struct {
	Case     envelope.ID     `json:"case"`
	Command  envelope.Digest `json:"command"`
	Index    int64           `json:"index"` // the leaf in the desk's log, from 0
	Kind     envelope.ID     `json:"kind"`  // backup, certificate, answer, tombstone; custody of a custodian's
	N        int64           `json:"n"`
	Received int64           `json:"received"` // Unix seconds
	Subject  envelope.Digest `json:"subject"`
	Terminal envelope.ID     `json:"terminal"`
	Totals   *Totals         `json:"totals,omitempty"`
	V        int             `json:"v"`
	Verified envelope.ID     `json:"verified"`
}

// Want is what the terminal knows itself.
type Want struct {
	Case     envelope.ID
	Command  envelope.Digest
	Kind     envelope.ID
	N        int64
	Subject  envelope.Digest
	Terminal envelope.ID
	Totals   *Totals
	Verified envelope.ID
}

// ForAnswer is what the receipt for the n-th answer of a case must say. Its command is
// the order that was answered: of an answer that opened no case there is no other.
func ForAnswer(caseID, terminal envelope.ID, order envelope.Digest, n int64, answer envelope.Digest) Want {
	return Want{Case: caseID, Command: order, Kind: Answer, N: n, Subject: answer, Terminal: terminal, Verified: Checked}
}

// ForTombstone is what the receipt for a case's tombstone must say: its subject is what
// the certificate committed to.
func ForTombstone(caseID, terminal envelope.ID, command, commitment envelope.Digest) Want {
	return Want{Case: caseID, Command: command, Kind: Tombstone, N: 1, Subject: commitment, Terminal: terminal, Verified: Checked}
}

// Receipt is what a desk says that wants to say this, but for the leaf and the time.
func (w Want) Receipt() Receipt {
	return Receipt{
		Case: w.Case, Command: w.Command, Kind: w.Kind, N: w.N, Subject: w.Subject, Terminal: w.Terminal,
		Totals: w.Totals, V: 1, Verified: w.Verified,
	}
}

// Check verifies the signature by role receipt and compares every field.
func Check(e *envelope.Envelope, t *trust.Trust, want Want) (Receipt, error) {
	var r Receipt
	if _, err := t.Verify(e, Kind); err != nil {
		return r, envelope.Refuse("E24", "signer", "cannot accept the receipt: %w", err)
	}
	if err := envelope.Decode(e.Payload, &r); err != nil {
		return r, envelope.Refuse("E24", "form", "cannot accept the receipt: %w", err)
	}
	return r, r.Compare(want)
}

// Compare holds every field against what the terminal knows itself; whose
// signature it bears is Check's question.
func (r *Receipt) Compare(want Want) error {
	for _, c := range []struct {
		which string
		ok    bool
	}{
		{"v", r.V == 1}, {"kind", r.Kind == want.Kind}, {"terminal", r.Terminal == want.Terminal},
		{"case", r.Case == want.Case}, {"command", r.Command == want.Command}, {"n", r.N == want.N},
		{"subject", r.Subject == want.Subject}, {"verified", r.Verified == want.Verified},
		{"totals", (r.Totals == nil) == (want.Totals == nil)},
	} {
		if !c.ok {
			return differs(c.which)
		}
	}
	return r.compareTotals(want.Totals)
}

func (r *Receipt) compareTotals(want *Totals) error {
	switch {
	case want == nil:
		return nil
	case r.Totals.Count != want.Count:
		return differs("count")
	case r.Totals.Head != want.Head:
		return differs("head")
	case !slices.Equal(r.Totals.Sums, want.Sums):
		return differs("sums")
	}
	return nil
}

func differs(which string) error {
	return envelope.Refuse("E24", which, "cannot accept the receipt: its %s is not the terminal's own", which)
}
