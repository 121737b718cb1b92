package main

import (
	"bytes"
	"errors"
	"net/http"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/store"
)

// bundlesAfter makes the next bundles of an office, each on the one before.
func (o *office) bundlesAfter(n int) (list [][]byte) {
	o.t.Helper()
	b := o.believed().Bundle
	for range n {
		b.Version++
		e, err := envelope.Seal(envelope.Type(trust.Kind), b, o.signer("root-1"), o.signer("root-2"), o.signer("root-3"))
		o.check(err)
		list = append(list, e.Encode())
	}
	return list
}

// mated is a base on which one change shares its transaction with another, which
// is refused: bbolt takes both back and runs the first again by itself.
type mated struct {
	store.Base
	mate   func() error // once
	shared store.Rows
}

// Change runs f, and the mate in the same transaction.
func (m *mated) Change(f func(store.Rows) error) error {
	if m.shared != nil {
		return f(m.shared)
	}
	return m.Base.Change(func(r store.Rows) error {
		mate := m.mate
		if err := f(r); err != nil || mate == nil {
			return err
		}
		m.mate, m.shared = nil, r
		defer func() { m.shared = nil }()
		return mate()
	})
}

// A bundle that was told as published is in the store, whatever was refused of
// the requests that shared its commit.
func TestAPublishedBundleIsStored(t *testing.T) {
	var base *mated
	p := newPair(t, func(dir string) store.Base { base = &mated{Base: boltBase(t)(dir)}; return base }, folderOf)
	d := p.desks[0]
	for i, body := range p.bundlesAfter(3) {
		base.mate = func() error {
			_, err := d.Withdraw("C-2026-999999", desk.Unseen)
			if _, err := d.Bundle(int64(i + 2)); err == nil {
				t.Error("a bundle that is not durable is believed")
			}
			return err
		}
		if _, err := d.Publish(body, desk.Unseen); err != nil || base.mate != nil {
			t.Fatalf("publish: %v", err)
		}
		p.stored(body)
	}
}

// stored checks a bundle with a desk that begins anew on the store.
func (p *pair) stored(body []byte) {
	p.t.Helper()
	e, err := envelope.Parse(body, envelope.MaxSize)
	p.check(err)
	var b trust.Bundle
	p.check(envelope.Decode(e.Payload, &b))
	d, err := desk.New(p.desks[1].Parts)
	if err != nil {
		p.t.Fatalf("after bundle %d the desk does not open again: %v", b.Version, err)
	}
	if got, err := d.Bundle(b.Version); err != nil || !bytes.Equal(got, body) {
		p.t.Fatalf("bundle %d was told as published and is not there: %v", b.Version, err)
	}
	if _, err := d.Publish(body, desk.Unseen); err != nil {
		p.t.Fatalf("the same again: %v", err)
	}
}

// A bundle under which the desk could not sign receipts, enrolments or
// checkpoints is refused when it is published, and not at the next start.
func TestADeskTakesNoBundleItCannotLiveUnder(t *testing.T) {
	o := newOffice(t)
	for name, change := range map[string]func(*trust.Bundle){
		"the log's origin cannot stand in a checkpoint": func(b *trust.Bundle) { b.Log.Origin = "desk+1" },
		"another log key":      func(b *trust.Bundle) { b.Log.Key = o.signer("enrol-1").Public().ID() },
		"the enrol key gone":   func(b *trust.Bundle) { delete(b.Keys, o.signer("enrol-1").Public().ID()) },
		"the receipt key gone": func(b *trust.Bundle) { delete(b.Keys, o.signer("receipt-1").Public().ID()) },
		"the enrol key revoked": func(b *trust.Bundle) {
			b.Revoked = append(b.Revoked, o.signer("enrol-1").Public().ID())
		},
	} {
		_, said, exit := verb(t, "publish", "--dir", string(o.dir), o.nextBundle(change))
		if exit != exitRefused || !bytes.Contains([]byte(said), []byte("[E16:")) {
			t.Errorf("%s: exit %d, %s", name, exit, said)
		}
	}
	o.stop()
	o.start()
	o.cli("publish", "--dir", string(o.dir), o.nextBundle(nil))
}

// A receipt that is durable goes out also where its proof cannot be made.
func TestAReceiptGoesOutWithoutItsProof(t *testing.T) {
	var base store.Base
	p := newPair(t, func(dir string) store.Base { base = boltBase(t)(dir); return base }, folderOf)
	u := whole(t, p.office, "T-1")
	want := u.get(u.at("receipts/backup", 1))
	proofOf(t, want)
	p.check(base.Change(func(r store.Rows) error {
		rows, err := r.List("hashes", "", "", 1<<10)
		for _, row := range rows {
			err = errors.Join(err, r.Remove("hashes", row.Key))
		}
		return err
	}))
	got := u.get(u.at("receipts/backup", 1))
	got.want(t, http.StatusOK, "")
	if got.header.Get("Unbindd-Log-Proof") != "" || !bytes.Equal(got.body, want.body) {
		t.Fatal("it is not the receipt alone")
	}
}
