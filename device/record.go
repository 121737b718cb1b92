package device

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
)

// EraseRecord is what the reader signs about one erase.
type EraseRecord struct {
	Serial       string
	EraseCounter uint32   // after the erase: the challenge's plus one
	Ticket       [32]byte // SHA-256 of the ticket's message
	Nonce        [16]byte // the host's, of the commit that erased
	Results      []SlotResult
	Signature    []byte // Ed25519 over Message, 64 bytes
}

// SlotResult is what became of one slot.
type SlotResult struct {
	Slot   uint16
	Result EraseResult
}

// EraseResult is the reader's word about one slot.
type EraseResult uint8

// What can become of a slot.
const (
	ResultErased       EraseResult = 0
	ResultAlreadyEmpty EraseResult = 1
	ResultFailed       EraseResult = 2
)

const recordLabel = "pedlink-record/1"

// Message rebuilds the bytes that are signed: each field with its length before it, the label first.
func (e EraseRecord) Message() []byte {
	var results []byte
	for _, s := range e.Results {
		results = binary.BigEndian.AppendUint16(results, s.Slot)
		results = append(results, byte(s.Result))
	}
	counter := binary.BigEndian.AppendUint32(nil, e.EraseCounter)
	var m []byte
	for _, part := range [][]byte{[]byte(recordLabel), []byte(e.Serial), counter, e.Ticket[:], e.Nonce[:], results} {
		m = binary.BigEndian.AppendUint16(m, uint16(len(part)))
		m = append(m, part...)
	}
	return m
}

// Verify checks the signature with the reader's record key.
func (e EraseRecord) Verify(pub ed25519.PublicKey) error {
	if len(pub) != ed25519.PublicKeySize {
		return fmt.Errorf("cannot verify erase record: key has %d bytes", len(pub))
	}
	if !ed25519.Verify(pub, e.Message(), e.Signature) {
		return errors.New("cannot verify erase record: signature is wrong")
	}
	return nil
}

// ParseRecord reads a signed message; the signature is kept, not checked.
func ParseRecord(message, signature []byte) (EraseRecord, error) {
	parts, err := splitFields(message)
	if err != nil {
		return EraseRecord{}, err
	}
	if len(parts) != 6 || string(parts[0]) != recordLabel || !isID(parts[1]) || len(parts[2]) != 4 ||
		len(parts[3]) != 32 || len(parts[4]) != 16 || len(signature) != ed25519.SignatureSize {
		return EraseRecord{}, fmt.Errorf("%w: no erase record", errDamaged)
	}
	results, err := parseResults(parts[5])
	if err != nil {
		return EraseRecord{}, err
	}
	return EraseRecord{
		Serial:       string(parts[1]),
		EraseCounter: binary.BigEndian.Uint32(parts[2]),
		Ticket:       [32]byte(parts[3]),
		Nonce:        [16]byte(parts[4]),
		Results:      results,
		Signature:    bytes.Clone(signature),
	}, nil
}

// parseResults wants slots in ascending order, each once: a slot must not have two results.
func parseResults(b []byte) ([]SlotResult, error) {
	if len(b)%3 != 0 {
		return nil, fmt.Errorf("%w: results are cut short", errDamaged)
	}
	var results []SlotResult
	for ; len(b) > 0; b = b[3:] {
		s := SlotResult{binary.BigEndian.Uint16(b), EraseResult(b[2])}
		if n := len(results); n > 0 && results[n-1].Slot >= s.Slot {
			return nil, fmt.Errorf("%w: results are out of order", errDamaged)
		}
		if s.Result > ResultFailed {
			return nil, fmt.Errorf("%w: result %d is unknown", errDamaged, s.Result)
		}
		results = append(results, s)
	}
	return results, nil
}

// splitFields undoes the length prefixes of a signed message.
func splitFields(m []byte) ([][]byte, error) {
	var parts [][]byte
	for len(m) > 0 {
		if len(m) < 2 || len(m)-2 < int(binary.BigEndian.Uint16(m)) {
			return nil, fmt.Errorf("%w: signed message is cut short", errDamaged)
		}
		end := 2 + int(binary.BigEndian.Uint16(m))
		parts = append(parts, m[2:end])
		m = m[end:]
	}
	return parts, nil
}

func parseRecordFields(f *fields) (EraseRecord, error) {
	if f.err != nil {
		return EraseRecord{}, f.err
	}
	return ParseRecord(f.optional(tagRecord), f.optional(tagSignature))
}
