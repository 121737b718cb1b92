package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"strings"
	"time"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/manifest"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/serve"
)

// visit is three cases and everybody who might ask about them: one that has
// everything but its tombstone, one that waits for its ticket and its certificate,
// one whose file is still to come.
type visit struct {
	*hall
	u, waits, comes   *unbinding
	own, other, old   *tls.Certificate
	ticketing         *tls.Certificate // the ticket signer's
	foreign, outdated *tls.Certificate
	accepted          []byte // u's first answer
	draft, drafted    string // a command that two people signed, and its case
	spare, spared     string // another, that one signed
}

func newVisit(h *hall) *visit {
	h.t.Helper()
	v := &visit{hall: h}
	v.old = newTerminal(h.office, "T-1").certificate()
	v.u = v.backedUp("T-1")
	v.own = v.u.terminal.certificate()
	v.other = newTerminal(h.office, "T-2").certificate()
	v.u.ticket()
	v.waits = v.backedUp("T-3") // after the signer's round, which would take this one's too
	v.u.put(v.u.at("certificate", 1), v.u.certificate(1, complete)).want(h.t, http.StatusOK, "")
	v.accepted = v.u.get(v.u.at("answer", 1)).body
	v.comes = begun(h.t, h.office, "T-4")
	v.comes.open()
	signer, err := tls.LoadX509KeyPair(h.dir.Certificate("tickets"), h.dir.CertificateKey("tickets"))
	h.check(err)
	v.ticketing = &signer
	v.foreign, v.outdated = v.certificates()
	e, path := h.office.draft(unbind("T-2"), "ops-1", "sec-1")
	v.draft, v.drafted = path, caseOf(h.t, e)
	e, path = h.office.draft(unbind("T-2"), "ops-1")
	v.spare, v.spared = path, caseOf(h.t, e)
	return v
}

func (v *visit) backedUp(id string) *unbinding {
	m := newTerminal(v.office, id)
	m.trade(3)
	u := m.begin(v.order(unbind(id), "ops-1", "sec-1"))
	u.sealed(nothing)
	u.deliver()
	return u
}

func (m *terminal) certificate() *tls.Certificate {
	block, _ := pem.Decode([]byte(m.welcome.Certificate))
	return &tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: m.tls}
}

// certificates are one of a CA of our own with the terminal's name on it, and one
// of the desk's CA whose days are over.
func (v *visit) certificates() (foreign, outdated *tls.Certificate) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	v.check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "T-1"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	v.check(err)
	ca, err := authority.ReadCA(v.dir.CACertificate(), v.dir.CAKey(), rand.Reader)
	v.check(err)
	issued, err := ca.Client("T-1", "terminal", v.u.tls.Public(), time.Now().AddDate(-6, 0, 0))
	v.check(err)
	block, _ := pem.Decode(issued.PEM)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		&tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: v.u.tls}
}

// welcome is the certificate that a route wants.
func (v *visit) welcome(r serve.Route) *tls.Certificate {
	switch r.Who {
	case serve.Anybody:
		return nil
	case serve.Signer:
		return v.ticketing
	}
	return v.of(r).terminal.certificate()
}

// of is whose case a route is asked about.
func (v *visit) of(r serve.Route) *unbinding {
	if strings.Contains(r.Path, "uploads") || strings.HasSuffix(r.Path, "/backup/{n}") {
		return v.comes
	}
	return v.u
}

func (v *visit) address(r serve.Route) string {
	if r.Who == serve.Owner {
		return ""
	}
	return strings.TrimPrefix(v.url, "https://")
}

// fill writes values into a route's path; what is not named is what the case has.
func (v *visit) fill(r serve.Route, with map[string]string) string {
	path, id := r.Path, string(v.of(r).command.Case)
	if strings.HasPrefix(path, "/desk/cases/{case}/draft") || strings.HasSuffix(path, "/withdraw") {
		id = v.spared
	}
	kind := "manifest"
	if strings.Contains(path, "receipts") {
		kind = "backup"
	}
	values := map[string]string{"case": id, "terminal": "T-1", "of": string(v.of(r).command.Terminal), "kind": kind, "n": "1", "i": "0", "m": "1", "hours": "1"}
	for name, value := range with {
		values[name] = value
	}
	for name, value := range values {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	return path
}

// right is a request that a route grants.
func (v *visit) right(r serve.Route) asking {
	a := asking{method: r.Method, target: v.fill(r, nil)}
	if r.Body.Type != "" {
		a.header = []string{"Content-Type: " + r.Body.Type}
	}
	switch r.Method + " " + r.Path {
	case "POST /v1/uploads":
		for name, values := range v.comes.announced(int64(len(v.comes.file)), string(v.comes.manifest.Digest)) {
			a.header = append(a.header, name+": "+values[0])
		}
	case "HEAD /v1/uploads/{case}/{n}":
		a = a.with("Tus-Resumable: 1.0.0")
	case "PATCH /v1/uploads/{case}/{n}":
		a = a.with("Tus-Resumable: 1.0.0", fmt.Sprintf("Upload-Offset: %d", v.kept()))
	case "PUT /v1/cases/{case}/backup/{n}", "PUT /desk/courier/{of}/cases/{case}/backup/{n}":
		sum := sha256.Sum256(v.comes.file)
		a = a.with("Content-Digest: sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":")
	}
	a.body = v.body(r)
	for path, id := range map[string]string{"/desk/publish": v.drafted, "/desk/collect": v.spared, "/desk/cases/{case}/withdraw": v.spared} {
		if r.Path == path {
			a = a.with(fmt.Sprintf(`If-Match: "%d"`, v.show(envelope.ID(id)).Version))
		}
	}
	return a
}

// kept is how much of the file is here that comes in pieces.
func (v *visit) kept() int64 {
	p, err := v.desk.Progress(desk.Caller{Terminal: v.comes.command.Terminal, Binding: v.comes.command.Binding}, v.comes.command.Case, 1)
	v.check(err)
	return p.Offset
}

func (v *visit) body(r serve.Route) []byte {
	text := func(value any) []byte {
		body, err := json.Marshal(value)
		v.check(err)
		return body
	}
	if r.Method == http.MethodPatch {
		return v.comes.file[v.kept():]
	}
	path := strings.TrimSuffix(r.Path, "/{n}")
	switch path[strings.LastIndex(path, "/")+1:] {
	case "enrol":
		return v.u.request
	case "time":
		return []byte(`{"nonce":"n-1","v":1}`)
	case "tombstone":
		return tombstone(v.u.r[:])
	case "tickets":
		if r.Method == http.MethodPut {
			return v.u.handMade()
		}
	case "answer":
		return v.accepted
	case "acceptance":
		return v.u.seal("acceptance", map[string]any{
			"command": v.u.order.Digest(), "epoch": 1, "head": v.u.manifest.Head, "manifest": v.u.digest, "terminal": "T-1", "v": 1,
		})
	case "manifest":
		return v.u.signed
	case "certificate":
		return v.u.certificate(1, complete)
	case "backup":
		return v.comes.file
	case "admit":
		return text(v.admission("T-9"))
	case "issue":
		return text(v.wish("T-2"))
	case "follow":
		return text(desk.Follow{Kind: "cancel", Case: v.drafted})
	case "publish", "collect":
		body, err := os.ReadFile(map[bool]string{true: v.spare, false: v.draft}[r.Path == "/desk/collect"])
		v.check(err)
		return body
	case "campaign":
		return text(desk.Wave{})
	case "alarms":
		if r.Method == http.MethodPut {
			return text(desk.Settlement{Kind: desk.Zombie, About: "T-1", By: "auditor-1", Why: "looked into"})
		}
	case "caps":
		if r.Method == http.MethodPut {
			return text(desk.Caps{})
		}
	case "clock":
		if r.Method == http.MethodPut {
			return text(map[string]int64{"now": time.Now().Unix()})
		}
	}
	return nil
}

func (v *visit) admission(terminal string) map[string]any {
	return map[string]any{
		"terminal": terminal, "serial": "SN-" + strings.Map(plainRune, terminal), "acquirer": "acq-1", "merchant": "m-1", "uscc": "91310000000000000X", "account": "6222000000",
		"reader": map[string]any{"sn": "PED-9", "pub": v.u.reader.Public(), "pairing": make([]byte, 16)},
	}
}

func plainRune(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
		return r
	}
	return '-'
}

func (v *visit) wish(terminal string) desk.Wish {
	return desk.Wish{
		Terminal: terminal, Action: "rebind", Profile: "rebind-standard", Reason: "merchant-closed", Gate: "receipt", Level: "clear", Set: v.u.command.Backup.Set, Valid: 3600,
	}
}

// forged is a route's right request with another key's signature under it, at a
// place where nothing is yet. False says that nothing is signed there.
func (v *visit) forged(r serve.Route, by string) (asking, bool) {
	a := v.right(r)
	case3 := string(v.waits.command.Case)
	switch r.Path {
	case "/v1/cases/{case}/tickets/{n}":
		f, err := v.waits.ticketFor().Sign(v.signer(by))
		v.check(err)
		a.body, err = envelope.Canonical(f)
		v.check(err)
		a.target = v.fill(r, map[string]string{"case": case3})
		return a, true
	case "/v1/cases/{case}/answer/{n}":
		a.target = v.fill(r, map[string]string{"case": case3, "n": "2"})
		a.body = v.waits.seal("answer", command.Answer{
			Case: v.waits.command.Case, Code: command.CodeNone, N: 2, Outcome: command.Completed, Subject: v.waits.order.Digest(), Terminal: "T-3", V: 1,
		})
	case "/v1/cases/{case}/manifest/{n}":
		m := v.waits.manifest
		m.N, m.Supersedes = 2, v.waits.digest
		a.target, a.body = v.fill(r, map[string]string{"case": case3, "n": "2"}), v.waits.seal(manifest.Kind, m)
	case "/v1/cases/{case}/certificate/{n}":
		a.target, a.body = v.fill(r, map[string]string{"case": case3}), v.waits.certificate(1, complete)
	}
	e, err := envelope.Parse(a.body, envelope.MaxSize)
	if err != nil {
		return a, false
	}
	forged := &envelope.Envelope{PayloadType: e.PayloadType, Payload: e.Payload}
	v.check(forged.Add(v.signer(by)))
	if r.Who == serve.Owner { // beside one that it needs, in place of the other
		v.check(forged.Add(v.signer("ops-1")))
	}
	a.body = forged.Encode()
	return a, true
}

// owner is who sends what was forged.
func (v *visit) owner(r serve.Route, a asking) *tls.Certificate {
	if r.Who == serve.Known && strings.Contains(a.target, string(v.waits.command.Case)) {
		return v.waits.terminal.certificate()
	}
	return v.welcome(r)
}
