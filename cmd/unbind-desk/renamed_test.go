package main

import (
	"os"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/store"
)

// A desk that an older one let rename the holder of its own key goes on: the version in
// force is published again and changes nothing, and the next one follows under the name
// that the key has now. What the desk would refuse is refused before anybody signs it.
func TestAnOlderRenameLocksNobodyOut(t *testing.T) {
	o := newOffice(t)
	dir := string(o.dir)
	rename := func(b *trust.Bundle, from, to envelope.ID) {
		for id, key := range b.Keys {
			if key.Holder == from {
				key.Holder = to
				b.Keys[id] = key
			}
		}
	}
	second := o.nextBundle(func(b *trust.Bundle) {
		rename(b, "receipt-1", "receipt-9")
		delete(b.Keys, o.signer("ops-2").Public().ID())
	})
	body, err := os.ReadFile(second)
	o.check(err)
	o.whileStopped(func(tx *store.Tx) error { return tx.AddTrust(2, body) })
	o.cli("trust", "publish", "--dir", dir, second) // the same again

	of := o.signer("ops-2").Public()
	o.refuses("E16:holder", "trust", "draft", "--dir", dir, "--out", o.file("no.json"), "--add", "ops-9:operations="+o.dir.Public(authority.PublicFile(of.ID())))
	back := o.nextBundle(func(b *trust.Bundle) {
		b.Keys[of.ID()] = trust.Key{Alg: of.Alg, Holder: "ops-9", Pub: of.Pub, Role: trust.Operations}
	})
	o.refuses("E16:holder", "trust", "sign", "--trust", o.dir.Trust(), "--anchor", o.trusted(), "--dry", back)
	o.refuses("E16:holder", "trust", "check", "--dir", dir, back)
	o.refuses("E16:holder", "trust", "publish", "--dir", dir, back)
	o.refuses("E16:holder", "trust", "publish", "--dir", dir, o.nextBundle(func(b *trust.Bundle) { rename(b, "receipt-9", "receipt-1") }))

	third := o.file("third.json")
	o.cli("trust", "draft", "--dir", dir, "--out", third, "--revoke", string(o.signer("cust-1").Public().ID()))
	for _, root := range []string{"root-1", "root-2", "root-3"} {
		o.cli("trust", "sign", "--dir", dir, "--key", o.dir.Key(root), third)
	}
	o.cli("trust", "publish", "--dir", dir, third)
}
