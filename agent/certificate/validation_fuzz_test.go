package certificate

import (
	"testing"

	"unbindd/agent/envelope"
)

// FuzzValidate: what is read as a validation of a certificate says of its result
// what the certificate says, and accepts no more.
func FuzzValidate(f *testing.F) {
	s := good()
	cert, err := envelope.Seal(envelope.Statement, s, key("device"))
	if err != nil {
		f.Fatal(err)
	}
	v, err := Validate(cert, s, Complete, "", 1)
	if err != nil {
		f.Fatal(err)
	}
	text, err := envelope.Canonical(v)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, payload []byte) {
		got, err := ReadValidation(&envelope.Envelope{PayloadType: envelope.Statement, Payload: payload}, cert, s)
		if err == nil && (got.Predicate.Result != Complete || got.Predicate.Accepts == Partial || got.Predicate.Certificate != cert.Digest()) {
			t.Fatalf("read: %+v", got.Predicate)
		}
	})
}
