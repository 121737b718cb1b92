package agent

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"unbindd/agent/envelope"
	"unbindd/transport"
	"unbindd/transport/transporttest"
)

// shown gives the terminal a client certificate for its own TLS key, as an
// enrolment does.
func (b *bound) shown() {
	b.t.Helper()
	key, err := b.a.keys.TLSKey()
	b.no(err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: string(b.binding.Terminal)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, &x509.Certificate{Subject: pkix.Name{CommonName: "CA"}}, key.Public(), key)
	b.no(err)
	b.a.id.route.Certificate = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// The bell is listened for under the trust of the day: with the next bundle the
// connection is made anew, by what that one believes, and the bell is heard again.
func TestTheDoorbellIsRenewedWithTheTrust(t *testing.T) {
	broker := transporttest.NewBroker(t, transporttest.Now())
	b := newBound(t)
	b.shown()
	b.a.id.route.CA = string(broker.CA.Raw)
	b.a.Link.URL, b.a.Link.RetryMin, b.a.Link.RetryMax = "https://desk.test", time.Millisecond, 10*time.Millisecond
	b.a.MQTT = transport.MQTTConfig{URL: broker.URL, Use: transport.Bell}
	ctx, end := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() { defer close(over); b.a.doorbell(ctx) }()
	defer func() { end(); <-over }()
	heard := func(what string) {
		t.Helper()
		select {
		case <-b.a.rung:
		case <-time.After(30 * time.Second):
			t.Fatal(what)
		}
	}
	heard("nobody listens for the bell")
	next := b.seal("trust", b.bundle(2, b.order.Profile.Digest), "root-1", "root-2", "root-3")
	if changed, err := b.a.move(motion{steps: []*envelope.Envelope{next}}, nil); !changed || err != nil {
		t.Fatalf("the next trust bundle changes nothing: %v", err)
	}
	heard("nobody listens for the bell under the next trust")
}

// asksAgain is a link that, while it is closed, is asked for: as by whoever was
// waiting on it and wants another.
type asksAgain struct {
	transport.Link
	a *Agent
}

func (l asksAgain) Close() error {
	l.a.links()
	return nil
}

// Nobody makes another link with the identity that is about to go.
func TestNoLinkOutlivesTheIdentity(t *testing.T) {
	b := newBound(t)
	made := 0
	b.a.ways = func(route, transport.Identity) (transport.Link, error) {
		made++
		return &openedLink{}, nil
	}
	b.a.link = asksAgain{a: b.a}
	b.a.forgetWho()
	if made > 0 || b.a.link != nil {
		t.Errorf("%d links were made while the identity went, one is left: %v", made, b.a.link != nil)
	}
}
