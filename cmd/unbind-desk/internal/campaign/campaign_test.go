package campaign

import (
	"bytes"
	"crypto/ed25519"
	"os"
	"path/filepath"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

func key(seed byte) envelope.Signer {
	return envelope.NewSigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32)))
}

// people is a bundle with one key a role; it has no rule for campaigns.
func people() *trust.Trust {
	b := trust.Bundle{Keys: map[envelope.KeyID]trust.Key{}, Rules: trust.DefaultRules()}
	for i, role := range []trust.Role{trust.Operations, trust.Security, trust.Release} {
		k := key(byte(i + 1)).Public()
		b.Keys[k.ID()] = trust.Key{Alg: k.Alg, Holder: envelope.ID(role) + "-1", Pub: k.Pub, Role: role}
	}
	return &trust.Trust{Bundle: b}
}

func digests() []envelope.Digest {
	return []envelope.Digest{envelope.DigestOf([]byte("b")), envelope.DigestOf([]byte("a")), envelope.DigestOf([]byte("c"))}
}

func seal(t testing.TB, c any, by ...byte) *envelope.Envelope {
	t.Helper()
	var signers []envelope.Signer
	for _, seed := range by {
		signers = append(signers, key(seed))
	}
	e, err := envelope.Seal(envelope.Type(Kind), c, signers...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// The example of docs/wire; UPDATE_WIRE writes it anew.
func TestWireExample(t *testing.T) {
	c, err := Over(digests(), 1790000000, 1790086400)
	if err != nil {
		t.Fatal(err)
	}
	e := seal(t, c, 1, 2, 3)
	for name, text := range map[string][]byte{"campaign.json": append(e.Encode(), '\n'), "campaign.payload.json": append(bytes.Clone(e.Payload), '\n')} {
		path := filepath.Join("..", "..", "..", "..", "docs", "wire", name)
		if os.Getenv("UPDATE_WIRE") != "" {
			if err := os.WriteFile(path, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(path); err != nil || string(want) != string(text) {
			t.Errorf("%s is not what the code writes: %v", name, err)
		}
	}
	got, err := Open(e, people())
	if err != nil || got.Count != 3 || !got.Lists(digests()[0]) || got.Lists(envelope.DigestOf([]byte("d"))) {
		t.Fatalf("%+v, %v", got, err)
	}
}

func TestThreePeopleSignACampaign(t *testing.T) {
	c, err := Over(digests(), 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, by := range [][]byte{{}, {1}, {1, 2}, {1, 3}, {2, 3}, {1, 2, 9}} {
		if _, err := Open(seal(t, c, by...), people()); envelope.CodeOf(err) == "" {
			t.Errorf("signed by %v: %v", by, err)
		}
	}
	ruled := people()
	ruled.Rules[Kind] = trust.Rule{Need: map[trust.Role]int{trust.Release: 1}, Total: 1}
	if _, err := Open(seal(t, c, 3), ruled); err != nil {
		t.Errorf("a bundle's own rule does not hold: %v", err)
	}
}

func TestACampaignSaysWhatItLists(t *testing.T) {
	good, err := Over(digests(), 100, 200)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Campaign)
		code   string
	}{
		"fewer":     {func(c *Campaign) { c.Commands = c.Commands[:2] }, "E28:count"},
		"more":      {func(c *Campaign) { c.Count = 2 }, "E28:count"},
		"none":      {func(c *Campaign) { c.Commands, c.Count = []envelope.Digest{}, 0 }, "E28:count"},
		"too many":  {func(c *Campaign) { c.Commands, c.Count = make([]envelope.Digest, Most+1), Most+1 }, "E28:count"},
		"twice":     {func(c *Campaign) { c.Commands[1] = c.Commands[0] }, "E06:not-canonical"},
		"unsorted":  {func(c *Campaign) { c.Commands[0], c.Commands[2] = c.Commands[2], c.Commands[0] }, "E06:not-canonical"},
		"no time":   {func(c *Campaign) { c.NotAfter = c.NotBefore }, "E13:window"},
		"too long":  {func(c *Campaign) { c.NotAfter += longest }, "E13:window"},
		"version 2": {func(c *Campaign) { c.V = 2 }, "E07:v"},
	} {
		changed := good
		changed.Commands = append([]envelope.Digest{}, good.Commands...)
		c.change(&changed)
		if err := changed.check(); envelope.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"commands":[],"count":0,"not_after":2,"not_before":1,"v":1}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		c, err := Read(&envelope.Envelope{PayloadType: envelope.Type(Kind), Payload: payload})
		if err == nil && (int64(len(c.Commands)) != c.Count || c.Count == 0) {
			t.Fatalf("%d commands are counted as %d", len(c.Commands), c.Count)
		}
	})
}
