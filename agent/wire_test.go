package agent

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/enrol"
	"unbindd/agent/envelope"
	"unbindd/agent/manifest"
	"unbindd/agent/profile"
	"unbindd/agent/receipt"
	"unbindd/agent/ticket"
	"unbindd/agent/trust"
)

// The golden files in docs/wire are one example of every signed format, made
// with fixed keys. They are what WIRE.md shows; a change of a format shows here
// first. "go test ./agent -run Golden -update" writes them anew.
var update = flag.Bool("update", false, "write the golden files")

func wireKey(name string) envelope.Signer {
	return envelope.NewSigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte(name), 32)[:32]))
}

var wireRoles = map[string]trust.Role{
	"root-1": trust.Root, "root-2": trust.Root, "root-3": trust.Root, "ops-1": trust.Operations, "sec-1": trust.Security,
	"rel-1": trust.Release, "receipt-1": trust.ReceiptKey, "enrol-1": trust.Enrol, "reader-1": trust.Reader, "cust-1": trust.Custodian,
}

type wireFile struct {
	name string
	kind string
	v    any
	by   []string
}

// wireFiles builds the examples in order: later ones name earlier ones by digest.
func wireFiles(t *testing.T) map[string][]byte {
	t.Helper()
	out, digests := map[string][]byte{}, map[string]envelope.Digest{}
	seal := func(f wireFile) {
		var by []envelope.Signer
		for _, name := range f.by {
			by = append(by, wireKey(name))
		}
		kind := envelope.Type(f.kind)
		if f.kind == "certificate" { // an in-toto statement
			kind = envelope.Statement
		}
		e, err := envelope.Seal(kind, f.v, by...)
		if err != nil {
			t.Fatalf("%s: %v", f.name, err)
		}
		out[f.name+".json"], out[f.name+".payload.json"], digests[f.name] = e.Encode(), e.Payload, e.Digest()
	}
	device := wireKey("device").Public()
	b := trust.Bundle{
		Expires: 1858464000, Issued: 1795392000, Keys: map[envelope.KeyID]trust.Key{}, Revoked: []envelope.KeyID{}, Rules: trust.DefaultRules(),
		Log: trust.Log{Key: wireKey("receipt-1").Public().ID(), Origin: "unbind-desk/demo"}, SPKI: []envelope.Digest{envelope.DigestOf([]byte("spki"))},
		Recipients: map[envelope.ID][]trust.Recipient{"rcp-demo": {{Age: "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj", Holder: "desk", ProvedAt: 1795392000}}},
		V:          1, Version: 1,
	}
	for name, role := range wireRoles {
		pub := wireKey(name).Public()
		b.Keys[pub.ID()] = trust.Key{Alg: pub.Alg, Holder: envelope.ID(name), Pub: pub.Pub, Role: role}
	}
	prof := profile.Profile{
		Action: command.Rebind, Checklists: []envelope.ID{}, ID: "rebind-standard", Inventory: []profile.Place{{Class: profile.AppData, Path: "/var/lib/pos/data"}},
		Papers: []envelope.ID{}, Reasons: []envelope.ID{"merchant-closed"}, Slots: []envelope.ID{"TMK", "TPK"}, V: 1,
		Scope: []envelope.ID{profile.AppData, profile.HostKeys, profile.Ledger, profile.ReaderKeys},
	}
	seal(wireFile{"profile", "profile", prof, []string{"ops-1", "sec-1"}})
	b.Profiles = map[envelope.ID]envelope.Digest{"rebind-standard": digests["profile"]}
	seal(wireFile{"trust", "trust", b, []string{"root-1", "root-2", "root-3"}})
	seal(wireFile{"enrol-ticket", "enrol-ticket", enrol.Ticket{
		Nonce: "0VAAFPC2NDTZN2FFKRJ3FQKG24", Serial: "SN-0086-4417", SPKI: envelope.DigestOf([]byte("spki")), Terminal: "T-30041877",
		Trust: digests["trust"], URL: "https://127.0.0.1:8443", V: 1,
	}, []string{"enrol-1"}})
	seal(wireFile{"enrol-request", "enrol-request", enrol.Request{
		Device: device, Nonce: "0VAAFPC2NDTZN2FFKRJ3FQKG24", Reader: "PED-0001", Serial: "SN-0086-4417", Terminal: "T-30041877",
		Ticket: digests["enrol-ticket"], TLS: []byte("SubjectPublicKeyInfo"), V: 1,
	}, []string{"device"}})
	seal(wireFile{"binding", "binding", enrol.Binding{
		Account: enrol.Element([]byte("salt"), "6222-account"), Acquirer: "898301", Device: device, Epoch: 1, Merchant: "898301000004417",
		Reader: enrol.Reader{Pub: wireKey("record").Public().Pub, SN: "PED-0001"}, Serial: "SN-0086-4417", Terminal: "T-30041877",
		USCC: enrol.Element([]byte("salt"), "91310000MA1FL0000X"), V: 1,
	}, []string{"enrol-1"}})
	cmd := command.Command{
		Action: command.Rebind, Backup: command.Backup{Gate: command.GateReceipt, Set: "rcp-demo"}, Binding: digests["binding"], Case: "C-2026-000001",
		Device: device.ID(), Epoch: 1, ID: "01JD8X4W4S3W5Q2M8N6T7R9ZKC", Issued: 1795392000, Level: command.Clear, NotAfter: 1796601600, NotBefore: 1795388400,
		Profile: command.Named{Digest: digests["profile"], ID: "rebind-standard"}, Reason: "merchant-closed", Root: 1, Scope: prof.Scope, Seq: 1, Terminal: "T-30041877", V: 1,
	}
	seal(wireFile{"command", "command", cmd, []string{"ops-1", "sec-1"}})
	challenged := cmd
	challenged.Challenge, challenged.Exception = "0VAAFPC2NDTZN2FFKRJ3FQKG24", []command.OpenSum{{Amount: 12345, Count: 2, Currency: "CNY"}}
	seal(wireFile{"command-challenge", "command", challenged, []string{"ops-1", "sec-1"}})
	seal(wireFile{"cancel", "cancel", command.Cancel{Case: cmd.Case, Command: digests["command"], Terminal: cmd.Terminal, V: 1}, []string{"ops-1"}})
	seal(wireFile{"amend", "amend", command.Amend{Allow: []envelope.ID{command.AllowReaderAbsent}, Case: cmd.Case, Command: digests["command"], N: 1, Terminal: cmd.Terminal, V: 1}, []string{"ops-1", "rel-1", "sec-1"}})
	seal(wireFile{"papers", "papers", command.Papers{Case: cmd.Case, Papers: []command.Paper{{By: "badge-0817", Hash: envelope.DigestOf([]byte("scan")), Seen: 1795392000, Type: "business-licence"}}, V: 1}, []string{"ops-1"}})
	seal(wireFile{"answer", "answer", command.Answer{Case: cmd.Case, Code: command.CodeNone, N: 1, Outcome: command.Accepted, Subject: digests["command"], Terminal: cmd.Terminal, V: 1}, []string{"device"}})
	seal(wireFile{"receipt-answer", "receipt", receipt.Receipt{
		Case: cmd.Case, Command: digests["command"], Index: 2, Kind: "answer", N: 1, Received: 1795392001, Subject: digests["answer"], Terminal: cmd.Terminal, V: 1, Verified: receipt.Checked,
	}, []string{"receipt-1"}})
	rc := bytes.Repeat([]byte{0xa1}, 16)
	seal(wireFile{"manifest", "manifest", manifest.Manifest{
		Case: cmd.Case, Command: digests["command"], Count: 2, Digest: envelope.DigestOf([]byte("sealed")), Epoch: 1, Events: 1, EvSeq: 3, First: 1,
		Head: envelope.DigestOf([]byte("head")), Last: 3, N: 1, Reader: manifest.Reader{EraCnt: 0, RC: rc, SN: "PED-0001"}, Scope: []int64{1, 2}, Size: 421933,
		Sums: []manifest.Sum{{Amount: 12345, Count: 2, Currency: "CNY", Kind: "sale", Result: "approved"}}, Terminal: cmd.Terminal, V: 1,
	}, []string{"device"}})
	seal(wireFile{"receipt-backup", "receipt", receipt.Receipt{
		Case: cmd.Case, Command: digests["command"], Index: 4, Kind: "backup", N: 1, Received: 1795392101, Subject: digests["manifest"], Terminal: cmd.Terminal, V: 1, Verified: receipt.Restored,
		Totals: &receipt.Totals{Count: 2, Head: envelope.DigestOf([]byte("head")), Sums: []receipt.Sum{{Amount: 12345, Count: 2, Currency: "CNY", Kind: "sale", Result: "approved"}}},
	}, []string{"receipt-1"}})
	order := ticket.Order{SN: "PED-0001", RC: rc, EraCnt: 0, Scope: []uint16{1, 2}, Command: digests["command"], Authority: digests["receipt-backup"]}
	file, err := order.Sign(wireKey("reader-1"))
	if err != nil {
		t.Fatal(err)
	}
	if out["ticket.json"], err = envelope.Canonical(file); err != nil {
		t.Fatal(err)
	}
	s := wireStatement(cmd, digests)
	seal(wireFile{"certificate", "certificate", s, []string{"device"}})
	seal(wireFile{"receipt-custody", "receipt", receipt.Receipt{
		Case: cmd.Case, Command: digests["command"], Index: 4, Kind: "custody", N: 1, Received: 1795396101, Subject: digests["manifest"], Terminal: cmd.Terminal, V: 1, Verified: receipt.Restored,
		Totals: &receipt.Totals{Count: 2, Head: envelope.DigestOf([]byte("head")), Sums: []receipt.Sum{{Amount: 12345, Count: 2, Currency: "CNY", Kind: "sale", Result: "approved"}}},
	}, []string{"cust-1"}})
	opened, err := envelope.Parse(out["certificate.json"], envelope.MaxSize)
	if err != nil {
		t.Fatal(err)
	}
	v, err := certificate.Validate(opened, s, certificate.Complete, digests["receipt-custody"], 1795397000)
	if err != nil {
		t.Fatal(err)
	}
	seal(wireFile{"validation", "certificate", v, []string{"cust-1"}})
	seal(wireFile{"receipt-certificate", "receipt", receipt.Receipt{
		Case: cmd.Case, Command: digests["command"], Index: 5, Kind: "certificate", N: 1, Received: 1795392201, Subject: digests["certificate"], Terminal: cmd.Terminal, V: 1, Verified: receipt.Checked,
	}, []string{"receipt-1"}})
	seal(wireFile{"close", "close", command.Close{Case: cmd.Case, Certificate: digests["certificate"], Terminal: cmd.Terminal, V: 1}, []string{"ops-1", "rel-1", "sec-1"}})
	seal(wireFile{"time", "time", timeAnswer{Nonce: "0VAAFPC2NDTZN2FFKRJ3FQKG24", Time: 1795392000, V: 1}, []string{"receipt-1"}})
	seal(wireFile{"receipt-tombstone", "receipt", receipt.Receipt{
		Case: cmd.Case, Command: digests["command"], Index: 9, Kind: "tombstone", N: 1, Received: 1795392301, Subject: certificate.Commitment(make([]byte, 32)), Terminal: cmd.Terminal, V: 1, Verified: receipt.Checked,
	}, []string{"receipt-1"}})
	stone := certificate.Tombstone{Action: cmd.Action, Case: cmd.Case, Certificate: digests["certificate"], Epoch: 1, IDs: []envelope.ID{cmd.ID}, R: make([]byte, 32), Result: certificate.Complete, Seq: 1, Terminal: cmd.Terminal, V: 1}
	if out["tombstone.json"], err = envelope.Canonical(stone); err != nil {
		t.Fatal(err)
	}
	return out
}

func wireStatement(cmd command.Command, digests map[string]envelope.Digest) certificate.Statement {
	s := certificate.New()
	s.Subject = []certificate.Subject{certificate.About("command", digests["command"]), certificate.About("manifest", digests["manifest"]), certificate.About("backup", envelope.DigestOf([]byte("sealed")))}
	p := &s.Predicate
	p.Binding, p.Case, p.Clock, p.N, p.Started, p.Finished, p.Verified = digests["binding"], cmd.Case, clockTrusted, 1, 1795392110, 1795392120, certificate.Pass
	p.Command = certificate.Command{Action: cmd.Action, Digest: digests["command"], Profile: cmd.Profile.ID, Reason: cmd.Reason, Approvers: []trust.Approver{
		{Holder: "ops-1", Key: wireKey("ops-1").Public().ID(), Role: trust.Operations}, {Holder: "sec-1", Key: wireKey("sec-1").Public().ID(), Role: trust.Security}}}
	p.Gate = []certificate.Check{{Check: "command", Detail: "2 approvers, trust version 1", OK: true}}
	p.Receipt = certificate.Authority{Digest: digests["receipt-backup"], Index: 4, Kind: "receipt"}
	p.Terminal = certificate.Terminal{Agent: "unbindd/1", Epoch: 1, ID: cmd.Terminal, Serial: "SN-0086-4417"}
	p.Media = []certificate.Medium{{Bytes: 1048576, Items: 2, Kind: "data", LevelAchieved: "clear", LevelRequested: "clear", Method: "clear", Name: "ledger", Residual: []string{"stale_flash"}, Standard: "none-claimed", Technique: "overwrite-random-1", Type: "ext4", Verified: certificate.Pass}}
	p.Reader = certificate.Reader{Authenticated: true, Firmware: "1.0", Outcome: outcomeErased, SN: "PED-0001", Slots: []certificate.Slot{{After: "empty", KCV: "82e136", Method: "zero-block", Slot: 1, Type: "TMK"}}, Retained: []certificate.Retained{{Slot: 0, Type: "TLK", Why: "remote-loading"}}}
	p.Copies = &certificate.Copies{Elsewhere: []string{"swap"}, Places: []certificate.Place{{Bytes: 1048576, Items: 2, Name: "ledger"}}}
	p.Left = []certificate.Left{{Name: "device key", Destroy: "erase-identity, after the receipt for this certificate"}}
	p.Tombstone = certificate.Commitment(make([]byte, 32))
	p.Judge()
	return s
}

func TestGoldenFilesOfEveryFormat(t *testing.T) {
	dir := filepath.Join("..", "docs", "wire")
	for name, want := range wireFiles(t) {
		path := filepath.Join(dir, name)
		if *update {
			if err := os.WriteFile(path, append(want, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		have, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("there is no golden file for %s", name)
		}
		if !bytes.Equal(bytes.TrimSuffix(have, []byte("\n")), want) {
			t.Errorf("%s is not what the code writes:\n%s\n%s", name, have, want)
		}
	}
}

// Every member of every format stands in WIRE.md, so that a second desk or a
// second terminal can be written from it.
func TestWireNamesEveryMember(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "docs", "WIRE.md"))
	if err != nil {
		t.Fatal(err)
	}
	word := regexp.MustCompile(`[A-Za-z_]+`)
	words := map[string]bool{}
	for _, w := range word.FindAllString(string(doc), -1) {
		words[w] = true
	}
	for name, text := range wireFiles(t) {
		if strings.HasSuffix(name, ".payload.json") || name == "ticket.json" || name == "tombstone.json" {
			for _, member := range membersOf(t, text) {
				if word.FindString(member) == member && !words[member] {
					t.Errorf("%s has a member %q that WIRE.md does not name", name, member)
				}
			}
		}
	}
}

func membersOf(t *testing.T, text []byte) (names []string) {
	t.Helper()
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, inner := range v {
				names = append(names, name)
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		}
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	walk(tree)
	return names
}

// docs/UNBIND.md tells every step in the order of the plan.
func TestUnbindNamesEveryStep(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "docs", "UNBIND.md"))
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|").FindAllStringSubmatch(string(doc), -1) {
		told = append(told, m[1])
	}
	reversible, final := New(Parts{}).unbind().Steps()
	if want := append(reversible, final...); strings.Join(told, " ") != strings.Join(want, " ") {
		t.Errorf("UNBIND.md tells\n%v\nthe plan is\n%v", told, want)
	}
}
