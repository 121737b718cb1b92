package device

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
)

func (c *pedlink) rotateLink(ctx context.Context, order []byte, next Secret) error {
	wrapped, err := wrapLink(c.key, order, next)
	if err != nil {
		return err
	}
	_, err = c.rotate(ctx, order, wrapped)
	return err
}

func (c *pedlink) rotateTicketKey(ctx context.Context, order []byte, next ed25519.PublicKey) error {
	_, err := c.rotate(ctx, order, next)
	return err
}

func (c *pedlink) rotateRecordKey(ctx context.Context, order []byte) (NewRecordKey, error) {
	answer, err := c.rotate(ctx, order, nil)
	if err != nil {
		return NewRecordKey{}, err
	}
	n := NewRecordKey{
		Serial:    c.identity.Serial,
		Rotations: answer.u32(tagRotations),
		Key:       bytes.Clone(answer.fixed(tagRecordKey, ed25519.PublicKeySize)),
		Signature: bytes.Clone(answer.fixed(tagSignature, ed25519.SignatureSize)),
	}
	return n, answer.err
}

func (c *pedlink) rotate(ctx context.Context, order, value []byte) (*fields, error) {
	body := appendField(nil, tagRotation, order)
	if value != nil {
		body = appendField(body, tagNewValue, value)
	}
	return c.do(ctx, command{code: cmdRotate, body: body})
}

func (c *pedlink) pairedBy(s Secret) bool { return c.key.equal(s) }

// linkKCV is the method and the KCV by which HELLO names a link key: AES-CMAC over 16 zero bytes, 5 of it.
func linkKCV(s Secret) ([]byte, error) {
	m, err := newCMAC(s.key()[:])
	if err != nil {
		return nil, err
	}
	const methodCMAC = 2
	sum := m.sum(make([]byte, 16))
	return append([]byte{methodCMAC}, sum[:5]...), nil
}

// wrapLink hides a new link key under one that is derived from the present one for this order alone
// (SP 800-108 in counter mode with CMAC, then RFC 3394).
func wrapLink(present Secret, order []byte, next Secret) ([]byte, error) {
	root, err := newCMAC(present.key()[:])
	if err != nil {
		return nil, err
	}
	of := sha256.Sum256(order)
	kek := root.sum(kdfInput("pedlink/1 rotate", of[:], nil))
	defer clear(kek[:])
	return wrapKey(kek[:], next.key()[:])
}
