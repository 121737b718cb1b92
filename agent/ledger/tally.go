package ledger

import (
	"cmp"
	"slices"
	"strings"
)

// Sum is what transactions of one currency, kind and result come to. Its JSON
// members are in canonical order.
type Sum struct {
	Amount   int64  `json:"amount"` // minor units of Currency
	Count    int64  `json:"count"`
	Currency string `json:"currency"`
	Kind     string `json:"kind"`
	Result   string `json:"result"`
}

// OpenSum is what has not been settled in one currency. Its JSON members are in
// canonical order.
type OpenSum struct {
	Amount   int64  `json:"amount"` // minor units of Currency
	Count    int64  `json:"count"`
	Currency string `json:"currency"`
}

// Tally counts records. Sums are sorted by currency, kind, result.
type Tally struct {
	Count   uint64 `json:"count"`          // transactions
	Events  uint64 `json:"events"`         // events beside them
	First   uint64 `json:"first"`          // seq of the first record counted, 0 if none
	Last    uint64 `json:"last"`           // seq of the last one
	Lost    uint64 `json:"lost,omitempty"` // of the refused, those that stand for an event which the reader lost
	Refused uint64 `json:"refused"`        // records without content
	Sums    []Sum  `json:"sums"`           // of the transactions alone
}

// Records is the number of records of all three forms.
func (t Tally) Records() uint64 { return t.Count + t.Events + t.Refused }

// fits reports whether the record can be added without a sum growing past what
// JSON keeps exact.
func (t *Tally) fits(r *Record) bool {
	i, found := t.find(r)
	return !found || t.Sums[i].Amount <= maxInt-r.Amount
}

func (t *Tally) add(r *Record) {
	switch r.form() {
	case formTransaction:
		t.addSum(r)
		t.Count++
	case formEvent:
		t.Events++
	case formRefused:
		t.Refused++
		if r.Code == codeLost {
			t.Lost++
		}
	}
	if t.First == 0 {
		t.First = r.Seq
	}
	t.Last = r.Seq
}

// addSum clones the texts it keeps: they are pieces of a whole record.
func (t *Tally) addSum(r *Record) {
	i, found := t.find(r)
	if !found {
		t.Sums = slices.Insert(t.Sums, i, Sum{Currency: strings.Clone(r.Currency), Kind: strings.Clone(r.Kind), Result: strings.Clone(r.Result)})
	}
	t.Sums[i].Amount += r.Amount
	t.Sums[i].Count++
}

func (t *Tally) find(r *Record) (int, bool) {
	want := Sum{Currency: r.Currency, Kind: r.Kind, Result: r.Result}
	return slices.BinarySearchFunc(t.Sums, want, compareSums)
}

func compareSums(a, b Sum) int {
	return cmp.Or(cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Result, b.Result))
}

// unsettled is every approved transaction since the last batch close, per
// currency. Amounts add up whatever the kind, so that no refund hides a sale.
type unsettled []OpenSum

// fits is as Tally's: only what would be added can be too much.
func (u unsettled) fits(r *Record) bool {
	i, found := u.find(r)
	return !isOpen(r) || !found || u[i].Amount <= maxInt-r.Amount
}

func isOpen(r *Record) bool { return r.IsTransaction() && r.Result == resultApproved }

func (u *unsettled) add(r *Record) {
	if r.Kind == kindBatchClose {
		*u = nil
	}
	if !isOpen(r) {
		return
	}
	i, found := u.find(r)
	if !found {
		*u = slices.Insert(*u, i, OpenSum{Currency: strings.Clone(r.Currency)})
	}
	(*u)[i].Amount += r.Amount
	(*u)[i].Count++
}

func (u unsettled) find(r *Record) (int, bool) {
	return slices.BinarySearchFunc(u, r.Currency, func(o OpenSum, currency string) int {
		return cmp.Compare(o.Currency, currency)
	})
}
