package agent

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/journal"
	"unbindd/agent/keys"
	"unbindd/device/devicesim"
)

// ending carries a case over the line up to the certificate, tells what happens
// to watch, and goes on to the end of the identity.
func (b *bound) ending(watch journal.Watch) error {
	b.t.Helper()
	b.sell(3)
	b.accept()
	c := b.carrier(journal.Plan{Reversible: b.a.plan.Reversible[:6], Gate: b.gate, Final: b.a.plan.Final[:8]})
	c.Watch = watch
	_, err := c.Carry(b.ctx)
	return err
}

func at(step, moment string, do func()) journal.Watch {
	return func(e journal.Event) {
		if e.Step == step && e.Moment == moment {
			do()
		}
	}
}

// The tombstone stands before the first key of the identity goes, the reader's
// keys go before the host's, the host's before the data.
func TestWhatGoesBeforeWhat(t *testing.T) {
	b := newBound(t)
	want := []string{"erase-reader-keys", "wipe/data-key", "wipe/ledger", "wipe/spool", "wipe/reader-link-key", "wipe/identity-key", "wipe/trust", "wipe/key-directory"}
	var order []string
	b.every = func(name string) {
		first := slices.IndexFunc(want, func(w string) bool { return strings.HasPrefix(name, w) })
		if first < 0 || slices.Contains(order, want[first]) {
			return
		}
		order = append(order, want[first])
		if stone := exists(b.a.at.tombstone()); stone != (first >= slices.Index(want, "wipe/identity-key")) {
			t.Errorf("at %s the tombstone is there: %v", name, stone)
		}
	}
	b.no(b.ending(at("sign-certificate", journal.Recorded, b.certified)))
	if !slices.Equal(order, want) {
		t.Errorf("the order was %v, want %v", order, want)
	}
	text, err := os.ReadFile(b.a.at.tombstone())
	b.no(err)
	stone, err := certificate.ReadTombstone(text)
	b.no(err)
	if stone.Result != certificate.Complete || !slices.Contains(stone.IDs, b.order.ID) || stone.Seq != b.order.Seq {
		t.Errorf("the tombstone says %+v", stone)
	}
	if left := b.leftOf(keys.Identity); len(left) > 0 {
		t.Errorf("of the identity are left %v", left)
	}
}

func (b *bound) leftOf(class keys.Class) (left []string) {
	for _, path := range keys.Files(b.a.at.keys(), class) {
		if exists(path) {
			left = append(left, filepath.Base(path))
		}
	}
	return left
}

// The last key waits for the desk: without a receipt for this very certificate,
// or a signed close, the identity does not end; with one that fits, it may.
func TestTheIdentityWaitsForTheReceipt(t *testing.T) {
	b := newBound(t)
	asked := false
	b.no(b.ending(at("sign-certificate", journal.Recorded, func() {
		asked = true
		if may, err := b.a.ended(); may || err != nil {
			t.Errorf("without a receipt the identity may end: %v %v", may, err)
		}
		want, _, err := b.a.wantCertificate()
		b.no(err)
		want.Subject = b.order.Binding
		b.no(b.a.journal.Save(noteDeskHas, raw(b.receipt(want)))) // for something else
		if may, err := b.a.ended(); may || err != nil {
			t.Errorf("with a receipt for something else the identity may end: %v %v", may, err)
		}
		b.certified()
		if may, err := b.a.ended(); !may || err != nil {
			t.Errorf("with the receipt the identity may not end: %v %v", may, err)
		}
	})))
	if !asked {
		t.Fatal("no certificate was signed")
	}
}

// A partial certificate, receipted or not, keeps the identity: the reader may
// come back.
func TestAPartialCertificateKeepsTheIdentity(t *testing.T) {
	b := newBound(t)
	b.no(b.sim.Fault(devicesim.Fault{Name: "refuses"}))
	ctx, stop := context.WithCancel(b.ctx)
	b.ctx = ctx
	err := b.ending(at("sign-certificate", journal.Recorded, func() {
		b.certified()
		e, _, err := b.a.signed()
		b.no(err)
		s, err := certificate.Read(e)
		b.no(err)
		may, err := b.a.ended()
		if s.Predicate.Result != certificate.Partial || may || err != nil {
			t.Errorf("the certificate says %s; the identity may end: %v %v", s.Predicate.Result, may, err)
		}
		stop()
	}))
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if left := b.leftOf(keys.Identity); len(left) == 0 || len(b.leftOf(keys.Line)) == 0 {
		t.Error("the identity or the pairing key is gone")
	}
}

// After the keys went, nothing in the state directory holds what was in the
// ledger: it is gone by name too.
func TestTheLedgerIsGoneByName(t *testing.T) {
	b := newBound(t)
	b.no(b.ending(at("sign-certificate", journal.Recorded, b.certified)))
	err := filepath.WalkDir(b.a.at.root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && path != b.a.at.journal() && path != b.a.at.tombstone() {
			t.Errorf("%s is left", d.Name())
		}
		return err
	})
	b.no(err)
}
