package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/manifest"
)

type offer struct{ Orders, Profiles, Trust []json.RawMessage }

func (m *terminal) orders(header http.Header) (reply, offer) {
	m.t.Helper()
	r, err := m.ask(m.known, http.MethodGet, "/v1/terminals/"+m.id+"/command", header, nil, 0)
	m.check(err)
	var o offer
	if r.status == http.StatusOK {
		m.check(json.Unmarshal(r.body, &o))
	}
	return r, o
}

func TestOrders(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	r, _ := m.orders(nil)
	r.want(t, http.StatusNoContent, "")

	order := o.order(unbind("T-1"), "ops-1", "sec-1")
	r, got := m.orders(nil)
	if len(got.Orders) != 1 || len(got.Trust) != 1 || parse(t, got.Orders[0]).Digest() != order.Digest() {
		t.Fatalf("the desk offers %d orders", len(got.Orders))
	}
	tag := http.Header{"If-None-Match": {r.header.Get("ETag")}}
	same, _ := m.orders(tag)
	same.want(t, http.StatusNotModified, "")

	u := m.begin(order)
	amend := o.order([]string{"amend", "--case", string(u.command.Case), "--allow", "reader-absent"}, "ops-1", "sec-1", "rel-1")
	cancel := o.order([]string{"cancel", "--case", string(u.command.Case)}, "ops-2")
	r, got = m.orders(tag)
	r.want(t, http.StatusOK, "")
	if len(got.Orders) != 3 || parse(t, got.Orders[1]).Digest() != amend.Digest() || parse(t, got.Orders[2]).Digest() != cancel.Digest() {
		t.Fatalf("the follow-ups do not stand in the order they were published: %d", len(got.Orders))
	}
	u.answer(u.command.Case, 2, cancel.Digest(), command.Accepted).want(t, http.StatusOK, "")
	r, _ = m.orders(nil)
	r.want(t, http.StatusOK, "") // taken, and not yet carried out
	u.answer(u.command.Case, 3, order.Digest(), command.Cancelled).want(t, http.StatusOK, "")
	r, _ = m.orders(nil)
	r.want(t, http.StatusNoContent, "")
	if got := o.state(string(u.command.Case)); got != "cancelled" {
		t.Fatalf("the case is %s, want cancelled", got)
	}
}

func TestLongPollIsWokenByPublish(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	_, path := o.draft(unbind("T-1"), "ops-1", "sec-1")
	woken := make(chan reply)
	go func() {
		r, err := m.ask(m.known, http.MethodGet, "/v1/terminals/T-1/command", http.Header{"Prefer": {"wait=55"}}, nil, 0)
		if err != nil {
			r.body = []byte(err.Error())
		}
		woken <- r
	}()
	o.cli("publish", "--dir", string(o.dir), path)
	select {
	case r := <-woken:
		r.want(t, http.StatusOK, "")
	case <-time.After(signWait / 3): // long before the poll would end by itself
		t.Fatal("the terminal was not woken")
	}
	r, _ := m.orders(http.Header{"Prefer": {"wait=1"}, "If-None-Match": {"\"another\""}})
	r.want(t, http.StatusOK, "")
}

func TestEndingWakesLongPolls(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	ended := make(chan reply)
	go func() {
		r, _ := m.ask(m.known, http.MethodGet, "/v1/terminals/T-1/command", http.Header{"Prefer": {"wait=55"}}, nil, 0)
		ended <- r
	}()
	m.get("/v1/terminals/T-1/command").want(t, http.StatusNoContent, "")
	if code := o.stop(); code != exitDone {
		t.Fatalf("the desk ended with %d: %s", code, o.log)
	}
	// Either the poll was answered, or it came too late to be heard at all.
	if r := <-ended; r.status != http.StatusNoContent && r.status != 0 {
		t.Fatalf("the poll was answered with %d", r.status)
	}
}

func TestForeigners(t *testing.T) {
	o := newOffice(t)
	m, other := newTerminal(o, "T-1"), newTerminal(o, "T-2")
	u := m.begin(o.order(unbind("T-1"), "ops-1", "sec-1"))
	u.sealed(nothing)
	u.deliver()
	id := string(u.command.Case)

	other.get("/v1/terminals/T-1/command").want(t, http.StatusForbidden, "E09:terminal")
	other.get("/v1/cases/"+id+"/manifest/1").want(t, http.StatusForbidden, "E09:case")
	other.get("/v1/cases/"+id+"/receipts/backup/1").want(t, http.StatusForbidden, "E09:case")
	other.put("/v1/cases/"+id+"/manifest/1", u.signed).want(t, http.StatusForbidden, "E09:case")
	other.put("/v1/cases/none:T-1/answer/1", []byte("{}")).want(t, http.StatusForbidden, "E09:terminal")
	m.get("/v1/tickets").want(t, http.StatusForbidden, "E10:certificate")
	m.put(u.at("tickets", 1), []byte("{}")).want(t, http.StatusForbidden, "E09:signer")
	for _, path := range []string{"/v1/terminals/T-1/command", "/v1/tickets", "/v1/cases/" + id + "/manifest/1"} {
		m.do(m.unknown, http.MethodGet, path, nil).want(t, http.StatusForbidden, "E10:certificate")
	}
	// A certificate of the right CA that the store does not know.
	stray := *m
	stray.makeKeys()
	stray.known = m.stranger(stray.tls)
	stray.get("/v1/terminals/T-1/command").want(t, http.StatusForbidden, "E10:certificate")
	stray.known = m.stranger(m.tls) // the right key in another certificate
	stray.get("/v1/terminals/T-1/command").want(t, http.StatusForbidden, "E10:certificate")
}

func TestPathsThatMeanAnotherPlace(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	long := strings.Repeat("a", 65)
	for _, path := range []string{
		"/v1/cases/%2e%2e/manifest/1", "/v1/cases/a%2fb/manifest/1", "/v1/cases/../manifest/1", "/v1/cases//manifest/1",
		"/v1/cases/./manifest/1", "/v1/cases/" + long + "/manifest/1", "/v1/cases/a$b/manifest/1",
		"/v1/cases/C-1/manifest/0", "/v1/cases/C-1/manifest/01", "/v1/cases/C-1/manifest/-1", "/v1/cases/C-1/manifest/9223372036854775808",
		"/v1/cases/C-1/manifest/1/", "/v1/terminals/" + long + "/command", "/v1/terminals/T-1%00/command",
	} {
		r, err := m.raw(http.MethodGet, path)
		m.check(err)
		if r.status != http.StatusBadRequest {
			t.Errorf("%s was answered with %d: %s", path, r.status, r.body)
		}
	}
	m.get("/v1/nowhere").want(t, http.StatusNotFound, "E28:route")
	m.get("/v1/cases/C-2026-999999/manifest/1").want(t, http.StatusNotFound, "E28:case")
	m.do(m.unknown, http.MethodDelete, "/v1/time", nil).want(t, http.StatusNotFound, "E28:route")
}

func TestBodiesAreBounded(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	m.post("/v1/enrol", bytes.Repeat([]byte("x"), 300<<10)).want(t, http.StatusRequestEntityTooLarge, "E01:bytes")
	m.post("/v1/enrol", bytes.Repeat([]byte(" "), 300<<10)).want(t, http.StatusRequestEntityTooLarge, "E01:bytes")
	m.post("/v1/enrol", bytes.Repeat([]byte("x"), 20<<10)).want(t, http.StatusBadRequest, "E01:bytes")
	m.post("/v1/enrol", []byte(`{"a":1,"a":2}`)).want(t, http.StatusBadRequest, "E02:duplicate-member")
}

func TestSignedTime(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	before := time.Now().Unix()
	r := m.post("/v1/time", []byte("{\"nonce\":\"n-1\",\"v\":1}\n"))
	r.want(t, http.StatusOK, "")
	var said struct {
		Nonce envelope.ID `json:"nonce"`
		Time  int64       `json:"time"`
		V     int         `json:"v"`
	}
	e := parse(t, r.body)
	m.check(envelope.Decode(e.Payload, &said))
	if e.PayloadType != envelope.Type("time") || !e.SignedBy(o.signer("receipt-1").Public()) || said.Nonce != "n-1" || said.Time < before {
		t.Fatalf("the time is not what was asked for: %s", r.body)
	}
	m.post("/v1/time", []byte(`{"nonce":"a b","v":1}`)).want(t, http.StatusBadRequest, "E06:wrong-class")
	m.post("/v1/time", []byte(`{"v":1,"nonce":"n"}`)).want(t, http.StatusBadRequest, "E06:not-canonical")
}

func TestObjectsAreIdempotent(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	m.trade(2)
	u := m.begin(o.order(unbind("T-1"), "ops-1", "sec-1"))
	u.sealed(nothing)
	u.deliver()
	// The same answer again, and another one under its number.
	u.answer(u.command.Case, 1, u.order.Digest(), command.Accepted).want(t, http.StatusOK, "")
	conflict := u.answer(u.command.Case, 1, u.order.Digest(), command.Undone)
	conflict.want(t, http.StatusConflict, "E11:other-bytes")
	if !strings.Contains(conflict.told.Message, "sha256:") {
		t.Fatalf("the conflict does not tell the stored digest: %s", conflict.told.Message)
	}
	u.put(u.at("manifest", 1), u.signed).want(t, http.StatusNoContent, "")
	other := u.manifest
	other.Count++
	u.put(u.at("manifest", 1), u.seal(manifest.Kind, other)).want(t, http.StatusConflict, "E11:other-bytes")

	first := u.put(u.at("certificate", 1), u.certificate(1, complete))
	first.want(t, http.StatusOK, "")
	again := u.put(u.at("certificate", 1), u.certificate(1, complete))
	if !bytes.Equal(first.body, again.body) {
		t.Fatal("the same certificate got another receipt")
	}
	u.put(u.at("certificate", 1), u.certificate(1, func(p *certificate.Predicate) { p.Finished++ })).want(t, http.StatusConflict, "E11:other-bytes")
	for path, want := range map[string][]byte{
		u.at("manifest", 1): u.signed, u.at("receipts/backup", 1): u.authority.Encode(), u.at("receipts/certificate", 1): first.body,
		u.at("command", 1): u.order.Encode(),
	} {
		if r := u.get(path); !bytes.Equal(r.body, want) {
			t.Errorf("%s reads back something else: %s", path, r.body)
		}
	}
	u.get(u.at("tickets", 1)).want(t, http.StatusNotFound, "E28:ticket")
}

func TestAnswersMustFit(t *testing.T) {
	o := newOffice(t)
	m, other := newTerminal(o, "T-1"), newTerminal(o, "T-2")
	u := m.begin(o.order(unbind("T-1"), "ops-1", "sec-1"))
	id := u.command.Case
	say := func(change func(*command.Answer), by *terminal) reply {
		a := command.Answer{Case: id, Code: "none", N: 2, Outcome: command.Undone, Subject: u.order.Digest(), Terminal: "T-1", V: 1}
		change(&a)
		return m.put(fmt.Sprintf("/v1/cases/%s/answer/2", id), by.seal("answer", a))
	}
	say(func(*command.Answer) {}, other).want(t, http.StatusForbidden, "E04")
	say(func(a *command.Answer) { a.Case = "C-9" }, m).want(t, http.StatusUnprocessableEntity, "E28:case")
	say(func(a *command.Answer) { a.N = 3 }, m).want(t, http.StatusUnprocessableEntity, "E28:case")
	say(func(a *command.Answer) { a.Terminal = "T-2" }, m).want(t, http.StatusUnprocessableEntity, "E09:terminal")
	say(func(a *command.Answer) { a.Outcome = "fine" }, m).want(t, http.StatusUnprocessableEntity, "E07:outcome")
	// An order that was carried to the terminal and never published here is answered all the same.
	m.answer(id, 3, envelope.Digest(m.anchor()), command.Refused).want(t, http.StatusOK, "")
	m.answer(id, 3, envelope.Digest(m.bound), command.Refused).want(t, http.StatusConflict, "E11:other-bytes")
	if got := o.state(string(id)); got != "accepted" {
		t.Fatalf("by the answer to an order of nobody the case is %s", got)
	}
	m.put(u.at("answer", 2), u.signed0()).want(t, http.StatusBadRequest, "E03")
	m.put("/v1/cases/C-2026-999999/answer/1", m.seal("answer", command.Answer{
		Case: "C-2026-999999", Code: "none", N: 1, Outcome: command.Refused, Subject: u.order.Digest(), Terminal: "T-1", V: 1,
	})).want(t, http.StatusUnprocessableEntity, "E28:case")
	m.answer("none:T-1", 1, m.anchor(), command.Refused).want(t, http.StatusOK, "")
	m.answer("none:T-1", 1, m.anchor(), command.Refused).want(t, http.StatusOK, "")
	m.answer("none:T-1", 1, m.bound, command.Refused).want(t, http.StatusConflict, "E11:other-bytes")
	say(func(*command.Answer) {}, m).want(t, http.StatusOK, "")
	if got := o.state(string(id)); got != "undone" {
		t.Fatalf("the case is %s, want undone", got)
	}
}

// signed0 is an envelope of another kind.
func (u *unbinding) signed0() []byte {
	u.sealed(nothing)
	return u.signed
}
