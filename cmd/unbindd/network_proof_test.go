package main

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
)

// proves checks what the network saw and what the desk has: the acceptance and the
// completion as answers, one certificate, one receipt for each, the same for the same
// bytes, and no room for others in their place; and the tombstone.
func (n *network) proves() {
	n.t.Helper()
	n.quiet()
	n.mu.Lock()
	broken := n.broken
	n.mu.Unlock()
	for _, b := range broken {
		n.t.Error(b)
	}
	at := "/v1/cases/" + n.world.caseID() + "/"
	manifest := n.has(at + "manifest/1")
	if manifest == nil {
		n.t.Fatal("the desk has no manifest")
	}
	outcomes := []string{}
	for k := 1; ; k++ {
		answer := n.receipted(at, "answer", k, manifest)
		if answer == nil {
			break
		}
		outcomes = append(outcomes, answered(n.t, answer))
	}
	if !slices.Equal(outcomes, []string{command.Accepted, command.Completed}) {
		n.t.Errorf("the desk has the answers %q, want that it was accepted and completed", outcomes)
	}
	if n.receipted(at, "certificate", 1, manifest) == nil {
		n.t.Error("the desk has no certificate")
	}
	if n.has(at+"receipts/tombstone/1") == nil {
		n.t.Error("the desk was not told that the identity is gone")
	}
	if n.has(at+"certificate/2") != nil {
		n.t.Error("there is a second certificate")
	}
}

// has reads an object of the desk; nil when there is none.
func (n *network) has(path string) []byte {
	n.t.Helper()
	r, ok := n.pass(&passing{method: http.MethodGet, path: path})
	switch {
	case ok && r.code == http.StatusOK:
		return r.body
	case !ok || r.code != http.StatusNotFound:
		n.t.Fatalf("%s: the desk answers %d %s", path, r.code, r.body)
	}
	return nil
}

// receipted reads an object and holds its receipt against what the same bytes get now
// and got before; other bytes get 409.
func (n *network) receipted(at, kind string, number int, other []byte) []byte {
	n.t.Helper()
	path := at + kind + "/" + strconv.Itoa(number)
	body := n.has(path)
	if body == nil {
		return nil
	}
	receipt := n.has(at + "receipts/" + kind + "/" + strconv.Itoa(number))
	same, _ := n.pass(&passing{method: http.MethodPut, path: path, body: body})
	if receipt == nil || same.code != http.StatusOK || !bytes.Equal(same.body, receipt) {
		n.t.Errorf("the same %s %d again: %d %s; the receipt is %s", kind, number, same.code, same.body, receipt)
	}
	if r, _ := n.pass(&passing{method: http.MethodPut, path: path, body: other}); r.code != http.StatusConflict {
		n.t.Errorf("other bytes as %s %d: %d %s", kind, number, r.code, r.body)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.said[path]) > 1 {
		n.t.Errorf("%s %d was answered in %d ways", kind, number, len(n.said[path]))
	}
	return body
}

func answered(t *testing.T, answer []byte) string {
	t.Helper()
	e, err := envelope.Parse(answer, envelope.MaxSize)
	if err != nil {
		t.Fatal(err)
	}
	var a command.Answer
	if err := envelope.Decode(e.Payload, &a); err != nil {
		t.Fatal(err)
	}
	return string(a.Outcome)
}
