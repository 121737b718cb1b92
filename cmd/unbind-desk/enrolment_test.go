package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/enrol"
)

func TestEnrolIsIdempotent(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	first := m.post("/v1/enrol", m.request)
	first.want(t, http.StatusOK, "")
	again := m.post("/v1/enrol", append([]byte(" "), append(m.request, '\n')...))
	if !bytes.Equal(first.body, again.body) {
		t.Fatal("the same request got another answer")
	}
	if m.binding.Epoch != 1 || len(m.welcome.Pairing) != 16 || len(m.welcome.Salt) != 16 || len(m.welcome.Profiles) != 2 || len(m.welcome.Trust) != 1 {
		t.Fatalf("the answer lacks something: epoch %d, %d profiles, %d bundles", m.binding.Epoch, len(m.welcome.Profiles), len(m.welcome.Trust))
	}
	if m.binding.Account != enrol.Element(m.welcome.Salt, "6222000000") || m.binding.USCC != enrol.Element(m.welcome.Salt, "91310000000000000X") {
		t.Fatal("the binding's element digests are not those of the salt and the values")
	}
}

func TestEnrolRefuses(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	m.makeKeys() // another device and TLS key: the same nonce, other bytes
	other := m.post("/v1/enrol", m.makeRequest(func(*enrol.Request) {}))
	other.want(t, http.StatusConflict, "E30:other-bytes")
	if !strings.Contains(other.told.Message, "sha256:") {
		t.Fatalf("the conflict does not tell the stored digest: %s", other.told.Message)
	}
	m.admit()
	for _, c := range []struct {
		name, code string
		change     func(*enrol.Request)
	}{
		{"unknown nonce", "E30:unknown", func(r *enrol.Request) { r.Nonce = "ffff" }},
		{"another reader", "E30:reader", func(r *enrol.Request) { r.Reader = "PED-9999" }},
		{"another terminal", "E30:terminal", func(r *enrol.Request) { r.Terminal = "T-2" }},
		{"another serial", "E30:terminal", func(r *enrol.Request) { r.Serial = "SN-2" }},
		{"another ticket", "E30:ticket", func(r *enrol.Request) { r.Ticket = m.anchor() }},
		{"no TLS key", "E30:tls", func(r *enrol.Request) { r.TLS = []byte{1} }},
		{"signed by another key", "E30:signature", func(r *enrol.Request) { r.Device = o.signer("ops-1").Public() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			m.post("/v1/enrol", m.makeRequest(c.change)).want(t, http.StatusForbidden, c.code)
		})
	}
	superseded := m.makeRequest(func(*enrol.Request) {})
	m.admit()
	m.post("/v1/enrol", superseded).want(t, http.StatusForbidden, "E30:superseded")
}

func TestEnrolAgain(t *testing.T) {
	o := newOffice(t)
	old := newTerminal(o, "T-1")
	m := &terminal{t: t, desk: o, id: "T-1", readSN: "PED-T-1"}
	m.makeKeys()
	m.admit()
	order := o.order(unbind("T-1"), "ops-1", "sec-1")
	m.unknown = m.client()
	m.post("/v1/enrol", m.makeRequest(func(*enrol.Request) {})).want(t, http.StatusConflict, "E19")
	if _, said, code := verb(t, append([]string{"issue", "--dir", string(o.dir), "--out", o.file("x")}, unbind("T-1")...)...); code != exitDone {
		t.Fatalf("a second case cannot even be drafted: %s", said)
	}
	u := old.begin(order)
	u.answer(u.command.Case, 2, order.Digest(), command.Cancelled).want(t, http.StatusOK, "")
	m.enrol()
	if m.binding.Epoch != 2 {
		t.Fatalf("the second enrolment has epoch %d", m.binding.Epoch)
	}
	old.get("/v1/terminals/T-1/command").want(t, http.StatusForbidden, "E10:certificate")
	old.post("/v1/enrol", old.request).want(t, http.StatusForbidden, "E30:used")
	m.get("/v1/terminals/T-1/command").want(t, http.StatusNoContent, "")
	// Its answers to what is no case go on behind those of the enrolment before it.
	for _, n := range []int64{1<<20 + 1, 1<<20 + 2} {
		m.answer("none:T-1", n, m.anchor(), command.Refused).want(t, http.StatusOK, "")
	}
}

func TestEnrolKnownTLSKey(t *testing.T) {
	o := newOffice(t)
	first := newTerminal(o, "T-1")
	m := &terminal{t: t, desk: o, id: "T-2", readSN: "PED-T-2"}
	m.makeKeys()
	m.admit()
	m.tls, m.unknown = first.tls, m.client()
	m.post("/v1/enrol", m.makeRequest(func(*enrol.Request) {})).want(t, http.StatusForbidden, "E30:tls")
}
