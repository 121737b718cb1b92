// Package enrol is how a terminal becomes bound: the ticket that allows it, the
// terminal's signed request, and the binding that ties its device key to the
// terminal, the merchant and the reader for anyone who checks a certificate.
package enrol

import (
	"cmp"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// Ticket allows one enrolment. Trust is the digest of the first trust bundle,
// shown for comparison out of band; SPKI pins the desk's TLS key.
type Ticket struct {
	Nonce    envelope.ID     `json:"nonce"`
	Serial   envelope.ID     `json:"serial"`
	SPKI     envelope.Digest `json:"spki"`
	Terminal envelope.ID     `json:"terminal"`
	Trust    envelope.Digest `json:"trust"`
	URL      envelope.ID     `json:"url"`
	V        int             `json:"v"`
}

// Request is the terminal's side, signed by the device key it carries.
type Request struct {
	Device   envelope.PublicKey `json:"device"`
	Driver   envelope.ID        `json:"driver,omitempty"` // what the reader spoke; "" is pedlink
	Nonce    envelope.ID        `json:"nonce"`
	Reader   envelope.ID        `json:"reader"` // serial number, read live
	Serial   envelope.ID        `json:"serial"`
	Terminal envelope.ID        `json:"terminal"`
	Ticket   envelope.Digest    `json:"ticket"`
	TLS      []byte             `json:"tls"` // SubjectPublicKeyInfo, DER
	V        int                `json:"v"`
}

// Reader names the bound reader: the protocol it speaks ("" is pedlink), its
// serial number, and the raw Ed25519 key that signs its erase records. A reader
// of another protocol signs none, and only its binding may say so.
type Reader struct {
	Driver envelope.ID `json:"driver,omitempty"`
	Pub    []byte      `json:"pub,omitempty"`
	SN     envelope.ID `json:"sn"`
}

// Pedlink is the protocol of a reader that checks tickets and signs records.
const Pedlink = "pedlink"

// Protocol is what the reader speaks.
func (r Reader) Protocol() string { return cmp.Or(string(r.Driver), Pedlink) }

// Signs says whether the reader signs its erase records.
func (r Reader) Signs() bool { return r.Protocol() == Pedlink }

// silent are the protocols whose readers check no ticket and sign no record.
var silent = []envelope.ID{"mpos", "ccid"}

// Check says whether the protocol is one of those known by this name, and has
// the key it must have: pedlink one, any other none. A name that nobody speaks
// would bind a terminal to a reader that it can never reach.
func (r Reader) Check() error {
	want := 0
	if r.Signs() {
		want = ed25519.PublicKeySize
	}
	if r.SN == "" || len(r.Pub) != want || (r.Driver != "" && !slices.Contains(silent, r.Driver)) {
		return refuse("reader", "the reader's serial number, protocol or record key is not supported")
	}
	return nil
}

// Binding is signed by role enrol. Account and USCC are element digests, so
// that nobody guesses them back.
type Binding struct {
	Account  envelope.Digest    `json:"account"`
	Acquirer envelope.ID        `json:"acquirer"`
	Device   envelope.PublicKey `json:"device"`
	Epoch    int64              `json:"epoch"`
	Merchant envelope.ID        `json:"merchant"`
	Reader   Reader             `json:"reader"`
	Serial   envelope.ID        `json:"serial"`
	Terminal envelope.ID        `json:"terminal"`
	USCC     envelope.Digest    `json:"uscc"`
	V        int                `json:"v"`
}

// Element is SHA-256 over the label, the salt and the value, each with its
// length before it.
func Element(salt []byte, value string) envelope.Digest {
	var m []byte
	for _, field := range [][]byte{[]byte("unbindd/element/1"), salt, []byte(value)} {
		m = binary.BigEndian.AppendUint16(m, uint16(len(field)))
		m = append(m, field...)
	}
	sum := sha256.Sum256(m)
	return envelope.Digest("sha256:" + hex.EncodeToString(sum[:]))
}

// ReadTicket reads a ticket without verifying it: its signer is only known once
// the trust bundle it names has been fetched. Verify follows.
func ReadTicket(e *envelope.Envelope) (Ticket, error) {
	var t Ticket
	if e.PayloadType != envelope.Type("enrol-ticket") {
		return t, envelope.Refuse("E03", "", "cannot take the envelope as an enrolment ticket: its type is another")
	}
	if err := envelope.Decode(e.Payload, &t); err != nil {
		return t, err
	}
	if t.V != 1 {
		return t, refuse("version", "the ticket's version is not supported")
	}
	return t, nil
}

// OpenRequest checks that a request is signed by the device key it carries.
func OpenRequest(e *envelope.Envelope) (Request, error) {
	var r Request
	if e.PayloadType != envelope.Type("enrol-request") {
		return r, envelope.Refuse("E03", "", "cannot take the envelope as an enrolment request: its type is another")
	}
	if err := envelope.Decode(e.Payload, &r); err != nil {
		return r, err
	}
	if r.V != 1 || !e.SignedBy(r.Device) {
		return r, refuse("signature", "the request is not signed by its device key")
	}
	return r, nil
}

// OpenBinding verifies a binding against the trust bundle.
func OpenBinding(e *envelope.Envelope, t *trust.Trust) (Binding, error) {
	var b Binding
	if _, err := t.Verify(e, "binding"); err != nil {
		return b, err
	}
	if err := envelope.Decode(e.Payload, &b); err != nil {
		return b, err
	}
	if b.V != 1 || b.Device.Check() != nil {
		return b, refuse("binding", "the binding's version or device key is not supported")
	}
	return b, b.Reader.Check()
}

// Fits says whether the binding answers the ticket and the request.
func (b *Binding) Fits(t Ticket, r Request, lastEpoch int64) error {
	switch {
	case b.Terminal != t.Terminal || b.Serial != t.Serial:
		return refuse("terminal", "the binding is for another terminal")
	case b.Device.ID() != r.Device.ID():
		return refuse("device", "the binding names another device key")
	case b.Reader.SN != r.Reader || b.Reader.Driver != r.Driver:
		return refuse("reader", "the binding names another reader, or another protocol than the reader spoke")
	case b.Epoch <= lastEpoch:
		return refuse("epoch", "the binding's epoch is not higher than the last one")
	}
	return nil
}

func refuse(detail, why string) error {
	return envelope.Refuse("E30", detail, "cannot enrol: %s", why)
}
