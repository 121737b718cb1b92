package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/enrol"
	"unbindd/agent/envelope"
	"unbindd/agent/manifest"
	"unbindd/agent/receipt"
	"unbindd/agent/trust"
)

// fixture is a good case in parts, so that a test can spoil one of them before
// everything is signed.
type fixture struct {
	bundles   []trust.Bundle
	bundleBy  [][]string // holders that sign each bundle
	binding   enrol.Binding
	bindingBy string
	command   command.Command
	commandBy []string
	manifest  manifest.Manifest
	statement certificate.Statement
	receipt   receipt.Receipt
	tombstone certificate.Tombstone

	device    string           // who signs as the terminal
	reader    string           // who signs as the reader
	unjudged  bool             // leave the result as it is
	relate    bool             // fill in the digests that objects name each other by
	afterward func(d *dossier) // the last look at the signed files
}

// key is a signer whose key follows from its holder, so that a fixture is the
// same in every run.
func key(holder string) (ed25519.PrivateKey, envelope.Signer) {
	seed := sha256.Sum256([]byte("unbindctl test key of " + holder))
	private := ed25519.NewKeyFromSeed(seed[:])
	return private, envelope.NewSigner(private)
}

func public(holder string) envelope.PublicKey {
	_, s := key(holder)
	return s.Public()
}

func signers(holders ...string) []envelope.Signer {
	var out []envelope.Signer
	for _, h := range holders {
		_, s := key(h)
		out = append(out, s)
	}
	return out
}

var holders = map[string]trust.Role{
	"root-1": trust.Root, "root-2": trust.Root, "root-3": trust.Root, "ops-1": trust.Operations, "sec-1": trust.Security,
	"rel-1": trust.Release, "receipt-1": trust.ReceiptKey, "enrol-1": trust.Enrol, "reader-1": trust.Reader,
}

func bundle(version int64) trust.Bundle {
	b := trust.Bundle{
		Expires: 4_000_000_000, Issued: 1_700_000_000, Keys: map[envelope.KeyID]trust.Key{},
		Log:        trust.Log{Key: public("receipt-1").ID(), Origin: "desk.example/log"},
		Profiles:   map[envelope.ID]envelope.Digest{},
		Recipients: map[envelope.ID][]trust.Recipient{}, Revoked: []envelope.KeyID{}, Rules: trust.DefaultRules(),
		SPKI: []envelope.Digest{}, V: 1, Version: version,
	}
	for holder, role := range holders {
		k := public(holder)
		b.Keys[k.ID()] = trust.Key{Alg: k.Alg, Holder: envelope.ID(holder), Pub: k.Pub, Role: role}
	}
	return b
}

// newFixture is a whole case whose certificate is complete.
func newFixture() *fixture {
	roots := []string{"root-1", "root-2", "root-3"}
	digest := envelope.DigestOf([]byte("any"))
	f := &fixture{
		bundles: []trust.Bundle{bundle(1), bundle(2)}, bundleBy: [][]string{roots, roots},
		bindingBy: "enrol-1", commandBy: []string{"ops-1", "sec-1"}, device: "device-1", reader: "reader-record-1", relate: true,
		binding: enrol.Binding{
			Account: digest, Acquirer: "ACQ-1", Device: public("device-1"), Epoch: 2, Merchant: "M-1",
			Reader: enrol.Reader{Pub: public("reader-record-1").Pub, SN: "SN-1"}, Serial: "TS-1", Terminal: "T-0001", USCC: digest, V: 1,
		},
		command: command.Command{
			Action: command.Rebind, Backup: command.Backup{Gate: command.GateReceipt, Set: "rcp-1"}, Case: "C-2026-000123",
			Device: public("device-1").ID(), Epoch: 2, ID: "order-1", Issued: 1_700_000_000, Level: command.Clear,
			NotAfter: 1_800_000_000, NotBefore: 1_700_000_000, Profile: command.Named{Digest: digest, ID: "rebind-standard"},
			Reason: "merchant-closed", Root: 2, Scope: []envelope.ID{"host-keys", "ledger", "reader-keys"}, Seq: 1, Terminal: "T-0001", V: 1,
		},
		manifest: manifest.Manifest{
			Case: "C-2026-000123", Count: 128, Digest: envelope.DigestOf([]byte("sealed")), Epoch: 2, EvSeq: 131, First: 1,
			Head: digest, Last: 131, N: 1, Reader: manifest.Reader{EraCnt: 4, RC: make([]byte, 16), SN: "SN-1"},
			Scope: []int64{1}, Size: 9000, Sums: []manifest.Sum{}, Terminal: "T-0001", V: 1,
		},
		statement: goodStatement(),
		receipt: receipt.Receipt{
			Case: "C-2026-000123", Index: 41, Kind: "certificate", N: 1, Received: 1_700_000_100, Terminal: "T-0001", V: 1,
			Verified: receipt.Checked,
		},
		tombstone: certificate.Tombstone{
			Action: command.Rebind, Case: "C-2026-000123", Epoch: 2, IDs: []envelope.ID{"order-1"}, R: make([]byte, 32),
			Result: certificate.Complete, Seq: 1, Terminal: "T-0001", V: 1,
		},
	}
	return f
}

func goodStatement() certificate.Statement {
	s := certificate.New()
	p := &s.Predicate
	p.Case, p.N, p.Clock, p.Started, p.Finished = "C-2026-000123", 1, "trusted", 1_700_000_000, 1_700_000_090
	p.Terminal = certificate.Terminal{Agent: "1.0.0", Epoch: 2, ID: "T-0001", Manufacturer: "Maker", Model: "Model-1", Property: "P-1", Serial: "TS-1"}
	p.Command = certificate.Command{Action: command.Rebind, Profile: "rebind-standard", Reason: "merchant-closed", Approvers: []trust.Approver{
		{Holder: "ops-1", Key: public("ops-1").ID(), Role: trust.Operations}, {Holder: "sec-1", Key: public("sec-1").ID(), Role: trust.Security},
	}}
	p.Gate = []certificate.Check{{Check: "command", Detail: "valid", OK: true}, {Check: "receipt", Detail: "restored", OK: true}}
	p.Receipt = certificate.Authority{Digest: envelope.DigestOf([]byte("receipt")), Index: 40, Kind: "receipt"}
	p.Media = []certificate.Medium{{
		Bytes: 1_234_567, Items: 3, Kind: "file", LevelAchieved: "clear", LevelRequested: "clear", Method: "overwrite", Name: "ledger",
		Residual: []string{}, Standard: "NIST SP 800-88r2", Technique: "overwrite in place", Type: "flash", Verified: certificate.Pass,
	}}
	p.Reader = certificate.Reader{
		Authenticated: true, Firmware: "2.1.7", Outcome: "erased", SN: "SN-1",
		Slots:    []certificate.Slot{{After: "empty", KCV: "A1B2C3", Method: "ticket", Slot: 1, Type: "TMK"}},
		Retained: []certificate.Retained{{Slot: 9, Type: "vendor-root", Why: "firmware updates"}},
		Record: &certificate.Record{EraCnt: 5, Nonce: make([]byte, 16), SN: "SN-1", Ticket: make([]byte, 32),
			Results: []certificate.SlotResult{{Result: 0, Slot: 1}, {Result: 1, Slot: 2}}},
	}
	p.Software.Removed, p.Verified = 2, certificate.Pass
	p.Left = []certificate.Left{{Destroy: "at erase-identity", Name: "device key"}}
	return s
}

// seal signs everything in the order in which it refers to each other.
func (f *fixture) seal() (dossier, error) {
	var s sealer
	d := dossier{}
	for i, b := range f.bundles {
		d.trust = append(d.trust, s.seal(envelope.Type("trust"), b, f.bundleBy[i]...))
	}
	d.anchor = d.trust[0].Digest()
	binding := s.seal(envelope.Type("binding"), f.binding, f.bindingBy)
	p := &f.statement.Predicate
	if f.relate {
		f.command.Binding, p.Binding = binding.Digest(), binding.Digest()
	}
	order := s.seal(envelope.Type("command"), f.command, f.commandBy...)
	if f.relate {
		f.manifest.Command, p.Command.Digest, f.receipt.Command = order.Digest(), order.Digest(), order.Digest()
	}
	backup := s.seal(envelope.Type("manifest"), f.manifest, f.device)
	if f.relate {
		f.statement.Subject = []certificate.Subject{
			certificate.About("command", order.Digest()), certificate.About("manifest", backup.Digest()), certificate.About("backup", f.manifest.Digest),
		}
		p.Tombstone = certificate.Commitment(f.tombstone.R)
	}
	f.sealReader(&s)
	if !f.unjudged {
		p.Judge()
	}
	last := s.seal(envelope.Statement, f.statement, f.device)
	if f.relate {
		f.receipt.Subject, f.tombstone.Certificate = last.Digest(), last.Digest()
	}
	acknowledged := s.seal(envelope.Type("receipt"), f.receipt, "receipt-1")
	d.tombstone = s.canonical(f.tombstone)
	d.binding, d.command = &paperwork{"binding.json", binding}, &paperwork{"command.json", order}
	d.manifest, d.receipt = &paperwork{"manifest.json", backup}, &paperwork{"receipt.json", acknowledged}
	d.certificates = []paperwork{{"certificate.json", last}}
	if f.afterward != nil {
		f.afterward(&d)
	}
	return d, s.err
}

func (f *fixture) sealReader(s *sealer) {
	record := f.statement.Predicate.Reader.Record
	if record == nil || record.Sig != nil {
		return
	}
	message, err := recordMessage(record)
	if err != nil {
		record.Sig = make([]byte, 64)
		return
	}
	_, by := key(f.reader)
	record.Sig, err = by.Sign(message)
	s.keep(err)
}

// sealer keeps the first error of many signatures.
type sealer struct{ err error }

func (s *sealer) keep(err error) {
	if s.err == nil {
		s.err = err
	}
}

func (s *sealer) seal(payloadType string, v any, by ...string) *envelope.Envelope {
	e, err := envelope.Seal(payloadType, v, signers(by...)...)
	s.keep(err)
	return e
}

func (s *sealer) canonical(v any) []byte {
	text, err := envelope.Canonical(v)
	s.keep(err)
	return text
}

// sealed is a fixture's dossier in a test.
func (f *fixture) sealed(t *testing.T) dossier {
	t.Helper()
	d, err := f.seal()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// write puts the files of a dossier into a folder and returns what a page names
// as variables: the anchor, and the digests that follow from the forms.
func (f *fixture) write(folder string) (map[string]string, error) {
	d, err := f.seal()
	if err != nil {
		return nil, err
	}
	var bundles []json.RawMessage
	for _, b := range d.trust {
		bundles = append(bundles, b.Encode())
	}
	trusted, err := json.Marshal(bundles)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{
		"trust.json": trusted, "tombstone.json": d.tombstone, "certificate.json": d.certificates[0].envelope.Encode(),
		"binding.json": d.binding.envelope.Encode(), "command.json": d.command.envelope.Encode(),
		"manifest.json": d.manifest.envelope.Encode(), "receipt.json": d.receipt.envelope.Encode(),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			return nil, err
		}
	}
	return map[string]string{
		"ANCHOR": string(d.anchor), "CERTIFICATE": string(d.certificates[0].envelope.Digest()),
		"COMMAND": string(d.command.envelope.Digest()), "RECEIPT": string(f.statement.Predicate.Receipt.Digest),
	}, nil
}
