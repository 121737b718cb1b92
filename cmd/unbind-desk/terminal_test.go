package main

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"unbindd/agent/command"
	"unbindd/agent/enrol"
	"unbindd/agent/envelope"
	"unbindd/agent/ledger"
	"unbindd/cmd/unbind-desk/internal/authority"
)

// terminal is a scripted terminal: it has every key a terminal has, and says
// what a test wants it to say.
type terminal struct {
	t      *testing.T
	desk   *office
	id     string
	serial string // SN-<id> where not set
	device ed25519.PrivateKey
	tls    *ecdsa.PrivateKey
	reader ed25519.PrivateKey
	readSN envelope.ID

	ticket  *envelope.Envelope
	request []byte
	welcome struct {
		Binding     json.RawMessage
		CA          string
		Certificate string
		Pairing     []byte
		Profiles    []json.RawMessage
		Salt        []byte
		Trust       []json.RawMessage
	}
	binding enrol.Binding
	bound   envelope.Digest
	known   *http.Client
	unknown *http.Client

	lines []string // the ledger, as lines of a backup
	tally ledger.Tally
	head  [32]byte
	start *[32]byte // the head of a predecessor
	r     [32]byte  // the tombstone's preimage
}

// newTerminal enrols a terminal with keys of its own.
func newTerminal(o *office, id string) *terminal {
	o.t.Helper()
	m := &terminal{t: o.t, desk: o, id: id, readSN: envelope.ID("PED-" + id)}
	m.makeKeys()
	m.admit()
	m.enrol()
	return m
}

func (m *terminal) makeKeys() {
	m.t.Helper()
	var err error
	_, m.device, err = ed25519.GenerateKey(rand.Reader)
	m.check(err)
	_, m.reader, err = ed25519.GenerateKey(rand.Reader)
	m.check(err)
	m.tls, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	m.check(err)
	_, err = rand.Read(m.r[:])
	m.check(err)
}

// admit gets the enrolment ticket from the operator.
func (m *terminal) admit() {
	m.t.Helper()
	sheet := m.desk.file("reader.json")
	public, _ := m.reader.Public().(ed25519.PublicKey)
	text, err := json.Marshal(map[string]any{
		"sn": m.readSN, "model": "SIM-1", "firmware": "1.0", "pub": []byte(public), "pairing": bytes.Repeat([]byte{7}, 16),
		"slots": []any{},
	})
	m.check(err)
	m.check(os.WriteFile(sheet, text, 0o600))
	out := m.desk.file("ticket.json")
	m.desk.cli("enrol", "--dir", string(m.desk.dir), "--terminal", m.id, "--serial", cmp.Or(m.serial, "SN-"+m.id), "--acquirer", "acq-1",
		"--merchant", "m-1", "--uscc", "91310000000000000X", "--account", "6222000000", "--reader", sheet, "--out", out)
	m.ticket, err = readEnvelope(out)
	m.check(err)
}

func (m *terminal) enrol() {
	m.t.Helper()
	m.unknown = m.client()
	m.request = m.makeRequest(func(*enrol.Request) {})
	a := m.post("/v1/enrol", m.request)
	a.want(m.t, http.StatusOK, "")
	m.settle(a.body)
}

// makeRequest signs an enrolment request, changed by a test.
func (m *terminal) makeRequest(change func(*enrol.Request)) []byte {
	m.t.Helper()
	ticket, err := enrol.ReadTicket(m.ticket)
	m.check(err)
	der, err := x509.MarshalPKIXPublicKey(m.tls.Public())
	m.check(err)
	r := enrol.Request{
		Device: m.signer().Public(), Nonce: ticket.Nonce, Reader: m.readSN, Serial: ticket.Serial,
		Terminal: ticket.Terminal, Ticket: m.ticket.Digest(), TLS: der, V: 1,
	}
	change(&r)
	return m.seal("enrol-request", r)
}

// settle takes the desk's answer over.
func (m *terminal) settle(body []byte) {
	m.t.Helper()
	m.check(json.Unmarshal(body, &m.welcome))
	e, err := envelope.Parse(m.welcome.Binding, envelope.MaxSize)
	m.check(err)
	m.check(envelope.Decode(e.Payload, &m.binding))
	m.bound = e.Digest()
	block, _ := pem.Decode([]byte(m.welcome.Certificate))
	m.known = m.client(tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: m.tls})
	m.lines, m.tally, m.start = nil, ledger.Tally{}, nil
	m.head = m.origin()
}

func (m *terminal) client(shown ...tls.Certificate) *http.Client {
	ca, err := os.ReadFile(m.desk.dir.CACertificate())
	m.check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	transport := &http.Transport{
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: roots, Certificates: shown},
		ExpectContinueTimeout: 10 * time.Second,
	}
	m.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func (m *terminal) signer() envelope.Signer { return envelope.NewSigner(m.device) }

// seal signs a payload with the device key.
func (m *terminal) seal(kind string, payload any) []byte {
	m.t.Helper()
	e, err := envelope.Seal(envelope.Type(kind), payload, m.signer())
	m.check(err)
	return e.Encode()
}

func (m *terminal) check(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// reply is what the desk answered.
type reply struct {
	status int
	header http.Header
	body   []byte
	told   struct{ Code, Message, Next string }
}

// want checks status and, where one is given, the code of the refusal.
func (r reply) want(t *testing.T, status int, code string) {
	t.Helper()
	if r.status != status || r.told.Code != code {
		t.Fatalf("the desk answered %d %s, want %d %s: %s", r.status, r.told.Code, status, code, r.body)
	}
	if code != "" && (r.told.Message == "" || r.told.Next == "") {
		t.Fatalf("the refusal has no sentence or no next step: %s", r.body)
	}
}

func (m *terminal) ask(client *http.Client, method, path string, header http.Header, body io.Reader, size int64) (reply, error) {
	req, err := http.NewRequest(method, m.desk.url+path, body)
	if err != nil {
		return reply{}, err
	}
	if header != nil {
		req.Header = header
	}
	req.ContentLength = size
	resp, err := client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	r := reply{status: resp.StatusCode, header: resp.Header}
	if r.body, err = io.ReadAll(resp.Body); err != nil {
		return r, err
	}
	if r.status/100 != 2 && len(r.body) > 0 {
		err = json.Unmarshal(r.body, &r.told)
	}
	return r, err
}

func (m *terminal) do(client *http.Client, method, path string, body []byte) reply {
	m.t.Helper()
	r, err := m.ask(client, method, path, nil, bytes.NewReader(body), int64(len(body)))
	m.check(err)
	return r
}

func (m *terminal) post(path string, body []byte) reply {
	m.t.Helper()
	return m.do(m.unknown, http.MethodPost, path, body)
}

func (m *terminal) get(path string) reply {
	m.t.Helper()
	return m.do(m.known, http.MethodGet, path, nil)
}

func (m *terminal) put(path string, body []byte) reply {
	m.t.Helper()
	return m.do(m.known, http.MethodPut, path, body)
}

// upload sends a sealed file, announced as it is or as a test says.
func (m *terminal) upload(path string, file []byte, announced [32]byte) (reply, error) {
	return m.ask(m.known, http.MethodPut, path, announce(announced), bytes.NewReader(file), int64(len(file)))
}

func announce(sum [32]byte) http.Header {
	return http.Header{
		"Content-Digest": {"sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"}, "Expect": {"100-continue"},
	}
}

// trade puts n sales into the terminal's ledger.
func (m *terminal) trade(n int) {
	m.t.Helper()
	for range n {
		seq := len(m.lines) + 1
		m.record(map[string]any{
			"amount": 1000 + seq, "batch": "b-1", "card": map[string]any{"brand": "visa", "masked": "411111******1111"},
			"currency": "CNY", "entry": "chip", "evseq": seq, "kind": "sale", "method": "card", "mid": "m-1",
			"reader": m.readSN, "result": "approved", "seq": seq, "stan": fmt.Sprintf("%06d", seq), "tid": m.id, "time": 1790000000 + seq,
		})
	}
}

// closeBatch puts a batch close into the ledger: a line that is no transaction.
func (m *terminal) closeBatch() {
	m.t.Helper()
	seq := len(m.lines) + 1
	m.record(map[string]any{
		"batch": "b-1", "evseq": seq, "kind": "batch-close", "reader": m.readSN, "seq": seq, "tid": m.id, "time": 1790000000 + seq,
	})
}

func (m *terminal) record(members map[string]any) {
	m.t.Helper()
	text, err := envelope.Canonical(members)
	m.check(err)
	m.head = sha256.Sum256(append(m.head[:], text...))
	m.lines = append(m.lines, fmt.Sprintf(`{"c":"%s","t":%s}`, hex.EncodeToString(m.head[:]), text))
}

// answer sends an answer of the terminal.
func (m *terminal) answer(id envelope.ID, n int64, subject envelope.Digest, outcome string) reply {
	m.t.Helper()
	return m.put(fmt.Sprintf("/v1/cases/%s/answer/%d", id, n), m.seal("answer", command.Answer{
		Case: id, Code: command.CodeNone, N: n, Outcome: envelope.ID(outcome), Subject: subject, Terminal: envelope.ID(m.id), V: 1,
	}))
}

// stranger is a client with a certificate that the desk's CA signed and the
// desk's store does not know.
func (m *terminal) stranger(key *ecdsa.PrivateKey) *http.Client {
	m.t.Helper()
	ca, err := authority.ReadCA(m.desk.dir.CACertificate(), m.desk.dir.CAKey(), rand.Reader)
	m.check(err)
	issued, err := ca.Client(m.id, "terminal", key.Public(), time.Now())
	m.check(err)
	block, _ := pem.Decode(issued.PEM)
	return m.client(tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: key})
}

// raw asks for a path exactly as it is spelt.
func (m *terminal) raw(method, path string) (reply, error) {
	req, err := http.NewRequest(method, m.desk.url, nil)
	if err != nil {
		return reply{}, err
	}
	req.URL.Opaque = path
	resp, err := m.known.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return reply{status: resp.StatusCode, body: body}, err
}
