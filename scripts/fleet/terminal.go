package fleet

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"

	"unbindd/agent/command"
	"unbindd/agent/enrol"
	"unbindd/agent/envelope"
)

// Terminal is one terminal with every key it has.
type Terminal struct {
	ID     string
	office *Office

	device ed25519.PrivateKey
	reader ed25519.PrivateKey
	tls    *ecdsa.PrivateKey
	r      [32]byte // the tombstone's preimage

	ticket  *envelope.Envelope
	binding envelope.Digest
	epoch   int64
	shown   tls.Certificate

	order   *envelope.Envelope
	command command.Command
	seen    int64

	// Certificate is its last signed word, Receipt the desk's acknowledgement.
	Certificate []byte
	Receipt     []byte
	Line        *Line
	beside      *Line // to the reference path
}

// NewTerminal draws the keys of a terminal.
func (o *Office) NewTerminal(id string) (*Terminal, error) {
	t := &Terminal{ID: id, office: o}
	var errs [3]error
	_, t.device, errs[0] = ed25519.GenerateKey(rand.Reader)
	_, t.reader, errs[1] = ed25519.GenerateKey(rand.Reader)
	t.tls, errs[2] = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, err := rand.Read(t.r[:])
	return t, errors.Join(append(errs[:], err)...)
}

// Admit gets the terminal's enrolment ticket from the operator.
func (t *Terminal) Admit(ctx context.Context) error {
	pairing := make([]byte, 16)
	if _, err := rand.Read(pairing); err != nil {
		return err
	}
	var ticket json.RawMessage
	err := t.office.Ask(ctx, http.MethodPost, "/desk/admit", map[string]any{
		"terminal": t.ID, "serial": t.serial(), "acquirer": "acq-1", "merchant": "m-" + t.ID,
		"uscc": "91310000000000000X", "account": "6222000000",
		"reader": map[string]any{"sn": t.readerSN(), "pub": []byte(t.reader.Public().(ed25519.PublicKey)), "pairing": pairing},
	}, &ticket, 0)
	if err != nil {
		return err
	}
	t.ticket, err = envelope.Parse(ticket, envelope.MaxCommand)
	return err
}

func (t *Terminal) orders() string        { return "/v1/terminals/" + t.ID + "/command" }
func (t *Terminal) serial() envelope.ID   { return envelope.ID("SN-" + t.ID) }
func (t *Terminal) readerSN() envelope.ID { return envelope.ID("PED-" + t.ID) }
func (t *Terminal) signer() envelope.Signer {
	return envelope.NewSigner(t.device)
}

// Enrol binds the terminal over a connection without a client certificate.
func (t *Terminal) Enrol(over *Line) error {
	ticket, err := enrol.ReadTicket(t.ticket)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(t.tls.Public())
	if err != nil {
		return err
	}
	e, err := envelope.Seal(envelope.Type("enrol-request"), enrol.Request{
		Device: t.signer().Public(), Nonce: ticket.Nonce, Reader: t.readerSN(), Serial: ticket.Serial,
		Terminal: ticket.Terminal, Ticket: t.ticket.Digest(), TLS: der, V: 1,
	}, t.signer())
	if err != nil {
		return err
	}
	a, err := over.Ask(http.MethodPost, "/v1/enrol", nil, e.Encode())
	if err := a.Want(http.StatusOK, err); err != nil {
		return err
	}
	var welcome struct {
		Binding     json.RawMessage
		Certificate string
	}
	if err := json.Unmarshal(a.Body, &welcome); err != nil {
		return err
	}
	return t.settle(welcome.Binding, []byte(welcome.Certificate))
}

func (t *Terminal) settle(binding, certificate []byte) error {
	e, err := envelope.Parse(binding, envelope.MaxSize)
	if err != nil {
		return err
	}
	b, err := enrol.OpenBinding(e, t.office.Trust)
	if err != nil {
		return err
	}
	block, _ := pem.Decode(certificate)
	if block == nil || b.Terminal != envelope.ID(t.ID) {
		return errors.New("the desk's answer to the enrolment is for somebody else")
	}
	t.binding, t.epoch = e.Digest(), b.Epoch
	t.shown = tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: t.tls}
	return nil
}

// Accept tells the desk that the command was accepted.
func (t *Terminal) Accept() error {
	e, err := envelope.Seal(envelope.Type("answer"), command.Answer{
		Case: t.command.Case, Code: command.CodeNone, N: 1, Outcome: command.Accepted, Subject: t.order.Digest(),
		Terminal: envelope.ID(t.ID), V: 1,
	}, t.signer())
	if err != nil {
		return err
	}
	a, err := t.Line.Ask(http.MethodPut, "/v1/cases/"+t.Case()+"/answer/1", nil, e.Encode())
	return a.Want(http.StatusOK, err)
}

// ConnectBeside shakes hands with the reference path at another address.
func (t *Terminal) ConnectBeside(ctx context.Context, addr string) error {
	o := *t.office
	o.addr = addr
	var err error
	if t.beside, err = o.Dial(ctx, t.shown); err != nil {
		return err
	}
	a, err := t.beside.Ask(http.MethodPut, "/", nil, nil)
	return a.Want(http.StatusNoContent, err)
}

// DeliverBeside puts the certificate on the reference path.
func (t *Terminal) DeliverBeside() error {
	key := http.Header{"Device-Key": {base64.StdEncoding.EncodeToString(t.signer().Public().Pub)}}
	_, err := t.beside.Put(t.beside.Request(http.MethodPut, t.place(), key, t.Certificate))
	return err
}

// Connect shakes hands with the desk, with the terminal's certificate.
func (t *Terminal) Connect(ctx context.Context) (err error) {
	t.Line, err = t.office.Dial(ctx, t.shown)
	return err
}
