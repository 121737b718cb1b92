package authority

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"math/big"
	"testing"
)

// A client's key has one name, whichever way it is come to.
func TestClientSPKIIsSPKI(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), nil} {
		var key crypto.Signer = ed
		if curve != nil {
			if key, err = ecdsa.GenerateKey(curve, rand.Reader); err != nil {
				t.Fatal(err)
			}
		}
		plan := &x509.Certificate{SerialNumber: big.NewInt(1)}
		der, err := x509.CreateCertificate(rand.Reader, plan, plan, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		want, err := SPKI(key.Public())
		got, err2 := ClientSPKI(cert)
		if err != nil || err2 != nil || got != want || !got.Valid() {
			t.Errorf("%T: %s (%v), want %s (%v)", key, got, err2, want, err)
		}
		cert.RawSubjectPublicKeyInfo = append([]byte{0}, cert.RawSubjectPublicKeyInfo[1:]...) // another spelling
		if got, err := ClientSPKI(cert); err != nil || got != want {
			t.Errorf("%T, spelled otherwise: %s (%v), want %s", key, got, err, want)
		}
	}
}
