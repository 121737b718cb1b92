// Package ticket is what the reader wants to see before it erases: a signature
// by role reader over its serial number, its own challenge, its erase counter,
// the slots, the command and what allows the erase. No clock, no ticket without
// a challenge. Neither the terminal nor the desk can make one.
package ticket

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// Label begins the signed bytes.
const Label = "pedlink-ticket/1"

// Order is everything a ticket is made for. Authority is the receipt's digest,
// or that of the command or amendment that allows its absence.
type Order struct {
	SN        envelope.ID
	RC        []byte // 16 bytes
	EraCnt    uint32
	Scope     []uint16 // sorted slots
	Command   envelope.Digest
	Authority envelope.Digest
}

// File is a ticket on disk and on links: without what the terminal knows anyway.
type File struct {
	EraCnt int64       `json:"eracnt"`
	RC     []byte      `json:"rc"`
	Scope  []int64     `json:"scope"`
	Sig    []byte      `json:"sig"`
	SN     envelope.ID `json:"sn"`
}

// Message is what is signed: each field with its length before it.
func (o Order) Message() ([]byte, error) {
	command, err := o.Command.Raw()
	if err != nil {
		return nil, err
	}
	authority, err := o.Authority.Raw()
	if err != nil {
		return nil, err
	}
	var scope []byte
	for _, slot := range o.Scope {
		scope = binary.BigEndian.AppendUint16(scope, slot)
	}
	var m []byte
	for _, field := range [][]byte{
		[]byte(Label), []byte(o.SN), o.RC, binary.BigEndian.AppendUint32(nil, o.EraCnt), scope, command[:], authority[:],
	} {
		m = binary.BigEndian.AppendUint16(m, uint16(len(field)))
		m = append(m, field...)
	}
	return m, nil
}

// Digest names the ticket in the reader's erase record: SHA-256 of the message.
func (o Order) Digest() ([32]byte, error) {
	m, err := o.Message()
	return sha256.Sum256(m), err
}

// Sign makes the ticket.
func (o Order) Sign(by envelope.Signer) (File, error) {
	m, err := o.Message()
	if err != nil {
		return File{}, err
	}
	sig, err := by.Sign(m)
	if err != nil {
		return File{}, err
	}
	f := File{EraCnt: int64(o.EraCnt), RC: o.RC, SN: o.SN, Scope: []int64{}, Sig: sig}
	for _, slot := range o.Scope {
		f.Scope = append(f.Scope, int64(slot))
	}
	return f, nil
}

// Read reads a ticket file; it refuses with E29.
func Read(text []byte) (File, error) {
	var f File
	if err := envelope.Decode(bytes.TrimSpace(text), &f); err != nil {
		return f, envelope.Refuse("E29", "form", "cannot read the ticket: %w", err)
	}
	return f, nil
}

// Check compares a ticket with the order it must be for, verifies it by a key
// of role reader, and returns the bytes the reader wants: the message with its
// length, then the signature.
func (f File) Check(o Order, t *trust.Trust) ([]byte, error) {
	if err := f.Compare(o); err != nil {
		return nil, err
	}
	m, err := o.Message()
	if err != nil {
		return nil, err
	}
	for _, key := range t.RoleKeys(trust.Reader) {
		if key.Verify(m, f.Sig) {
			out := binary.BigEndian.AppendUint16(nil, uint16(len(m)))
			return append(append(out, m...), f.Sig...), nil
		}
	}
	return nil, refuse("signature", "it is not signed by a key of role reader for this command and receipt")
}

// Compare holds a ticket against the order it must be for; whose signature it
// bears, and for which command and receipt, is Check's question.
func (f File) Compare(o Order) error {
	switch {
	case f.SN != o.SN:
		return refuse("reader", "it is for another reader")
	case !bytes.Equal(f.RC, o.RC) || len(f.RC) != 16:
		return refuse("challenge", "it answers another challenge of the reader")
	case f.EraCnt != int64(o.EraCnt):
		return refuse("counter", "it is for another erase counter")
	case !slices.EqualFunc(f.Scope, o.Scope, func(a int64, b uint16) bool { return a == int64(b) }):
		return refuse("scope", "it covers other slots")
	}
	return nil
}

func refuse(detail, why string) error {
	return envelope.Refuse("E29", detail, "cannot accept the ticket: %s", why)
}
