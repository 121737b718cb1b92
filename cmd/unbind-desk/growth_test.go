package main

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/merkle"
)

// Who tells a desk which size of its log he knows is shown with every receipt that the log
// continues that one. What is no size that the log had costs nobody his receipt.
func TestAReceiptContinuesWhatIsKnown(t *testing.T) {
	o := newOffice(t)
	believed := o.believed()
	u := whole(t, o, "T-1")
	text := u.do(u.unknown, http.MethodGet, "/v1/log/checkpoint", nil)
	earlier, err := merkle.OpenCheckpoint(text.body, believed)
	o.check(err)
	whole(t, o, "T-2") // the log grows
	answer, certificate := u.get(u.at("answer", 1)).body, u.get(u.at("certificate", 1)).body
	asks := map[string]func(http.Header) (reply, error){
		"answer": func(h http.Header) (reply, error) {
			return u.ask(u.known, http.MethodPut, u.at("answer", 1), h, bytes.NewReader(answer), int64(len(answer)))
		},
		"certificate": func(h http.Header) (reply, error) {
			return u.ask(u.known, http.MethodPut, u.at("certificate", 1), h, bytes.NewReader(certificate), int64(len(certificate)))
		},
		"tombstone": func(h http.Header) (reply, error) {
			body := tombstone(u.r[:])
			return u.ask(u.unknown, http.MethodPut, "/v1/cases/"+string(u.command.Case)+"/tombstone", h, bytes.NewReader(body), int64(len(body)))
		},
		"backup's receipt": func(h http.Header) (reply, error) {
			return u.ask(u.known, http.MethodGet, u.at("receipts/backup", 1), h, http.NoBody, 0)
		},
		"receipt of a file in pieces": func(h http.Header) (reply, error) {
			return u.ask(u.known, http.MethodGet, u.at("receipt", 1), h, http.NoBody, 0)
		},
	}
	for name, ask := range asks {
		r, err := ask(http.Header{"Unbindd-Log-Size": {fmt.Sprint(earlier.Size)}})
		o.check(err)
		r.want(t, http.StatusOK, "")
		checkpoint := merkle.CheckpointIn(proofOf(t, r))
		later, err := merkle.OpenCheckpoint(checkpoint, believed)
		o.check(err)
		line := r.header.Get("Unbindd-Log-Growth")
		if err := merkle.Joined(merkle.GrowthText(line, checkpoint), earlier, later, believed); err != nil || later.Size <= earlier.Size {
			t.Errorf("%s: from %d to %d: %v (%q)", name, earlier.Size, later.Size, err, line)
		}
		for _, size := range []string{"", "0", "-1", "007", "1e3", "x", fmt.Sprint(later.Size + 1), strings.Repeat("9", 40)} {
			r, err := ask(http.Header{"Unbindd-Log-Size": {size}})
			o.check(err)
			r.want(t, http.StatusOK, "")
			if proofOf(t, r); r.header.Get("Unbindd-Log-Growth") != "" {
				t.Errorf("%s: %q is proven", name, size)
			}
		}
	}
	u.answer(u.command.Case, 1, u.order.Digest(), command.Accepted).want(t, http.StatusOK, "") // of who knows no such header
}
