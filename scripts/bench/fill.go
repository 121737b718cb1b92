package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"

	"unbindd/agent/envelope"
	"unbindd/agent/keys"
	"unbindd/agent/ledger"
)

// formerReader is the reader that the filled transactions came from: one that
// was on this terminal before the one that is bound now. So the bound reader's
// event numbers still begin at 1, and nothing about it is pretended.
const formerReader = "PED-0000"

// batchOf is how many transactions of a filling share a commit.
const batchOf = 1000

// fill puts n transactions into the terminal's own ledger, through the same
// Append that trading uses; the daemon must not run.
func (t *terminal) fill(n int) (err error) {
	store, err := keys.Open(t.path("state", "keys"))
	if err != nil {
		return err
	}
	aead, err := store.LedgerAEAD()
	if err != nil {
		return err
	}
	binding, err := t.binding()
	if err != nil {
		return err
	}
	l, err := ledger.Open(t.path("state", "ledger"), ledger.Options{AEAD: aead, Binding: binding})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	for first := 1; first <= n && t.b.ctx.Err() == nil; first += batchOf {
		done, err := l.Append(formerReader, sales(formerReader, first, min(batchOf, n-first+1)))
		if err != nil {
			return err
		}
		if len(done.Refused) > 0 {
			return fmt.Errorf("cannot fill the ledger: it refused a record: %s", done.Refused[0].Code)
		}
	}
	return t.b.ctx.Err()
}

// binding is the raw digest that the terminal's ledger is made for.
func (t *terminal) binding() (raw [32]byte, err error) {
	text, err := os.ReadFile(t.path("state", "trust", "binding.json"))
	if err != nil {
		return raw, err
	}
	e, err := envelope.Parse(text, envelope.MaxSize)
	if err != nil {
		return raw, err
	}
	return e.Digest().Raw()
}

// sale is a record as a reader sends it; its members are in the order of
// canonical JSON.
type sale struct {
	Amount   int64  `json:"amount"`
	Auth     string `json:"auth,omitempty"`
	Batch    string `json:"batch"`
	Card     *card  `json:"card,omitempty"`
	Currency string `json:"currency"`
	Entry    string `json:"entry"`
	Evseq    int    `json:"evseq"`
	Fee      int64  `json:"fee,omitempty"`
	Kind     string `json:"kind"`
	Method   string `json:"method"`
	MID      string `json:"mid"`
	Reader   string `json:"reader"`
	Result   string `json:"result"`
	RRN      string `json:"rrn"`
	STAN     string `json:"stan"`
	TID      string `json:"tid"`
	Time     int64  `json:"time"`
}

type card struct {
	Brand  string `json:"brand"`
	Masked string `json:"masked"`
}

// body is the n-th transaction of a shop: half by card, half by phone, some
// declined, with the spread of values that the reader simulator has, so that it
// compresses no better.
func body(reader string, n int) []byte {
	dice := rand.New(rand.NewPCG(1, uint64(n)))
	s := sale{
		Amount: int64(100+dice.IntN(900)) * int64(1+dice.IntN(60)), Batch: "000001", Currency: "CNY",
		Entry: "scan", Evseq: n, Kind: "sale", Method: [...]string{"alipay", "wechat"}[dice.IntN(2)],
		MID: merchantNo, Reader: reader, Result: "approved", RRN: fmt.Sprintf("%012d", n),
		STAN: fmt.Sprintf("%06d", n%1_000_000), TID: "30041877", Time: 1767225600 + int64(n)*37,
	}
	if dice.IntN(2) == 0 {
		s.Method, s.Entry = "card", [...]string{"chip", "contactless", "swipe"}[dice.IntN(3)]
		s.Card = &card{"unionpay", fmt.Sprintf("622848*********%04d", dice.IntN(10_000))}
		s.Auth, s.Fee = fmt.Sprintf("%06X", dice.IntN(1<<24)), (s.Amount*38+5000)/10000
	}
	if dice.IntN(100) < 6 {
		s.Result, s.Auth, s.Fee = "declined", "", 0
	}
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings and integers always encode
	}
	return text
}

// sales are n transactions from number first on.
func sales(reader string, first, n int) []ledger.Event {
	events := make([]ledger.Event, n)
	for i := range events {
		events[i] = ledger.Event{Seq: uint64(first + i), Body: body(reader, first+i)}
	}
	return events
}
