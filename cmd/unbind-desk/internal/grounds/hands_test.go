package grounds

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// someone is the holder of the n-th key.
func someone(n byte) envelope.Signer {
	return envelope.NewSigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, 32)))
}

// people is a trust version in which each holder has the key of his number.
func people(version int64, holders map[byte]trust.Approver) *trust.Trust {
	b := trust.Bundle{Version: version, Issued: 1_795_392_000, Keys: map[envelope.KeyID]trust.Key{}, Rules: trust.DefaultRules()}
	for n, who := range holders {
		key := someone(n).Public()
		b.Keys[key.ID()] = trust.Key{Alg: key.Alg, Holder: who.Holder, Pub: key.Pub, Role: who.Role}
	}
	return &trust.Trust{Bundle: b}
}

// ordering is a command that people signed.
func ordering(t *testing.T, by ...envelope.Signer) *envelope.Envelope {
	t.Helper()
	any := envelope.DigestOf([]byte("anything"))
	e, err := envelope.Seal(envelope.Type(command.Kind), command.Command{
		Action: command.Rebind, Backup: command.Backup{Gate: command.GateReceipt, Set: "set"}, Binding: any, Case: "C-1", Device: "ed25519:0000000000000000",
		ID: "id", Level: command.Clear, Profile: command.Named{Digest: any, ID: "p"}, Reason: "r", Root: 1, Scope: []envelope.ID{}, Terminal: "T", V: 1,
	}, by...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

var staff = map[byte]trust.Approver{
	1: {Holder: "ops-1", Role: trust.Operations}, 2: {Holder: "sec-1", Role: trust.Security},
	3: {Holder: "cust-1", Role: trust.Custodian}, 4: {Holder: "cust-2", Role: trust.Custodian},
	5: {Holder: "rel-1", Role: trust.Release}, 6: {Holder: "late-1", Role: trust.Release},
}

// Whoever signed the command had a hand in the case, also beside those whose signatures
// met its rule, and also with a key that the trust took in later; a key id with no
// signature by its key makes nobody a signer.
func TestWhoSignedBesideTheRuleDoesNotValidate(t *testing.T) {
	order := ordering(t, someone(1), someone(2), someone(3), someone(6))
	order.Signatures = append(order.Signatures, envelope.Signature{KeyID: someone(5).Public().ID(), Sig: make([]byte, ed25519.SignatureSize)})
	before := map[byte]trust.Approver{1: staff[1], 2: staff[2], 3: staff[3], 4: staff[4]}
	g := &Grounds{Accepted: people(1, before), Current: people(2, staff)}
	g.since = []*trust.Trust{g.Accepted, g.Current}
	var err error
	if g.Command, err = command.Resume(order, g.Accepted); err != nil || len(g.Command.Approvers()) != 2 {
		t.Fatalf("the command is approved by %v, %v", g.Command, err)
	}
	cert := &envelope.Envelope{PayloadType: envelope.Statement, Payload: []byte("{}")}
	s := certificate.Statement{Subject: []certificate.Subject{}, Predicate: certificate.Predicate{Result: certificate.Complete, N: 1, Case: "C-1", Terminal: certificate.Terminal{ID: "T"}}}
	v, err := certificate.Validate(cert, s, envelope.ID(s.Predicate.Result), "", 1)
	if err != nil {
		t.Fatal(err)
	}
	for n, code := range map[byte]string{1: "E05:same-holder", 2: "E05:same-holder", 3: "E05:same-holder", 4: "E05:same-role", 5: "E05:same-role", 6: "E05:same-holder"} {
		said, err := envelope.Seal(envelope.Statement, v, someone(n))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := g.Validation(said, cert, s, nil); envelope.CodeOf(err) != code {
			t.Errorf("%s validates: %v, want %s", staff[n].Holder, err, code)
		}
	}
}

// A key id is a hint that anybody can write: nobody is said to have signed who did not,
// nor to be why a command fails whose key its version does not know.
func TestNobodyIsAccusedByAKeyID(t *testing.T) {
	first := map[byte]trust.Approver{1: staff[1], 2: staff[2], 5: staff[5]}
	versions := []*trust.Trust{people(1, first), people(2, staff), people(3, staff)}
	for n := range staff {
		versions[2].Bundle.Revoked = append(versions[2].Bundle.Revoked, someone(n).Public().ID())
	}
	order := ordering(t, someone(1), someone(2), someone(6))
	order.Signatures = append(order.Signatures, envelope.Signature{KeyID: someone(5).Public().ID(), Sig: make([]byte, ed25519.SignatureSize)})
	_, err := versions[0].WithRevoked(versions[2].Bundle.Revoked).Verify(ordering(t, someone(1), someone(2)), command.Kind)
	if envelope.CodeOf(err) != "E05:revoked-key" {
		t.Fatal(err)
	}
	said := revokedSince(versions, versions[0], order, err).Error()
	for holder, named := range map[string]bool{"ops-1": true, "sec-1": true, "rel-1": false, "late-1": false} {
		if strings.Contains(said, holder+" (") != named {
			t.Errorf("%s is named: %v, in %s", holder, !named, said)
		}
	}
	if gone := strings.Join(Departed(versions, order), ", "); strings.Contains(gone, "rel-1") || !strings.Contains(gone, "late-1") {
		t.Errorf("departed are %s", gone)
	}
}
