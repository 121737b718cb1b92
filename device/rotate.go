package device

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
)

// Rotation changes the reader's own keys. An order is signed by the present ticket key over
// lp("pedlink-rotation/1", serial, rotation counter, which key, SHA-256 of the new value) and is opaque here, as
// tickets are. The same order again is answered without doing it twice, so after ErrHangup or ErrTimeout it is
// simply given again.

// NewRecordKey is what the reader says about the record key it has made: signed by the key before it.
type NewRecordKey struct {
	Serial    string
	Rotations uint32 // rotation counter after the order
	Key       ed25519.PublicKey
	Signature []byte // Ed25519 of the former record key over Message, 64 bytes
}

// Message rebuilds the bytes that are signed: each field with its length before it, the label first.
func (n NewRecordKey) Message() []byte {
	counter := binary.BigEndian.AppendUint32(nil, n.Rotations)
	var m []byte
	for _, part := range [][]byte{[]byte("pedlink-record-key/1"), []byte(n.Serial), counter, n.Key} {
		m = binary.BigEndian.AppendUint16(m, uint16(len(part)))
		m = append(m, part...)
	}
	return m
}

// Verify checks the signature with the record key that was in force before.
func (n NewRecordKey) Verify(former ed25519.PublicKey) error {
	if len(former) != ed25519.PublicKeySize || !ed25519.Verify(former, n.Message(), n.Signature) {
		return errors.New("cannot verify new record key: the former one has not signed it")
	}
	return nil
}

// RotateLink gives the reader another pairing key and proves it in a session of its own. The caller has the new
// key safe before, beside the old one, and starts with both (Options.Successor) until RotateLink has returned nil:
// then the reader has destroyed the old one. Until that session the reader believes both. While a rotation to another
// key is unfinished a third one is refused, and nothing is sent: it could take the place of the only key the reader has.
func (r *Reader) RotateLink(ctx context.Context, order []byte, next Secret) error {
	if err := r.rotateLink(ctx, order, next); err != nil {
		return fmt.Errorf("cannot rotate link key: %w", err)
	}
	return nil
}

func (r *Reader) rotateLink(ctx context.Context, order []byte, next Secret) error {
	if next.IsZero() {
		return errors.New("there is no new key")
	}
	k, err := can[keyRotator](ctx, r, CanRotate)
	if err != nil {
		return err
	}
	if err := r.settle(ctx, k, next); err != nil {
		return err
	}
	first := r.expect(next)
	if err := k.rotateLink(ctx, order, next); err != nil {
		if first && errors.As(err, new(ErrRefused)) {
			r.withdraw()
		}
		return err
	}
	if !k.pairedBy(next) {
		if err := r.reopen(ctx); err != nil {
			return err
		}
	}
	// The reader lets the old key go with the first authentic command under the new one: this is one.
	if k, err = can[keyRotator](ctx, r, CanRotate); err != nil {
		return err
	}
	if !k.pairedBy(next) {
		return fmt.Errorf("%w: the reader answers by its former key", ErrLocked)
	}
	if _, err := r.Identify(ctx); err != nil {
		return err
	}
	r.adopt(next)
	return nil
}

// RotateTicketKey makes the reader believe tickets and orders of another key, at once and of that alone.
func (r *Reader) RotateTicketKey(ctx context.Context, order []byte, next ed25519.PublicKey) error {
	k, err := can[keyRotator](ctx, r, CanRotate)
	if err == nil {
		err = k.rotateTicketKey(ctx, order, next)
	}
	if err != nil {
		return fmt.Errorf("cannot rotate ticket key: %w", err)
	}
	return nil
}

// RotateRecordKey makes the reader sign with a key that it makes itself. Verify the answer with the former key;
// records made before keep their signatures.
func (r *Reader) RotateRecordKey(ctx context.Context, order []byte) (NewRecordKey, error) {
	k, err := can[keyRotator](ctx, r, CanRotate)
	if err != nil {
		return NewRecordKey{}, fmt.Errorf("cannot rotate record key: %w", err)
	}
	made, err := k.rotateRecordKey(ctx, order)
	if err != nil {
		return NewRecordKey{}, fmt.Errorf("cannot rotate record key: %w", err)
	}
	return made, nil
}

// pairing holds the keys a conversation may be authenticated with. It changes while the Reader lives:
//
//	present -> present + successor (RotateLink) -> successor alone (proven in a session)
//	           present + successor -> present (the reader refused the order)
type pairing struct{ present, successor Secret }

// keys lists the newest first.
func (p pairing) keys() []Secret {
	var all []Secret
	for _, key := range []Secret{p.successor, p.present} {
		if !key.IsZero() {
			all = append(all, key)
		}
	}
	return all
}

// pairingKeys are those of New, or those a rotation has put in their place since.
func (o *Options) pairingKeys() []Secret {
	if o.pairing == nil {
		return pairing{o.Pairing, o.Successor}.keys()
	}
	return o.pairing()
}

func (r *Reader) pairingKeys() []Secret {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pairing.keys()
}

// settle ends a rotation before this one. A successor that the session was proven with is the reader's only key from
// its first authentic command on, and becomes ours; one that was not may still be in the reader's hands.
func (r *Reader) settle(ctx context.Context, k keyRotator, next Secret) error {
	r.mu.Lock()
	open := r.pairing.successor
	r.mu.Unlock()
	switch {
	case open.IsZero(), open.equal(next):
		return nil
	case !k.pairedBy(open):
		return errors.New("another new key is not proven yet: finish that rotation first")
	}
	if _, err := r.Identify(ctx); err != nil {
		return err
	}
	r.adopt(open)
	return nil
}

// expect holds the new key beside the present one; first: it was not there before.
func (r *Reader) expect(next Secret) (first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first = r.pairing.successor.IsZero()
	r.pairing.successor = next
	return first
}

// withdraw lets go of a new key that the reader has refused.
func (r *Reader) withdraw() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pairing.successor = Secret{}
}

func (r *Reader) adopt(next Secret) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pairing = pairing{present: next}
}
