package fleet

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/http"

	"unbindd/agent/certificate"
	"unbindd/agent/envelope"
	"unbindd/agent/receipt"
)

// slots are the reader's keys that a certificate calls erased.
var slots = []int64{1, 2, 7}

// Certify signs the terminal's last word: a complete certificate, of the size
// that a real one has.
func (t *Terminal) Certify() error {
	s := certificate.New()
	p := &s.Predicate
	p.Binding, p.Case, p.Clock, p.N, p.Verified = t.binding, t.command.Case, "trusted", 1, certificate.Pass
	p.Terminal = certificate.Terminal{
		Agent: "unbindd/fleet", Epoch: t.epoch, ID: envelope.ID(t.ID), Manufacturer: "Example", Model: "SIM-1", Serial: t.serial(),
	}
	p.Command = certificate.Command{
		Action: t.command.Action, Approvers: t.office.people.approvers, Digest: t.order.Digest(),
		Profile: t.command.Profile.ID, Reason: t.command.Reason,
	}
	for _, name := range []string{"host-keys", "ledger", "spool", "app-data", "logs", "credentials"} {
		p.Media = append(p.Media, certificate.Medium{
			Bytes: 65536, Items: 3, Kind: "files", LevelAchieved: "clear", LevelRequested: "clear", Method: "overwrite", Name: name,
			Residual: []string{}, Standard: "none", Technique: "overwrite", Type: "ext4", Verified: certificate.Pass,
		})
	}
	for _, check := range []string{"binding", "reader", "ledger", "power", "journal", "command"} {
		p.Gate = append(p.Gate, certificate.Check{Check: check, OK: true})
	}
	p.Receipt = certificate.Authority{Digest: t.order.Digest(), Kind: "command"}
	p.Started, p.Finished, p.Tombstone = t.command.Issued+60, t.command.Issued+120, certificate.Commitment(t.r[:])
	record, err := t.record()
	if err != nil {
		return err
	}
	p.Reader = certificate.Reader{
		Authenticated: true, Firmware: "1.0", Outcome: "erased", Record: record, Retained: []certificate.Retained{}, SN: t.readerSN(),
	}
	for _, slot := range slots {
		p.Reader.Slots = append(p.Reader.Slots, certificate.Slot{After: "empty", KCV: "82e136", Method: "zero-block", Slot: slot, Type: "TMK"})
	}
	s.Subject = []certificate.Subject{certificate.About("command", t.order.Digest())}
	p.Judge()
	if p.Result != certificate.Complete {
		return fmt.Errorf("the certificate of %s is %s", t.ID, p.Result)
	}
	e, err := envelope.Seal(envelope.Statement, s, t.signer())
	if err == nil {
		t.Certificate = e.Encode()
	}
	return err
}

// record is what the reader signs about its erase.
func (t *Terminal) record() (*certificate.Record, error) {
	ticket := sha256.Sum256([]byte(t.ID))
	r := &certificate.Record{EraCnt: 5, Nonce: make([]byte, 16), SN: t.readerSN(), Ticket: ticket[:]}
	if _, err := rand.Read(r.Nonce); err != nil {
		return nil, err
	}
	var results []byte
	for _, slot := range slots {
		r.Results = append(r.Results, certificate.SlotResult{Slot: slot})
		results = append(binary.BigEndian.AppendUint16(results, uint16(slot)), 0)
	}
	var m []byte
	for _, field := range [][]byte{
		[]byte("pedlink-record/1"), []byte(r.SN), binary.BigEndian.AppendUint32(nil, uint32(r.EraCnt)), r.Ticket, r.Nonce, results,
	} {
		m = binary.BigEndian.AppendUint16(m, uint16(len(field)))
		m = append(m, field...)
	}
	r.Sig = ed25519.Sign(t.reader, m)
	return r, nil
}

// Case is the case that the terminal is in.
func (t *Terminal) Case() string { return string(t.command.Case) }

// Deliver puts the certificate, once, and keeps the receipt it gets.
func (t *Terminal) Deliver() (err error) {
	t.Receipt, err = t.Line.Put(t.Line.Request(http.MethodPut, t.place(), nil, t.Certificate))
	return err
}

// place is where the certificate belongs.
func (t *Terminal) place() string { return "/v1/cases/" + t.Case() + "/certificate/1" }

// Check verifies the receipt as a terminal does.
func (t *Terminal) Check() error {
	sent, err := envelope.Parse(t.Certificate, envelope.MaxSize)
	if err != nil {
		return err
	}
	got, err := envelope.Parse(t.Receipt, envelope.MaxSize)
	if err != nil {
		return err
	}
	_, err = receipt.Check(got, t.office.Trust, receipt.Want{
		Case: t.command.Case, Command: t.order.Digest(), Kind: "certificate", N: 1, Subject: sent.Digest(),
		Terminal: envelope.ID(t.ID), Verified: receipt.Checked,
	})
	return err
}
