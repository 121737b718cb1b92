package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"sync/atomic"
	"testing"

	"unbindd/agent/enrol"
	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/store"
)

// turnstile is a base that counts its changes.
type turnstile struct {
	store.Base
	changes atomic.Int64
}

func (c *turnstile) Change(f func(store.Rows) error) error {
	c.changes.Add(1)
	return c.Base.Change(f)
}

// Who has no certificate takes no turn at writing with what is refused: everybody
// else would wait for it.
func TestWhatStrangersSendTakesNoTurn(t *testing.T) {
	var base *turnstile
	p := newPair(t, func(dir string) store.Base { base = &turnstile{Base: boltBase(t)(dir)}; return base }, folderOf)
	d := p.desks[0]
	_, device, err := ed25519.GenerateKey(rand.Reader)
	p.check(err)
	key, err := authority.NewTLSKey(rand.Reader)
	p.check(err)
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	p.check(err)
	signer := envelope.NewSigner(device)
	e, err := envelope.Seal(envelope.Type("enrol-request"), enrol.Request{
		Device: signer.Public(), Nonce: "0123456789abcdef0123456789abcdef", Reader: "R", Serial: "S",
		Terminal: "T-1", Ticket: envelope.DigestOf(nil), TLS: der, V: 1,
	}, signer)
	p.check(err)
	before := base.changes.Load()
	if _, err := d.Enrol(e.Encode()); !errors.Is(err, desk.ErrForeign) || envelope.CodeOf(err) != "E30:unknown" {
		t.Errorf("an enrolment with an unknown ticket: %v", err)
	}
	preimage := []byte(`{"r":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","v":1}`)
	if _, _, err := d.Tombstone("C-1", preimage); !errors.Is(err, desk.ErrForeign) || envelope.CodeOf(err) != "E28:tombstone" {
		t.Errorf("a tombstone of no case: %v", err)
	}
	if n := base.changes.Load() - before; n != 0 {
		t.Errorf("they took %d turns at writing", n)
	}
}
