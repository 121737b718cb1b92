package dossier

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/merkle"
	"unbindd/agent/receipt"
	"unbindd/agent/trust"
)

func signer(name string) envelope.Signer {
	return envelope.NewSigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte(name), 32)[:32]))
}

// oneDesk is a trust in which one key signs receipts, indexes and the log.
func oneDesk(t *testing.T) *trust.Trust {
	t.Helper()
	b := trust.Bundle{
		Keys: map[envelope.KeyID]trust.Key{}, Log: trust.Log{Key: signer("receipt-1").Public().ID(), Origin: "desk/log"},
		Profiles: map[envelope.ID]envelope.Digest{}, Recipients: map[envelope.ID][]trust.Recipient{}, Revoked: []envelope.KeyID{},
		Rules: trust.DefaultRules(), SPKI: []envelope.Digest{}, V: 1, Version: 1,
	}
	for name, role := range map[string]trust.Role{"root-1": trust.Root, "root-2": trust.Root, "root-3": trust.Root, "receipt-1": trust.ReceiptKey} {
		pub := signer(name).Public()
		b.Keys[pub.ID()] = trust.Key{Alg: pub.Alg, Holder: envelope.ID(name), Pub: pub.Pub, Role: role}
	}
	e, err := envelope.Seal(envelope.Type(trust.Kind), b, signer("root-1"), signer("root-2"), signer("root-3"))
	if err != nil {
		t.Fatal(err)
	}
	believed, err := trust.Anchor(e, e.Digest())
	if err != nil {
		t.Fatal(err)
	}
	return believed
}

// The desk's own signature under an index does not make it fit: the log that it names is
// the one that the proofs beside it lead to. A case without proofs has none to compare.
func TestAnIndexNamesTheLogOfTheProofs(t *testing.T) {
	believed, object := oneDesk(t), []byte(`{"r":"","v":1}`)
	root, err := merkle.LeafHash(envelope.DigestOf(object)) // of a log of one leaf
	if err != nil {
		t.Fatal(err)
	}
	checkpoint, err := merkle.Checkpoint{Origin: "desk/log", Size: 1, Root: root}.Sign(signer("receipt-1"))
	if err != nil {
		t.Fatal(err)
	}
	proof, err := merkle.Prove(0, 1, checkpoint, func([]int64) ([]merkle.Hash, error) { return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	const other = "it names another state of the log than the proofs are under"
	for name, c := range map[string]struct {
		bend     func(*receipt.Index)
		unproven bool
		want     string
	}{
		"good":                    {func(*receipt.Index) {}, false, ""},
		"another size":            {func(x *receipt.Index) { x.Log.Size = 2 }, false, other},
		"another root":            {func(x *receipt.Index) { x.Log.Root = bytes.Repeat([]byte{7}, 32) }, false, other},
		"a part of the root":      {func(x *receipt.Index) { x.Log.Root = x.Log.Root[:16] }, false, other},
		"another origin":          {func(x *receipt.Index) { x.Log.Origin = "desk/other" }, false, other},
		"no log":                  {func(x *receipt.Index) { x.Log = nil }, false, other},
		"no log and no proof":     {func(x *receipt.Index) { x.Log = nil }, true, ""},
		"no proof that was given": {func(*receipt.Index) {}, true, ""},
	} {
		m := memory{Tombstone: object}
		if !c.unproven {
			m[ProofOf(Tombstone)] = proof
		}
		r := &reader{src: m, believed: believed}
		files, err := r.files()
		if err != nil {
			t.Fatal(err)
		}
		x := receipt.Index{At: 1795392601, Case: "C-1", Files: files, State: "gone", Terminal: "T-1", V: 1,
			Log: &receipt.Moment{Origin: "desk/log", Root: bytes.Clone(root[:]), Size: 1}}
		c.bend(&x)
		e, err := x.Seal(signer("receipt-1"))
		if err != nil {
			t.Fatal(err)
		}
		m[Index] = e.Encode()
		if _, err := r.log(); (err == nil) == c.unproven {
			t.Fatalf("%s: the log: %v", name, err)
		}
		if _, err := r.index(); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
