package journal

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// spoilt is a store whose commit breaks off before one name is written.
type spoilt struct {
	Store
	at []byte
}

type spoiltTx struct {
	Tx
	at []byte
}

var errCut = errors.New("cut")

func (s spoilt) Update(do func(Tx) error) error {
	return s.Store.Update(func(tx Tx) error { return do(spoiltTx{tx, s.at}) })
}

func (t spoiltTx) Put(bucket, key, value []byte) error {
	if bytes.Equal(key, t.at) {
		return errCut
	}
	return t.Tx.Put(bucket, key, value)
}

// A cut between a receipt and the checkpoint that came beside it leaves neither: the desk
// is asked again, and says both again.
func TestAReceiptIsKeptWithItsCheckpoint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j, err := Create(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }() // closed and opened below
	whole := j.store
	doubt := &Doubt{Word: "log-forked", Kept: "k", Shown: "s", At: 7}
	seen := Seen{Checkpoint: []byte("text"), Doubt: doubt}
	check := func(want bool) {
		t.Helper()
		var r string
		found, err1 := j.Get("receipt", &r)
		box, err2 := j.Outbox()
		text, err3 := j.Checkpoint()
		d, err4 := j.Doubt()
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			t.Fatal(err)
		}
		if found != want || (len(box) == 0) != want || (string(text) == "text") != want || (d != nil && *d == *doubt) != want {
			t.Fatalf("receipt %v, %d parcels, checkpoint %q, doubt %+v; want all of it to be %v", found, len(box), text, d, want)
		}
	}
	if err := j.Post(Parcel{Case: "c", Kind: "answer", N: 1}); err != nil {
		t.Fatal(err)
	}
	for _, at := range [][]byte{keyCheckpoint, keyDoubt} {
		j.store = spoilt{whole, at}
		if err1, err2 := j.Receive("receipt", "r", seen), j.Delivered(1, seen); !errors.Is(err1, errCut) || !errors.Is(err2, errCut) || !strings.HasPrefix(err2.Error(), "cannot ") || !errors.Is(j.See(seen), errCut) {
			t.Fatalf("%v, %v", err1, err2)
		}
		check(false)
	}
	j.store = whole
	if err := errors.Join(j.Receive("receipt", "r", seen), j.Delivered(1, Seen{}), j.See(Seen{}), j.Close()); err != nil {
		t.Fatal(err)
	}
	if j, err = Open(path, Options{}); err != nil {
		t.Fatal(err)
	}
	check(true)

	// It outlives every case, and a doubt ends alone.
	if err := errors.Join(j.Begin(Order{Name: "cmd", ID: "id-1", Seq: 7}), j.See(Seen{Settled: true})); err != nil {
		t.Fatal(err)
	}
	text, err1 := j.Checkpoint()
	d, err2 := j.Doubt()
	if err := errors.Join(err1, err2); err != nil || !slices.Equal(text, []byte("text")) || d != nil {
		t.Errorf("in the next case: %q, %+v, %v", text, d, err)
	}
}
