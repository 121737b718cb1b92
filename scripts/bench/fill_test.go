package main

import (
	"errors"
	"testing"

	"unbindd/agent/ledger"
)

// A record that the ledger refused would be measured as a short one.
func TestTheLedgerTakesEveryBody(t *testing.T) {
	brands, declined := 0, 0
	for n := range 500 {
		r, err := ledger.ParseRecord(body(readerNo, n+1))
		if err != nil {
			t.Fatalf("transaction %d: %v", n+1, err)
		}
		if r.Evseq != uint64(n+1) || r.Reader != readerNo || !r.IsTransaction() {
			t.Fatalf("transaction %d became %d of %s", n+1, r.Evseq, r.Reader)
		}
		if r.Card != nil {
			brands++
		}
		if r.Result == "declined" {
			declined++
		}
	}
	if brands < 100 || brands > 400 || declined == 0 {
		t.Errorf("%d cards and %d declined of 500 are no shop's day", brands, declined)
	}
}

func TestSalesAreNumbered(t *testing.T) {
	events := sales(readerNo, 7, 3)
	if len(events) != 3 || events[0].Seq != 7 || events[2].Seq != 9 {
		t.Errorf("got %v", events)
	}
}

func TestContendersStoreWhatTheyAreGiven(t *testing.T) {
	all, err := contenders(t.TempDir() + "/c")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		for range 2 { // numbers go on from round to round
			took, err := c.round(3, 2)
			if err != nil || len(took) != 2 {
				t.Errorf("%s: %v, %v", c.name, took, err)
			}
		}
		if c.next != 12 {
			t.Errorf("%s stored %d", c.name, c.next)
		}
		err = errors.Join(err, c.close())
	}
	if err != nil {
		t.Error(err)
	}
}
