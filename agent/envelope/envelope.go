package envelope

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
)

// Limits of one envelope, in bytes and signatures.
const (
	MaxSize       = 256 << 10
	MaxCommand    = 16 << 10
	MaxSignatures = 8
)

// Statement is the payload type of a certificate (in-toto attestation).
const Statement = "application/vnd.in-toto+json"

// Type is the payload type of one of our kinds: command, manifest, receipt ...
func Type(kind string) string { return "application/vnd.unbindd." + kind + ".v1+json" }

// Envelope is a DSSE envelope: a typed payload and signatures over both.
// Source: the DSSE protocol, secure-systems-lab/dsse.
type Envelope struct {
	PayloadType string
	Payload     []byte
	Signatures  []Signature
}

// Signature is one signature over the PAE bytes; KeyID is only a hint.
type Signature struct {
	KeyID KeyID
	Sig   []byte
}

type wireEnvelope struct {
	Payload     string          `json:"payload"`
	PayloadType string          `json:"payloadType"`
	Signatures  []wireSignature `json:"signatures"`
}

type wireSignature struct {
	KeyID KeyID  `json:"keyid"`
	Sig   string `json:"sig"`
}

// Parse reads one envelope of at most max bytes. It refuses with E01 (too
// large, too many signatures) or E02 (shape, base64, duplicates, trailing
// bytes) and looks at nothing inside the payload.
func Parse(text []byte, max int) (*Envelope, error) {
	if len(text) > max {
		return nil, Refuse("E01", "bytes", "cannot read the envelope: it has %d bytes, %d are allowed", len(text), max)
	}
	if e := written(text); e != nil {
		return e, nil
	}
	if detail, err := scan(text); err != nil {
		return nil, Refuse("E02", detail, "cannot read the envelope: %w", err)
	}
	var w wireEnvelope
	if err := strict(text, &w); err != nil || !exact(text) {
		return nil, Refuse("E02", "shape", "cannot read the envelope: it is not of the DSSE shape")
	}
	if len(w.Signatures) > MaxSignatures {
		return nil, Refuse("E01", "signatures", "cannot read the envelope: it has %d signatures, %d are allowed", len(w.Signatures), MaxSignatures)
	}
	return w.open()
}

// exact refuses the case variants that Go's decoder takes for a member.
func exact(text []byte) bool {
	var top map[string]json.RawMessage
	var signatures []map[string]json.RawMessage
	if json.Unmarshal(text, &top) != nil || json.Unmarshal(top["signatures"], &signatures) != nil {
		return false
	}
	ok := len(top) == 3 && top["payload"] != nil && top["payloadType"] != nil
	for _, s := range signatures {
		ok = ok && len(s) == 2 && s["keyid"] != nil && s["sig"] != nil
	}
	return ok
}

// ParseEncoded is Parse and Encode: it returns beside the envelope what Encode writes
// of it, which for most is the text itself.
func ParseEncoded(text []byte, max int) (*Envelope, []byte, error) {
	if len(text) <= max {
		if e := written(text); e != nil {
			return e, text, nil
		}
	}
	e, err := Parse(text, max)
	if err != nil {
		return nil, nil, err
	}
	return e, e.Encode(), nil
}

func (w wireEnvelope) open() (*Envelope, error) {
	payload, err := unbase(w.Payload)
	if err != nil {
		return nil, err
	}
	e := &Envelope{PayloadType: w.PayloadType, Payload: payload}
	for _, s := range w.Signatures {
		sig, err := unbase(s.Sig)
		if err != nil {
			return nil, err
		}
		e.Signatures = append(e.Signatures, Signature{KeyID: s.KeyID, Sig: sig})
	}
	return e, nil
}

// unbase accepts one alphabet, padded, and nothing that would be written
// differently: two texts must not mean the same bytes.
func unbase(s string) ([]byte, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || base64.StdEncoding.EncodeToString(b) != s {
		return nil, Refuse("E02", "base64", "cannot read the envelope: its base64 is not standard and padded")
	}
	return b, nil
}

// PAE is the pre-authentication encoding, the bytes that are signed.
func (e *Envelope) PAE() []byte { return slices.Concat(e.head(), e.Payload) }

func (e *Envelope) head() []byte {
	head := "DSSEv1 " + strconv.Itoa(len(e.PayloadType)) + " " + e.PayloadType + " " + strconv.Itoa(len(e.Payload)) + " "
	return []byte(head)
}

// Digest is SHA-256 over the PAE bytes: the name of the signed object, whatever
// signatures stand under it.
func (e *Envelope) Digest() Digest {
	h := sha256.New()
	h.Write(e.head())
	h.Write(e.Payload)
	return FromRaw([32]byte(h.Sum(nil)))
}

// DigestOf is the digest of plain bytes.
func DigestOf(b []byte) Digest {
	sum := sha256.Sum256(b)
	return Digest("sha256:" + hex.EncodeToString(sum[:]))
}

// Raw returns the 32 bytes of a digest.
func (s Digest) Raw() ([32]byte, error) {
	var raw [32]byte
	if !s.Valid() {
		return raw, fmt.Errorf("cannot read a digest: it is not of the class sha256:<64 hex>")
	}
	_, err := hex.Decode(raw[:], []byte(s.Hex()))
	return raw, err
}

// FromRaw writes 32 bytes as a digest.
func FromRaw(raw [32]byte) Digest { return Digest("sha256:" + hex.EncodeToString(raw[:])) }

// Encode writes the envelope as JSON, always the same bytes for the same envelope.
func (e *Envelope) Encode() []byte {
	if out, ok := e.write(); ok {
		return out
	}
	return e.marshal()
}

func (e *Envelope) marshal() []byte {
	w := wireEnvelope{
		Payload:     base64.StdEncoding.EncodeToString(e.Payload),
		PayloadType: e.PayloadType,
		Signatures:  []wireSignature{},
	}
	for _, s := range e.Signatures {
		w.Signatures = append(w.Signatures, wireSignature{KeyID: s.KeyID, Sig: base64.StdEncoding.EncodeToString(s.Sig)})
	}
	out, err := json.Marshal(w)
	if err != nil {
		panic("envelope: a parsed or sealed envelope always encodes: " + err.Error())
	}
	return out
}

// Seal encodes v, and signs it for every signer.
func Seal(payloadType string, v any, signers ...Signer) (*Envelope, error) {
	payload, err := Canonical(v)
	if err != nil {
		return nil, err
	}
	e := &Envelope{PayloadType: payloadType, Payload: payload}
	for _, s := range signers {
		if err := e.Add(s); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// Add signs the envelope for one more key; a key signs once.
func (e *Envelope) Add(s Signer) error {
	id := s.Public().ID()
	for _, have := range e.Signatures {
		if have.KeyID == id {
			return fmt.Errorf("cannot sign the envelope: key %s has signed it already", id)
		}
	}
	sig, err := s.Sign(e.PAE())
	if err != nil {
		return fmt.Errorf("cannot sign the envelope: %w", err)
	}
	e.Signatures = append(e.Signatures, Signature{KeyID: id, Sig: sig})
	return nil
}

var rooms = sync.Pool{New: func() any { return new([]byte) }}

// SignedBy says whether key signed the envelope; the key id hint is not asked.
func (e *Envelope) SignedBy(key PublicKey) bool {
	room := rooms.Get().(*[]byte)
	defer rooms.Put(room) // nobody keeps what a signature was checked over
	pae := append(append((*room)[:0], e.head()...), e.Payload...)
	*room = pae
	for _, s := range e.Signatures {
		if key.Verify(pae, s.Sig) {
			return true
		}
	}
	return false
}
