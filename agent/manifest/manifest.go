// Package manifest is what the terminal signs about its backup: which case and
// command, how many records, which sums, where the chain ends, how the sealed
// file is called by digest, and which challenge the reader gave.
package manifest

import (
	"unbindd/agent/envelope"
)

// Kind is the payload kind of a manifest.
const Kind = "manifest"

// Sum is a total of the ledger: amount in minor units.
type Sum struct {
	Amount   int64       `json:"amount"`
	Count    int64       `json:"count"`
	Currency envelope.ID `json:"currency"`
	Kind     envelope.ID `json:"kind"`
	Result   envelope.ID `json:"result"`
}

// Reader is what the erase ticket will be made for: erase counter, challenge
// and serial number.
type Reader struct {
	EraCnt int64       `json:"eracnt"`
	RC     []byte      `json:"rc,omitempty"` // absent where the reader needs no ticket
	SN     envelope.ID `json:"sn"`
}

// Manifest is the payload. With gate "none" Count is 0 and Digest is the
// digest of no bytes.
type Manifest struct {
	Case       envelope.ID     `json:"case"`
	Command    envelope.Digest `json:"command"`
	Count      int64           `json:"count"`  // transactions
	Digest     envelope.Digest `json:"digest"` // of the sealed file
	Epoch      int64           `json:"epoch"`
	Events     int64           `json:"events"` // chained records that are no transaction
	EvSeq      int64           `json:"evseq"`  // the reader's last event in the ledger
	First      int64           `json:"first"`
	Head       envelope.Digest `json:"head"`
	Last       int64           `json:"last"`
	Lost       int64           `json:"lost,omitempty"` // of the refused, those the reader had lost
	N          int64           `json:"n"`
	Reader     Reader          `json:"reader"`
	Refused    int64           `json:"refused"` // records kept without content
	Scope      []int64         `json:"scope"`   // slots the erase will cover, sorted
	Size       int64           `json:"size"`    // bytes of the sealed file
	Sums       []Sum           `json:"sums"`
	Supersedes envelope.Digest `json:"supersedes,omitempty"`
	Terminal   envelope.ID     `json:"terminal"`
	V          int             `json:"v"`
}

// Open checks a manifest against the device key of its terminal.
func Open(e *envelope.Envelope, device envelope.PublicKey) (Manifest, error) {
	var m Manifest
	if e.PayloadType != envelope.Type(Kind) {
		return m, envelope.Refuse("E03", "", "cannot take the envelope as a manifest: its type is another")
	}
	if !e.SignedBy(device) {
		return m, envelope.Refuse("E04", "", "cannot verify the manifest: it is not signed by the terminal's device key")
	}
	if err := envelope.Decode(e.Payload, &m); err != nil {
		return m, err
	}
	if m.V != 1 {
		return m, envelope.Refuse("E07", "manifest", "cannot use the manifest: its version is not supported")
	}
	return m, nil
}
