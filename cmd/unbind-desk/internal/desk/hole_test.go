package desk

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"slices"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/merkle"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/storetest"
)

// What stands before a leaf that cannot be read is proven, under a checkpoint of no more;
// what comes after is kept, signed for and refused a proof by name, and nothing is signed
// as if the log were whole.
func TestNothingIsSignedOverAHoleInTheLog(t *testing.T) {
	base := storetest.NewMemory()
	if err := base.Change(func(r store.Rows) error { // as an older desk left it
		for i, leaf := range []string{`"` + string(anything) + `"`, `"` + string(anything) + `"`, `{"id":`, `"` + string(anything) + `"`} {
			if err := r.Put("log", string([]byte{0, 0, 0, 0, 0, 0, 0, byte(i)}), []byte(leaf)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	d := queueing(t, base)
	key := envelope.NewSigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)))
	in := &trust.Trust{Bundle: trust.Bundle{
		Keys: map[envelope.KeyID]trust.Key{key.Public().ID(): {Alg: key.Public().Alg, Holder: "desk", Pub: key.Public().Pub, Role: trust.ReceiptKey}},
		Log:  trust.Log{Key: key.Public().ID(), Origin: "log"},
	}}
	d.Receipts = key
	d.believed.Store(&belief{trust: in, versions: []*trust.Trust{in}})
	var told []string
	d.Trouble = func(what string, err error) { told = append(told, what) }
	if err := d.change(func(tx *store.Tx) error {
		_, err := d.keep(tx, store.Key{Case: "C", Kind: "answer", N: 1}, anything, []byte("{}"))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	text, err := d.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	if c, err := merkle.OpenCheckpoint(text, in); err != nil || c.Size != 2 {
		t.Errorf("the checkpoint is of %d leaves: %v", c.Size, err)
	}
	for n, proven := range []bool{true, true, false, false, false} {
		proof, err := d.ProveLeaf(int64(n))
		if proven {
			_, err = merkle.Check(proof, anything, in)
		}
		if proven != (err == nil) || !proven && (envelope.CodeOf(err) != "E28:leaf" || !errors.Is(err, ErrAbsent)) {
			t.Errorf("leaf %d: %v", n, err)
		}
	}
	if _, err := d.ProveGrowth(1, 2); err != nil {
		t.Error(err)
	}
	if _, err := d.ProveGrowth(1, 4); envelope.CodeOf(err) != "E28:leaf" {
		t.Errorf("the growth beyond the hole: %v", err)
	}
	if size, _, leaves, err := d.LogScreen(0, 9); size != 2 || len(leaves) != 2 || err != nil {
		t.Errorf("the console shows %d leaves, %v, %v", size, leaves, err)
	}
	x := &exporter{desk: d, id: "C", keys: map[envelope.KeyID]envelope.PublicKey{}}
	err = d.look(func(tx *store.Tx) error {
		o, err := tx.Object(store.Key{Case: "C", Kind: "answer", N: 1})
		return errors.Join(err, x.prove(tx, "answer", "answers/1.json", o))
	})
	if err != nil || !slices.Equal(told, []string{"a case is exported without a proof"}) {
		t.Errorf("the export: %v, told %q", err, told)
	}
}
