package desk

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"

	"unbindd/agent/enrol"
	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/store"
)

// Admission is what an operator knows of a terminal before it enrols. USCC and
// Account are hashed with a salt at once and kept nowhere.
type Admission struct {
	Terminal string      `json:"terminal"`
	Serial   envelope.ID `json:"serial"`
	Acquirer envelope.ID `json:"acquirer"`
	Merchant envelope.ID `json:"merchant"`
	USCC     string      `json:"uscc"`
	Account  string      `json:"account"`
	Reader   ReaderSheet `json:"reader"`
}

// ReaderSheet is what the key injection says of a reader; further members of
// its file are passed over.
type ReaderSheet struct {
	Driver  envelope.ID      `json:"driver"` // protocol; "" is pedlink, the only one with the two keys
	SN      envelope.ID      `json:"sn"`
	Pub     []byte           `json:"pub"`     // Ed25519, signs erase records
	Pairing authority.Secret `json:"pairing"` // 16 bytes, the line's key
}

// binding is what of the sheet every terminal may see.
func (s *ReaderSheet) binding() enrol.Reader {
	r := enrol.Reader{Driver: s.Driver, Pub: s.Pub, SN: s.SN}
	if r.Driver == enrol.Pedlink {
		r.Driver = ""
	}
	return r
}

// complete says whether serial number and keys are those the protocol needs.
func (s *ReaderSheet) complete() bool {
	r, pairing := s.binding(), 0
	if r.Signs() {
		pairing = pairingSize
	}
	return r.Check() == nil && len(s.Pairing.Reveal()) == pairing
}

const (
	saltSize    = 16
	pairingSize = 16
	nonceSize   = 16
)

// Admit remembers a terminal that may enrol and returns its signed ticket. A
// later ticket for the same terminal makes an unused earlier one worthless.
func (d *Desk) Admit(a Admission) ([]byte, error) {
	id, err := a.check()
	if err != nil {
		return nil, err
	}
	drawn, err := d.random(saltSize + nonceSize)
	if err != nil {
		return nil, err
	}
	salt, nonce := drawn[:saltSize], envelope.ID(hex.EncodeToString(drawn[saltSize:]))
	ticket, err := envelope.Seal(envelope.Type("enrol-ticket"), enrol.Ticket{
		Nonce: nonce, Serial: a.Serial, SPKI: d.SPKI, Terminal: id, Trust: d.Anchor, URL: d.URL, V: 1,
	}, d.Enrols)
	if err != nil {
		return nil, err
	}
	e := store.Enrolment{
		Nonce: nonce, Terminal: id, Serial: a.Serial, Acquirer: a.Acquirer, Merchant: a.Merchant,
		Account: enrol.Element(salt, a.Account), USCC: enrol.Element(salt, a.USCC),
		Reader: a.Reader.binding(), Ticket: ticket.Encode(), Made: d.now(),
	}
	secrets := store.Secrets{Salt: salt, Pairing: a.Reader.Pairing.Reveal()}
	return ticket.Encode(), d.grow("admit", func(tx *store.Tx) error {
		t, err := d.free(tx, id)
		if err != nil {
			return err
		}
		if err := unneeded(tx, t.Nonce); err != nil {
			return err
		}
		t.Nonce = nonce
		return errors.Join(d.returned(tx, a.Serial, id), tx.PutTerminal(t), tx.PutEnrolment(e), tx.PutSecrets(nonce, secrets))
	})
}

// unneeded ends the secrets of a ticket that nobody has used and nobody can use
// any more: the reader's pairing key stands in the later one's.
func unneeded(tx *store.Tx, nonce envelope.ID) error {
	e, err := tx.Enrolment(nonce)
	if errors.Is(err, store.ErrAbsent) {
		return nil
	}
	if err != nil || e.Binding != "" {
		return err
	}
	return tx.PutSecrets(nonce, store.Secrets{})
}

func (a *Admission) check() (envelope.ID, error) {
	id, err := Name("terminal", a.Terminal)
	switch {
	case err != nil:
		return "", err
	case a.Serial == "" || a.Acquirer == "" || a.Merchant == "" || a.USCC == "" || a.Account == "":
		return "", refuse(ErrMalformed, "E30", "elements", "cannot admit the terminal: one of serial, acquirer, merchant, uscc, account is missing")
	case !a.Reader.complete():
		return "", refuse(ErrMalformed, "E30", "reader", "cannot admit the terminal: the reader's serial number, key or pairing is missing, of another size, or not of its protocol")
	}
	return id, nil
}

// free reads a terminal that has no open case, or makes a new one.
func (d *Desk) free(tx *store.Tx, id envelope.ID) (store.Terminal, error) {
	t, err := tx.Terminal(id)
	if errors.Is(err, store.ErrAbsent) {
		return store.Terminal{ID: id}, nil
	}
	if err != nil {
		return t, err
	}
	for _, id := range t.Cases() {
		c, err := tx.Case(id)
		if err == nil && open(c.State) {
			err = refuse(ErrConflict, "E19", "", "cannot go on: case %s of the terminal is open", c.ID)
		}
		if err != nil {
			return t, err
		}
	}
	return t, nil
}

// Enrol answers a terminal's request: binding, certificate, trust, pairing key.
// The same bytes get the same answer, so a power cut on either side is harmless.
func (d *Desk) Enrol(body []byte) ([]byte, error) {
	e, err := envelope.Parse(body, envelope.MaxCommand)
	if err != nil {
		return nil, as(ErrMalformed, err)
	}
	r, err := enrol.OpenRequest(e)
	if err != nil {
		return nil, as(ErrForeign, err)
	}
	spki, key, err := tlsKey(r.TLS)
	if err != nil {
		return nil, err
	}
	a := applicant{body: e.Encode(), request: r, spki: spki, key: key}
	var answer []byte
	if err := d.look(func(tx *store.Tx) (err error) { _, _, answer, err = d.admitted(tx, a); return err }); err != nil || answer != nil {
		return answer, err
	}
	err = d.grow("enrol", func(tx *store.Tx) error {
		t, e, had, err := d.admitted(tx, a)
		if answer = had; err != nil || had != nil {
			return err
		}
		answer, err = d.bind(tx, t, e, a)
		return err
	})
	return answer, err
}

// applicant is a request to enrol, opened, with the key that its TLS will use.
type applicant struct {
	body    []byte
	request enrol.Request
	spki    envelope.Digest
	key     *ecdsa.PublicKey
}

func tlsKey(der []byte) (envelope.Digest, *ecdsa.PublicKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(der)
	key, ok := parsed.(*ecdsa.PublicKey)
	if err != nil || !ok || key.Curve != elliptic.P256() {
		return "", nil, refuse(ErrForeign, "E30", "tls", "cannot enrol: the TLS key is not a P-256 SubjectPublicKeyInfo")
	}
	spki, err := authority.SPKI(key)
	return spki, key, err
}

// admitted judges a request, and finds the answer where it was given before. It is
// asked before the change as well as in it: anybody may send one, and what is refused
// must not take a turn at writing.
func (d *Desk) admitted(tx *store.Tx, a applicant) (t store.Terminal, e store.Enrolment, answer []byte, err error) {
	e, err = tx.Enrolment(a.request.Nonce)
	if errors.Is(err, store.ErrAbsent) {
		return t, e, nil, unenrolled("unknown", "the ticket is not known here")
	}
	if err != nil {
		return t, e, nil, err
	}
	if e.Request != nil {
		answer, err = d.enrolledBefore(tx, e, a.body)
		return t, e, answer, err
	}
	if t, err = d.free(tx, e.Terminal); err != nil {
		return t, e, nil, err
	}
	return t, e, nil, admits(tx, t, e, a.request, a.spki)
}

// enrolledBefore answers a repeat; a ticket is good for one request only.
func (d *Desk) enrolledBefore(tx *store.Tx, e store.Enrolment, body []byte) ([]byte, error) {
	if !bytes.Equal(e.Request, body) {
		used, err := envelope.Parse(e.Request, envelope.MaxCommand)
		if err != nil {
			return nil, err
		}
		return nil, refuse(ErrConflict, "E30", "other-bytes", "cannot enrol: the ticket was used by another request, %s", used.Digest())
	}
	t, err := tx.Terminal(e.Terminal)
	if err != nil {
		return nil, err
	}
	if t.Binding != e.Binding {
		return nil, unenrolled("used", "the terminal has enrolled again since")
	}
	secrets, err := tx.Secrets(e.Nonce)
	if err == nil && secrets.Answer == nil {
		return nil, unenrolled("used", "the terminal was unbound since")
	}
	return secrets.Answer, err
}

func admits(tx *store.Tx, t store.Terminal, e store.Enrolment, r enrol.Request, spki envelope.Digest) error {
	ticket, err := envelope.Parse(e.Ticket, envelope.MaxCommand)
	if err != nil {
		return err
	}
	switch {
	case t.Nonce != e.Nonce:
		return unenrolled("superseded", "a later ticket was given out for the terminal")
	case r.Ticket != ticket.Digest():
		return unenrolled("ticket", "the request names another ticket")
	case r.Terminal != e.Terminal || r.Serial != e.Serial:
		return unenrolled("terminal", "the request is for another terminal or serial number")
	case r.Reader != e.Reader.SN || r.Driver != e.Reader.Driver:
		return unenrolled("reader", "another reader is connected than the one on record")
	}
	// A known key would take over its certificate's record.
	if _, err := tx.Client(spki); !errors.Is(err, store.ErrAbsent) {
		return errors.Join(unenrolled("tls", "the TLS key was used before"), err)
	}
	return nil
}

func unenrolled(detail, why string) error {
	return refuse(ErrForeign, "E30", detail, "cannot enrol: %s", why)
}

// welcome is the answer to an enrolment; its members stand in this order.
type welcome struct {
	Binding     json.RawMessage   `json:"binding"`
	CA          string            `json:"ca"`
	Certificate string            `json:"certificate"`
	Pairing     []byte            `json:"pairing"`
	Profiles    []json.RawMessage `json:"profiles"`
	Salt        []byte            `json:"salt"`
	Trust       []json.RawMessage `json:"trust"`
}

// bind makes the binding of the next epoch and everything that hangs on it.
func (d *Desk) bind(tx *store.Tx, t store.Terminal, e store.Enrolment, a applicant) ([]byte, error) {
	t.Epoch++
	binding, err := envelope.Seal(envelope.Type("binding"), enrol.Binding{
		Account: e.Account, Acquirer: e.Acquirer, Device: a.request.Device, Epoch: t.Epoch, Merchant: e.Merchant,
		Reader: e.Reader, Serial: e.Serial, Terminal: t.ID, USCC: e.USCC, V: 1,
	}, d.Enrols)
	if err != nil {
		return nil, err
	}
	issued, err := d.CA.Client(string(t.ID), "terminal", a.key, d.Now())
	if err != nil {
		return nil, err
	}
	secrets, err := tx.Secrets(e.Nonce)
	if err != nil {
		return nil, err
	}
	if secrets.Answer, err = d.welcome(tx, binding, issued, secrets); err != nil {
		return nil, err
	}
	answer := secrets.Answer
	secrets.Pairing = nil // it stands in the answer now, and once is enough
	digest := binding.Digest()
	if err := d.returned(tx, e.Serial, t.ID); err != nil {
		return nil, err
	}
	e.Request, e.Binding = a.body, digest
	t.Binding, t.Published = digest, 0
	return answer, errors.Join(
		tx.PutTerminal(t), tx.PutEnrolment(e), tx.PutSecrets(e.Nonce, secrets),
		tx.PutBinding(store.Binding{Digest: digest, Terminal: t.ID, Epoch: t.Epoch, Envelope: binding.Encode(), Nonce: e.Nonce}),
		tx.PutClient(store.Client{SPKI: a.spki, Serial: issued.Serial, Terminal: t.ID, Binding: digest}),
	)
}

func (d *Desk) welcome(tx *store.Tx, binding *envelope.Envelope, issued authority.Issued, s store.Secrets) ([]byte, error) {
	w := welcome{
		Binding: binding.Encode(), CA: string(d.CA.PEM()), Certificate: string(issued.PEM),
		Pairing: s.Pairing, Salt: s.Salt, Trust: []json.RawMessage{},
	}
	var err error
	if w.Profiles, err = d.profiles(tx); err != nil {
		return nil, err
	}
	for _, b := range d.bundles() {
		w.Trust = append(w.Trust, b.Encode())
	}
	return json.Marshal(w)
}
