package main

import (
	"os"
	"path/filepath"
	"testing"
)

// What one desk publishes goes along with the trust alone at the other one, too.
func TestAProfileOfTheOtherDeskIsOffered(t *testing.T) {
	p := newPair(t, memoryBase(t), folderOf)
	m := newTerminal(p.office, "T-1")
	p.cli("publish", "--dir", string(p.dir), p.nextBundle(nil))
	signatures := func() int {
		t.Helper()
		p.terminals.only.Store(2)
		_, got := m.orders(nil)
		n := 0
		for _, body := range got.Profiles {
			n += len(parse(t, body).Signatures)
		}
		return n
	}
	before := signatures()
	text, err := os.ReadFile(filepath.Join(string(p.dir), "profiles", "rebind-standard.json"))
	p.check(err)
	e := parse(t, text)
	p.check(e.Add(p.signer("ops-2")))
	path := p.file("profile.json")
	p.check(os.WriteFile(path, e.Encode(), 0o600))
	p.operators.only.Store(1)
	p.cli("publish", "--dir", string(p.dir), path)
	if after := signatures(); after != before+1 {
		t.Fatalf("the other desk offers %d signatures under profiles, %d before", after, before)
	}
}
