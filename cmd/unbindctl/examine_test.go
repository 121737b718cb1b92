package main

import (
	"slices"
	"strings"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

func TestGoodCaseHolds(t *testing.T) {
	v := examine(newFixture().sealed(t))
	if !v.Valid {
		t.Fatalf("a good case does not hold: %+v", v.Checks)
	}
	var names []string
	for _, c := range v.Checks {
		names = append(names, c.Check)
	}
	want := []string{"trust", "binding", "certificate", "identity", "gate", "reader", "command", "manifest", "receipt", "tombstone"}
	if !slices.Equal(names, want) {
		t.Errorf("checks made: %v, want %v", names, want)
	}
	if v.Certificates[0].Statement.Predicate.Result != certificate.Complete {
		t.Error("the good case is not complete")
	}
}

// TestSpoiltCases spoils one thing at a time; the check named must fail with
// the code, and nothing else than it may be the first to fail.
func TestSpoiltCases(t *testing.T) {
	other := envelope.DigestOf([]byte("other"))
	cases := []struct {
		name  string
		spoil func(*fixture)
		check string
		code  string
	}{
		{"another anchor", func(f *fixture) { f.afterward = func(d *dossier) { d.anchor = other } }, "trust", "E16:anchor"},
		{"a bundle two roots signed", func(f *fixture) { f.bundleBy[1] = []string{"root-1", "root-2"} }, "trust", "E16:thresholds"},
		{"a gap in the bundles", func(f *fixture) { f.bundles[1].Version = 3 }, "trust", "E16:gap"},
		{"no bundle", func(f *fixture) { f.afterward = func(d *dossier) { d.trust = nil } }, "trust", "E16:anchor"},
		{"a binding signed by another role", func(f *fixture) { f.bindingBy = "ops-1" }, "binding", "E05:missing-role"},
		{"a binding whose signer is revoked", func(f *fixture) {
			f.bundles[1].Revoked = []envelope.KeyID{public("enrol-1").ID()}
		}, "binding", "E05:revoked-key"},
		{"a certificate by another device", func(f *fixture) { f.device = "device-2" }, "certificate", "E04"},
		{"a certificate of another type", func(f *fixture) {
			f.afterward = func(d *dossier) { d.certificates[0].envelope = d.receipt.envelope }
		}, "certificate", "E03"},
		{"a partial one that says complete", func(f *fixture) {
			f.statement.Predicate.Media[0].Verified = certificate.Unknown
			f.statement.Predicate.Result, f.unjudged = certificate.Complete, true
		}, "certificate", "E06:result"},
		{"one bit of the certificate", func(f *fixture) {
			f.afterward = func(d *dossier) { d.certificates[0].envelope.Payload[200] ^= 1 }
		}, "certificate", ""},
		{"another terminal", func(f *fixture) { f.statement.Predicate.Terminal.ID = "T-0002" }, "identity", ""},
		{"another enrolment", func(f *fixture) { f.statement.Predicate.Terminal.Epoch = 1 }, "identity", ""},
		{"another binding", func(f *fixture) {
			f.afterward = func(d *dossier) {
				_, s := key("enrol-1")
				b := f.binding
				b.Merchant = "M-2"
				e, _ := envelope.Seal(envelope.Type("binding"), b, s)
				d.binding = &paperwork{"binding.json", e}
			}
		}, "identity", ""},
		{"another reader", func(f *fixture) { f.statement.Predicate.Reader.SN = "SN-2" }, "identity", ""},
		{"a line of the gate that did not hold", func(f *fixture) { f.statement.Predicate.Gate[1].OK = false }, "gate", ""},
		{"no gate at all", func(f *fixture) { f.statement.Predicate.Gate = []certificate.Check{} }, "gate", ""},
		{"a record by another reader's key", func(f *fixture) { f.reader = "reader-record-2" }, "reader", ""},
		{"a record changed after it was signed", func(f *fixture) {
			r := f.statement.Predicate.Reader.Record
			m, _ := recordMessage(r)
			_, by := key("reader-record-1")
			r.Sig, _ = by.Sign(m)
			r.EraCnt++
		}, "reader", ""},
		{"a record of another reader", func(f *fixture) { f.statement.Predicate.Reader.Record.SN = "SN-2" }, "reader", ""},
		{"a record with a short nonce", func(f *fixture) { f.statement.Predicate.Reader.Record.Nonce = make([]byte, 8) }, "reader", ""},
		{"a record with a slot out of range", func(f *fixture) { f.statement.Predicate.Reader.Record.Results[0].Slot = 1 << 16 }, "reader", ""},
		{"erased, and the reader says failed", func(f *fixture) { f.statement.Predicate.Reader.Record.Results[0].Result = 2 }, "reader", ""},
		{"authenticated without a record", func(f *fixture) { f.statement.Predicate.Reader.Record = nil }, "reader", ""},
		{"a command one person signed", func(f *fixture) { f.commandBy = []string{"ops-1"} }, "command", "E05:missing-role"},
		{"a command made for an unknown version", func(f *fixture) { f.command.Root = 7 }, "command", "E08"},
		{"a command of another case", func(f *fixture) { f.command.Case = "C-2026-000999" }, "command", ""},
		{"a command with another reason", func(f *fixture) { f.command.Reason = "device-swap" }, "command", ""},
		{"an approver who did not sign", func(f *fixture) {
			f.statement.Predicate.Command.Approvers[0] = trust.Approver{Holder: "rel-1", Key: public("rel-1").ID(), Role: trust.Release}
		}, "command", ""},
		{"a manifest of another case", func(f *fixture) { f.manifest.Case = "C-2026-000999" }, "manifest", ""},
		{"a manifest the certificate does not name", func(f *fixture) {
			f.afterward = func(d *dossier) {
				_, s := key("device-1")
				m := f.manifest
				m.Count++
				e, _ := envelope.Seal(envelope.Type("manifest"), m, s)
				d.manifest = &paperwork{"manifest.json", e}
			}
		}, "manifest", ""},
		{"a receipt for another certificate", func(f *fixture) {
			f.afterward = func(d *dossier) {
				_, s := key("receipt-1")
				r := f.receipt
				r.Subject = other
				e, _ := envelope.Seal(envelope.Type("receipt"), r, s)
				d.receipt = &paperwork{"receipt.json", e}
			}
		}, "receipt", "E24:subject"},
		{"a receipt of the backup", func(f *fixture) { f.receipt.Kind = "backup" }, "receipt", "E24:kind"},
		{"a tombstone with another preimage", func(f *fixture) {
			f.afterward = func(d *dossier) {
				f.tombstone.R = append(make([]byte, 31), 1)
				d.tombstone, _ = envelope.Canonical(f.tombstone)
			}
		}, "tombstone", ""},
		{"a tombstone of another enrolment", func(f *fixture) { f.tombstone.Epoch = 1 }, "tombstone", ""},
		{"a tombstone with a short preimage", func(f *fixture) { f.tombstone.R = make([]byte, 16) }, "tombstone", "E07:tombstone"},
	}
	for _, c := range cases {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			f := newFixture()
			c.spoil(f)
			v := examine(f.sealed(t))
			if v.Valid {
				t.Fatal("it is taken for valid")
			}
			i := slices.IndexFunc(v.Checks, func(k check) bool { return !k.OK })
			first := v.Checks[i]
			if first.Check != c.check || c.code != "" && first.Code != c.code {
				t.Errorf("first to fail: %s [%s] %s; want %s [%s]", first.Check, first.Code, first.Why, c.check, c.code)
			}
			if first.Why == "" || first.Note != "" {
				t.Errorf("a failed check says %q and notes %q", first.Why, first.Note)
			}
		})
	}
}

// TestOlderTrustStillCounts: what was signed under version 1 stays good when
// version 2 does not know the signer any more, unless the key is revoked.
func TestOlderTrustStillCounts(t *testing.T) {
	f := newFixture()
	f.command.Root = 1
	for _, holder := range []string{"ops-1", "enrol-1"} {
		delete(f.bundles[1].Keys, public(holder).ID())
	}
	if v := examine(f.sealed(t)); !v.Valid {
		t.Errorf("rotation strands an old certificate: %+v", v.Checks)
	}
}

// TestPartialIsValid: a certificate that says less than complete and says so is
// a good certificate.
func TestPartialIsValid(t *testing.T) {
	f := newFixture()
	f.statement.Predicate.Reader.Outcome = "refused"
	f.statement.Predicate.Reader.Record, f.statement.Predicate.Reader.Authenticated = nil, false
	v := examine(f.sealed(t))
	if !v.Valid || v.Certificates[0].Statement.Predicate.Result != certificate.Partial {
		t.Errorf("valid %v, result %s", v.Valid, v.Certificates[0].Statement.Predicate.Result)
	}
}

func TestSequence(t *testing.T) {
	first, second := newFixture(), newFixture()
	first.statement.Predicate.Software.Residue = []string{"/opt/pay"}
	one := first.sealed(t)
	second.statement.Predicate.N, second.receipt.N = 2, 2
	second.statement.Predicate.Supersedes = one.certificates[0].envelope.Digest()
	d := second.sealed(t)
	d.certificates = append(d.certificates, one.certificates[0])
	if v := examine(d); !v.Valid || v.Certificates[1].Statement.Predicate.N != 2 {
		t.Errorf("two certificates of one case do not hold: %+v", v.Checks)
	}
	second.statement.Predicate.Supersedes = envelope.DigestOf([]byte("other"))
	d = second.sealed(t)
	d.certificates = append(d.certificates, one.certificates[0])
	v := examine(d)
	if i := slices.IndexFunc(v.Checks, func(k check) bool { return !k.OK }); i < 0 || v.Checks[i].Check != "sequence" {
		t.Errorf("a certificate that supersedes another one is taken: %+v", v.Checks)
	}
}

// TestRecordMessage holds the reader's signed bytes against the published form.
func TestRecordMessage(t *testing.T) {
	m, err := recordMessage(&certificate.Record{
		EraCnt: 5, Nonce: []byte("0123456789abcdef"), SN: "SN-1", Ticket: []byte("0123456789abcdef0123456789abcdef"),
		Results: []certificate.SlotResult{{Result: 1, Slot: 258}, {Result: 0, Slot: 1}},
	})
	want := "\x00\x10pedlink-record/1" + "\x00\x04SN-1" + "\x00\x04\x00\x00\x00\x05" +
		"\x00\x200123456789abcdef0123456789abcdef" + "\x00\x100123456789abcdef" + "\x00\x06\x00\x01\x00\x01\x02\x01"
	if err != nil || string(m) != want {
		t.Errorf("message %q, %v; want %q", m, err, want)
	}
}
