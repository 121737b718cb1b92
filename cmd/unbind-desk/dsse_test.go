package main

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"unbindd/agent/enrol"
	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// plainKey is an Ed25519 key as the library wants one.
type plainKey struct {
	id     string
	public ed25519.PublicKey
}

func (k plainKey) Verify(_ context.Context, data, sig []byte) error {
	if !ed25519.Verify(k.public, data, sig) {
		return errors.New("the signature does not fit")
	}
	return nil
}
func (k plainKey) KeyID() (string, error)   { return k.id, nil }
func (k plainKey) Public() crypto.PublicKey { return k.public }

// Every envelope of docs/wire is one to in-toto's own library for DSSE, too: each
// signature fits, and none fits any more when a bit of the payload is another.
func TestAnotherLibraryReadsOurEnvelopes(t *testing.T) {
	files, err := filepath.Glob("../../docs/wire/*.json")
	if err != nil {
		t.Fatal(err)
	}
	keys := wireKeys(t)
	read := 0
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var e dsse.Envelope
		if json.Unmarshal(text, &e) != nil || e.PayloadType == "" {
			continue // a payload, a ticket, a tombstone
		}
		if filepath.Base(path) == "campaign.json" {
			continue // signed by people of another example bundle
		}
		read++
		v, err := dsse.NewMultiEnvelopeVerifier(len(e.Signatures), keys...)
		if err != nil {
			t.Fatal(err)
		}
		if accepted, err := v.Verify(t.Context(), &e); err != nil || len(accepted) != len(e.Signatures) {
			t.Errorf("%s: %d of %d signatures fit: %v", path, len(accepted), len(e.Signatures), err)
		}
		for _, change := range []func(*dsse.Envelope){
			func(e *dsse.Envelope) { e.PayloadType += "x" },
			func(e *dsse.Envelope) { e.Payload = e.Payload[:8] + "AAAA" + e.Payload[12:] },
		} {
			other := e
			change(&other)
			if _, err := v.Verify(t.Context(), &other); err == nil {
				t.Errorf("%s: a changed envelope is taken", path)
			}
		}
	}
	if read < 10 {
		t.Fatalf("only %d envelopes were found", read)
	}
}

// wireKeys are the keys of the example trust bundle, and the example terminal's.
func wireKeys(t *testing.T) (keys []dsse.Verifier) {
	t.Helper()
	payload := func(name string, v any) {
		text, err := os.ReadFile("../../docs/wire/" + name)
		if err != nil {
			t.Fatal(err)
		}
		e, err := envelope.Parse(text, envelope.MaxSize)
		if err == nil {
			err = envelope.Decode(e.Payload, v)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var bundle trust.Bundle
	payload("trust.json", &bundle)
	var binding enrol.Binding
	payload("binding.json", &binding)
	for id, key := range bundle.Keys {
		keys = append(keys, plainKey{string(id), key.Pub})
	}
	return append(keys, plainKey{string(binding.Device.ID()), binding.Device.Pub})
}
