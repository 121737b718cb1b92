package ledger

import (
	"bytes"
	"math/bits"
	"slices"
)

const (
	// maxBody is the longest record that is looked at, in bytes.
	maxBody = 4096
	// maxInt is the largest integer that every JSON reader keeps exact.
	maxInt = 1<<53 - 1
)

// ParseRecord reads one record, with or without `seq`. It takes only what the
// allow-list names, in canonical JSON, and answers everything else with a
// *RefusedError, which never repeats any of the content.
func ParseRecord(b []byte) (Record, error) {
	if len(b) > maxBody {
		return Record{}, refuse("oversize")
	}
	p := parser{scan: scanner{s: string(b)}}
	if err := p.scan.object(p.member); err != nil {
		return Record{}, err
	}
	if p.scan.i != len(b) {
		return Record{}, refuse("not-canonical")
	}
	if err := p.complete(); err != nil {
		return Record{}, err
	}
	// The parser alone should be strict enough; the hash goes over these very
	// bytes, so they are proved to be the only spelling of the record.
	if !bytes.Equal(p.record.AppendCanonical(make([]byte, 0, len(b))), b) {
		return Record{}, refuse("not-canonical")
	}
	return p.record, nil
}

type parser struct {
	scan    scanner
	record  Record
	present memberSet
}

// member reads one top-level member into the record.
func (p *parser) member(name string) error {
	index := slices.Index(memberNames, name)
	if index < 0 {
		return refuse(forbiddenName(name))
	}
	p.present |= 1 << index
	r := &p.record
	switch name {
	case "card":
		return p.card()
	case "amount":
		return p.integer(&r.Amount, 0, "amount")
	case "fee":
		r.Fee = new(int64)
		return p.integer(r.Fee, 0, "amount")
	case "time":
		return p.integer(&r.Time, 0, "time")
	case "evseq":
		return p.counter(&r.Evseq, "evseq")
	case "seq":
		return p.counter(&r.Seq, "seq")
	}
	return p.text(name)
}

func (p *parser) text(name string) error {
	r := &p.record
	switch name {
	case "auth":
		return p.id(&r.Auth, name, "id")
	case "batch":
		return p.id(&r.Batch, name, "id")
	case "code":
		return p.id(&r.Code, name, "code")
	case "currency":
		return p.value(&r.Currency, name, "currency", isCurrencyCode)
	case "entry":
		return p.value(&r.Entry, name, "entry", oneOf(entries))
	case "kind":
		return p.value(&r.Kind, name, "kind", isKind)
	case "method":
		return p.value(&r.Method, name, "method", oneOf(methods))
	case "mid":
		return p.id(&r.MID, name, "id")
	case "original":
		return p.id(&r.Original, name, "id")
	case "reader":
		return p.id(&r.Reader, name, "reader")
	case "result":
		return p.value(&r.Result, name, "result", oneOf(results))
	case "rrn":
		return p.id(&r.RRN, name, "id")
	case "stan":
		return p.id(&r.STAN, name, "id")
	case "tid":
		return p.id(&r.TID, name, "id")
	}
	return refuse("unknown-member")
}

// card reads the nested object of exactly two members.
func (p *parser) card() error {
	p.record.Card = &Card{}
	err := p.scan.object(func(name string) error {
		switch name {
		case "brand":
			return p.id(&p.record.Card.Brand, name, "id")
		case "masked":
			return p.value(&p.record.Card.Masked, name, "masked", isMasked)
		}
		return refuse(forbiddenName(name))
	})
	if err != nil {
		return err
	}
	if p.record.Card.Brand == "" || p.record.Card.Masked == "" {
		return refuse("missing-member")
	}
	return nil
}

func (p *parser) id(to *string, name, which string) error {
	return p.value(to, name, which, isID)
}

// value reads a string. Card data is looked for first, so that it is named for
// what it is and not for breaking the member's class.
func (p *parser) value(to *string, name, which string, ok func(string) bool) error {
	text, isText, canonical := p.scan.text()
	if !canonical {
		return refuse("not-canonical")
	}
	if !isText {
		return refuse(which)
	}
	if holdsPAN(name, text) {
		return refuse("pan")
	}
	if !ok(text) {
		return refuse(which)
	}
	*to = text
	return nil
}

func (p *parser) integer(to *int64, least int64, which string) error {
	n, ok, canonical := p.scan.integer()
	if !canonical {
		return refuse("not-canonical")
	}
	if !ok || n < least || n > maxInt {
		return refuse(which)
	}
	*to = n
	return nil
}

func (p *parser) counter(to *uint64, which string) error {
	var n int64
	if err := p.integer(&n, 1, which); err != nil {
		return err
	}
	*to = uint64(n)
	return nil
}

// memberSet is a bit for each of memberNames.
type memberSet uint32

var memberNames = []string{"amount", "auth", "batch", "card", "code", "currency", "entry", "evseq",
	"fee", "kind", "method", "mid", "original", "reader", "result", "rrn", "seq", "stan", "tid", "time"}

func members(names ...string) (set memberSet) {
	for _, name := range names {
		set |= 1 << slices.Index(memberNames, name)
	}
	return set
}

var required = map[form]memberSet{
	formTransaction: members("amount", "batch", "currency", "entry", "evseq", "kind", "method",
		"mid", "reader", "result", "stan", "tid", "time"),
	formEvent:   members("evseq", "kind", "reader", "time"),
	formRefused: members("code", "evseq", "kind", "reader"),
}

var allowed = map[form]memberSet{
	formTransaction: required[formTransaction] | members("auth", "card", "fee", "original", "rrn", "seq"),
	formEvent:       required[formEvent] | members("batch", "seq", "tid"),
	formRefused:     required[formRefused] | members("seq"),
}

// complete checks that the record has its form's members and no others.
func (p *parser) complete() error {
	if p.present&members("kind") == 0 {
		return refuse("missing-member")
	}
	form := p.record.form()
	if p.present&^allowed[form] != 0 {
		return refuse("unknown-member")
	}
	if bits.OnesCount32(uint32(p.present&required[form])) != bits.OnesCount32(uint32(required[form])) {
		return refuse("missing-member")
	}
	return nil
}
