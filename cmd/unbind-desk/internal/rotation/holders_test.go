package rotation

import (
	"crypto/ed25519"
	"maps"
	"slices"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// A key keeps its person through every version, also after it was out for a while;
// its role may change, and another person comes in with another key.
func TestAKeyKeepsItsPerson(t *testing.T) {
	pub := func(n byte) envelope.PublicKey {
		seed := make([]byte, ed25519.SeedSize)
		seed[0] = n
		return envelope.NewSigner(ed25519.NewKeyFromSeed(seed)).Public()
	}
	version := func(n int64, holders map[byte]envelope.ID, role trust.Role) *trust.Trust {
		v := &trust.Trust{Bundle: trust.Bundle{Version: n, Keys: map[envelope.KeyID]trust.Key{}}}
		for k, holder := range holders {
			v.Keys[pub(k).ID()] = trust.Key{Alg: envelope.Ed25519, Pub: pub(k).Pub, Holder: holder, Role: role}
		}
		return v
	}
	before := []*trust.Trust{
		version(1, map[byte]envelope.ID{1: "ann", 2: "ann", 3: "bob"}, trust.Operations),
		version(2, map[byte]envelope.ID{1: "ann", 3: "bob"}, trust.Operations),
		version(3, map[byte]envelope.ID{1: "ann", 3: "bea"}, trust.Operations), // an older desk let it pass
	}
	for name, c := range map[string]struct {
		holders map[byte]envelope.ID
		code    string
	}{
		"as it was":                          {map[byte]envelope.ID{1: "ann", 3: "bea"}, ""},
		"as it was before it was renamed":    {map[byte]envelope.ID{1: "ann", 3: "bob"}, "E16:holder"},
		"another person with a key of hers":  {map[byte]envelope.ID{1: "ann", 4: "eve"}, ""},
		"one that was out comes back":        {map[byte]envelope.ID{2: "ann"}, ""},
		"given to another":                   {map[byte]envelope.ID{1: "eve", 3: "bea"}, "E16:holder"},
		"given to another after it was out":  {map[byte]envelope.ID{1: "ann", 2: "eve"}, "E16:holder"},
		"given to somebody who is in it too": {map[byte]envelope.ID{1: "bea", 3: "bea"}, "E16:holder"},
	} {
		next := version(4, c.holders, trust.Security)
		if err := SameHolders(before, next); envelope.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want %q", name, err, c.code)
		}
		if err := SameHolders(before, next.WithRevoked(slices.Collect(maps.Keys(next.Keys)))); err != nil {
			t.Errorf("%s, and revoked: %v", name, err)
		}
	}
}
