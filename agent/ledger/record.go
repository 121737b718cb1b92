package ledger

import (
	"slices"
	"strconv"
)

// Record is one entry of the ledger in any of its three forms; Kind tells which.
// A member that is absent is empty, zero or nil.
type Record struct {
	Amount   int64  // minor units of Currency, never negative: Kind says the direction
	Auth     string // authorisation code
	Batch    string
	Card     *Card
	Code     string // why the content was refused; refused form only
	Currency string // ISO 4217 alphabetic
	Entry    string // chip, contactless, swipe, scan, manual
	Evseq    uint64 // the reader's own number of the event, from 1
	Fee      *int64 // minor units of Currency
	Kind     string
	Method   string // card, alipay, wechat, unionpay-qr, ecny, other
	MID      string // merchant id at the acquirer
	Original string // what a void, refund, completion or reversal refers to
	Reader   string // the reader's serial number
	Result   string // approved, declined, reversed, unknown
	RRN      string // retrieval reference number
	Seq      uint64 // the ledger's number, from 1; zero in what the reader sends
	STAN     string // system trace audit number
	TID      string // terminal id at the acquirer
	Time     int64  // Unix seconds, UTC
}

// Card is all that the ledger may know of a card.
type Card struct {
	Brand  string
	Masked string // first six digits, stars, last four digits
}

// form is which members a record has.
type form uint8

const (
	formUnknown form = iota
	formTransaction
	formEvent
	formRefused
)

const (
	kindBatchClose = "batch-close"
	kindRefused    = "refused"
	resultApproved = "approved"
)

var (
	transactionKinds = []string{"sale", "void", "refund", "preauth", "completion", "reversal", "adjustment"}
	eventKinds       = []string{kindBatchClose, "tamper", "battery", "card", "other"}
	entries          = []string{"chip", "contactless", "swipe", "scan", "manual"}
	methods          = []string{"card", "alipay", "wechat", "unionpay-qr", "ecny", "other"}
	results          = []string{resultApproved, "declined", "reversed", "unknown"}
)

func (r *Record) form() form {
	switch {
	case slices.Contains(transactionKinds, r.Kind):
		return formTransaction
	case slices.Contains(eventKinds, r.Kind):
		return formEvent
	case r.Kind == kindRefused:
		return formRefused
	}
	return formUnknown
}

// IsTransaction reports whether the record counts in the sums.
func (r *Record) IsTransaction() bool { return r.form() == formTransaction }

// IsEvent reports whether the record is an event beside the transactions.
func (r *Record) IsEvent() bool { return r.form() == formEvent }

// IsRefused reports whether the record stands for content that was refused.
func (r *Record) IsRefused() bool { return r.form() == formRefused }

// AppendCanonical appends the record's canonical JSON to dst: members in
// alphabetical order, no white space, integers only. It trusts the record to
// be one that ParseRecord would take.
func (r *Record) AppendCanonical(dst []byte) []byte {
	w := writer{dst: append(dst, '{'), first: true}
	switch r.form() {
	case formTransaction:
		r.writeTransaction(&w)
	case formEvent:
		w.optional("batch", r.Batch)
		w.number("evseq", int64(r.Evseq))
		w.text("kind", r.Kind)
		w.text("reader", r.Reader)
		w.seq(r.Seq)
		w.optional("tid", r.TID)
		w.number("time", r.Time)
	case formRefused:
		w.text("code", r.Code)
		w.number("evseq", int64(r.Evseq))
		w.text("kind", r.Kind)
		w.text("reader", r.Reader)
		w.seq(r.Seq)
	}
	return append(w.dst, '}')
}

func (r *Record) writeTransaction(w *writer) {
	w.number("amount", r.Amount)
	w.optional("auth", r.Auth)
	w.text("batch", r.Batch)
	if r.Card != nil {
		w.name("card")
		inner := writer{dst: append(w.dst, '{'), first: true}
		inner.text("brand", r.Card.Brand)
		inner.text("masked", r.Card.Masked)
		w.dst = append(inner.dst, '}')
	}
	w.text("currency", r.Currency)
	w.text("entry", r.Entry)
	w.number("evseq", int64(r.Evseq))
	if r.Fee != nil {
		w.number("fee", *r.Fee)
	}
	w.text("kind", r.Kind)
	w.text("method", r.Method)
	w.text("mid", r.MID)
	w.optional("original", r.Original)
	w.text("reader", r.Reader)
	w.text("result", r.Result)
	w.optional("rrn", r.RRN)
	w.seq(r.Seq)
	w.text("stan", r.STAN)
	w.text("tid", r.TID)
	w.number("time", r.Time)
}

// writer writes the members of one object. Strings need no escaping: the
// classes they were parsed under hold nothing that does.
type writer struct {
	dst   []byte
	first bool
}

func (w *writer) name(name string) {
	if !w.first {
		w.dst = append(w.dst, ',')
	}
	w.first = false
	w.dst = append(w.dst, '"')
	w.dst = append(w.dst, name...)
	w.dst = append(w.dst, '"', ':')
}

func (w *writer) text(name, value string) {
	w.name(name)
	w.dst = append(w.dst, '"')
	w.dst = append(w.dst, value...)
	w.dst = append(w.dst, '"')
}

func (w *writer) optional(name, value string) {
	if value != "" {
		w.text(name, value)
	}
}

func (w *writer) number(name string, value int64) {
	w.name(name)
	w.dst = strconv.AppendInt(w.dst, value, 10)
}

func (w *writer) seq(value uint64) {
	if value != 0 {
		w.number("seq", int64(value))
	}
}
