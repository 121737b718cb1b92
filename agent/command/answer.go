package command

import (
	"unbindd/agent/envelope"
)

// The outcomes of an answer.
const (
	Accepted  = "accepted"
	Refused   = "refused"
	Undone    = "undone"    // a reversible step gave up, the terminal trades again
	Cancelled = "cancelled" // taken back by a cancel
	Completed = "completed" // the certificate is signed
)

// CodeNone is the code of an answer that refuses nothing.
const CodeNone = "none"

// Answer is the terminal's signed word on an order; Subject is the digest of
// what is answered, N counts the answers of the case.
type Answer struct {
	Case     envelope.ID     `json:"case"`
	Code     envelope.ID     `json:"code"`
	N        int64           `json:"n"`
	Outcome  envelope.ID     `json:"outcome"`
	Subject  envelope.Digest `json:"subject"`
	Terminal envelope.ID     `json:"terminal"`
	V        int             `json:"v"`
}

// OpenAnswer checks an answer against the device key of its terminal.
func OpenAnswer(e *envelope.Envelope, device envelope.PublicKey) (Answer, error) {
	var a Answer
	if e.PayloadType != envelope.Type("answer") {
		return a, envelope.Refuse("E03", "", "cannot take the envelope as an answer: its type is another")
	}
	if !e.SignedBy(device) {
		return a, envelope.Refuse("E04", "", "cannot verify the answer: it is not signed by the terminal's device key")
	}
	return a, envelope.Decode(e.Payload, &a)
}
