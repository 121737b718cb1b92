package main

import (
	"fmt"
	"strings"
	"testing"

	"unbindd/agent/local"
	"unbindd/agent/manifest"
)

// record is a sale as a reader sends it, with some of its members exchanged.
func record(evseq int, swap ...string) string {
	text := fmt.Sprintf(`{"amount":1250,"batch":"000001","card":{"brand":"unionpay","masked":"622848******1234"},"currency":"CNY",`+
		`"entry":"chip","evseq":%d,"kind":"sale","method":"card","mid":"898301000004417","reader":"%s","result":"approved",`+
		`"stan":"000099","tid":"30041877","time":1767225600}`, evseq, readerNo)
	return strings.NewReplacer(swap...).Replace(text)
}

// What nobody can book is refused by name, kept out of the sums, and holds
// nothing up: the next sale is booked, and the terminal can be unbound. Nothing
// of what was refused is written anywhere.
func TestWhatNobodyCanBookIsRefusedByName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{sales: 5})
	w.startDaemon()
	w.traded(5)
	first := w.until("the batch close", func(s local.Status) bool { return s.Ledger != nil && s.Ledger.Events == 1 })
	next := int(first.Ledger.Transactions+first.Ledger.Events) + 1
	// A gap is filled where an earlier number would have to be, so each takes the next one.
	refusals := []struct{ code, body string }{
		{"E25:pan", record(next, `622848******1234`, `6228480402564890018`)},
		{"E25:masked", record(next+1, `622848******1234`, `622848`+strings.Repeat("*", 60)+`1234`)},
		{"E25:amount", record(next+2, `"amount":1250`, `"amount":9223372036854775807`)},
		{"E25:amount", record(next+3, `"amount":1250`, `"amount":9223372036854775808`)},
		{"E25:amount", record(next+4, `"amount":1250`, `"amount":-9223372036854775808`)},
		{"E25:amount", record(next+5, `"amount":1250`, `"amount":-1`)},
		{"E25:currency", record(next+6, `"CNY"`, `"ZZZ"`)},
		{"E25:evseq", record(next - 1)}, // its number goes backwards
		{"E25:reader", record(next+8, readerNo, "PED-0009")},
		{"E25:cvv", record(next+9, `"entry"`, `"cvv2":"123","entry"`)},
		{"E25:unknown-member", record(next+10, `"entry"`, `"customer":"x","entry"`)},
		{"E25:not-canonical", record(next+11, `"batch"`, ` "batch"`)},
		{"E25:not-canonical", "no record at all"},
	}
	for i, r := range refusals {
		w.ask("raw", r.body)
		want := fmt.Sprintf(`"code":"%s","evseq":%d`, r.code, next+i)
		w.until(want+" in the log", func(s local.Status) bool {
			return int(s.Ledger.Refused) == i+1 && strings.Contains(w.daemon.said(), want)
		})
	}
	w.sells()
	w.issue()
	w.completes(6)
	var m manifest.Manifest
	payload(t, w.path("case-"+w.caseID(), "manifest.json"), &m)
	if m.Refused != int64(len(refusals)) {
		t.Errorf("the manifest counts %d refusals, there were %d", m.Refused, len(refusals))
	}
	if strings.Contains(w.daemon.said(), "6228480402564890018") {
		t.Error("a card number stands in the log")
	}
}
