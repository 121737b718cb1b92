package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/merkle"
	"unbindd/agent/receipt"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/directory"
	"unbindd/cmd/unbind-desk/internal/dossier"
)

// believed is the trust of the desk's directory.
func (o *office) believed() *trust.Trust {
	o.t.Helper()
	anchor, err := o.dir.ReadAnchor()
	o.check(err)
	text, err := os.ReadFile(o.dir.Trust())
	o.check(err)
	bundles, err := directory.ParseArray(text)
	o.check(err)
	believed, err := trust.Chain(anchor, bundles)
	o.check(err)
	return believed
}

// nextBundle writes trust bundle version 2, changed by a test, to a file.
func (o *office) nextBundle(change func(*trust.Bundle)) string {
	o.t.Helper()
	b := o.believed().Bundle
	b.Version++
	if change != nil {
		change(&b)
	}
	e, err := envelope.Seal(envelope.Type(trust.Kind), b, o.signer("root-1"), o.signer("root-2"), o.signer("root-3"))
	o.check(err)
	path := o.file("trust-2.json")
	o.check(os.WriteFile(path, e.Encode(), 0o644))
	return path
}

// proofOf reads the proof that came with a receipt.
func proofOf(t *testing.T, r reply) []byte {
	t.Helper()
	proof, err := base64.StdEncoding.DecodeString(r.header.Get("Unbindd-Log-Proof"))
	if err != nil || len(proof) == 0 {
		t.Fatalf("the receipt comes with no proof: %v", err)
	}
	return proof
}

// Every receipt comes with the proof that its object is the leaf it names, and
// every later checkpoint continues every earlier one.
func TestEveryReceiptIsProven(t *testing.T) {
	o := newOffice(t)
	believed := o.believed()
	u := whole(t, o, "T-1")
	var seen []merkle.Checkpoint
	for kind, object := range map[string]envelope.Digest{
		"backup": u.manifest.Digest, "certificate": parse(t, u.get(u.at("certificate", 1)).body).Digest(),
		"answer": parse(t, u.get(u.at("answer", 1)).body).Digest(),
	} {
		r := u.get(u.at("receipts/"+kind, 1))
		r.want(t, http.StatusOK, "")
		got, err := merkle.Check(proofOf(t, r), object, believed)
		o.check(err)
		var said receipt.Receipt
		o.check(envelope.Decode(parse(t, r.body).Payload, &said))
		if said.Index != got.Index {
			t.Errorf("the receipt for the %s says leaf %d, its proof %d", kind, said.Index, got.Index)
		}
		for path, digest := range map[string]envelope.Digest{
			"proofs/" + kind: object, "proofs/receipts/" + kind: parse(t, r.body).Digest(),
		} {
			text := u.get(u.at(path, 1))
			text.want(t, http.StatusOK, "")
			_, err = merkle.Check(text.body, digest, believed)
			o.check(err)
		}
		seen = append(seen, got.Checkpoint)
		whole(t, o, "T-of-"+kind) // the log grows
	}
	last := u.do(u.unknown, http.MethodGet, "/v1/log/checkpoint", nil)
	c, err := merkle.OpenCheckpoint(last.body, believed)
	o.check(err)
	for _, earlier := range seen {
		r := u.do(u.unknown, http.MethodGet, fmt.Sprintf("/v1/log/consistency/%d/%d", earlier.Size, c.Size), nil)
		r.want(t, http.StatusOK, "")
		grown, err := merkle.CheckGrowth(r.body, earlier, believed)
		if err != nil || grown != c || earlier.Size >= c.Size {
			t.Fatalf("from %d to %d: %+v, %v", earlier.Size, c.Size, grown, err)
		}
	}
	o.kill() // the same log after a power cut
	o.start()
	if r := u.do(u.unknown, http.MethodGet, "/v1/log/checkpoint", nil); string(r.body) != string(last.body) {
		t.Fatalf("after a cut the checkpoint is another:\n%s\n%s", last.body, r.body)
	}
	r := u.do(u.unknown, http.MethodGet, "/v1/log/proof/0", nil)
	r.want(t, http.StatusOK, "")
	if !strings.HasPrefix(string(r.body), "c2sp.org/tlog-proof@v1\nindex 0\n") {
		t.Fatalf("the proof of leaf 0 begins otherwise: %s", r.body)
	}
}

func TestLogRoutesRefuse(t *testing.T) {
	o := newOffice(t)
	m, other := newTerminal(o, "T-1"), newTerminal(o, "T-2")
	empty := m.do(m.unknown, http.MethodGet, "/v1/log/checkpoint", nil)
	if c, err := merkle.OpenCheckpoint(empty.body, o.believed()); err != nil || c.Size != 0 {
		t.Fatalf("an empty log: %+v, %v", c, err)
	}
	u := m.begin(o.order(unbind("T-1"), "ops-1", "sec-1"))
	for path, code := range map[string]string{
		"/v1/log/proof/99": "E28:leaf", "/v1/log/proof/3": "E28:leaf",
		"/v1/log/consistency/0/1": "E28:leaf", "/v1/log/consistency/2/1": "E28:leaf", "/v1/log/consistency/1/9": "E28:leaf",
	} {
		m.do(m.unknown, http.MethodGet, path, nil).want(t, http.StatusNotFound, code)
	}
	for _, path := range []string{"/v1/log/proof/-1", "/v1/log/proof/01", "/v1/log/proof/x", "/v1/log/consistency/1/+2"} {
		m.do(m.unknown, http.MethodGet, path, nil).want(t, http.StatusBadRequest, "E28:leaf")
	}
	u.get(u.at("proofs/backup", 1)).want(t, http.StatusNotFound, "E28:backup")
	u.get(u.at("proofs/history", 1)).want(t, http.StatusNotFound, "E28:kind")
	other.get(u.at("proofs/command", 1)).want(t, http.StatusForbidden, "E09:case")
	m.do(m.unknown, http.MethodGet, u.at("proofs/command", 1), nil).want(t, http.StatusForbidden, "E10:certificate")
}

// An exported case whose proofs were tampered with does not verify.
func TestExportedProofsAreHeld(t *testing.T) {
	o := newOffice(t)
	u := whole(t, o, "T-1")
	v := whole(t, o, "T-2")
	export := func(id envelope.ID) string {
		out := o.file("export")
		o.cli("cases", "export", string(id), "--dir", string(o.dir), "--out", out)
		return out
	}
	at := func(dir, name string) string { return filepath.Join(dir, dossier.ProofOf(name)) }
	move := func(from, to string) {
		text, err := os.ReadFile(from)
		o.check(err)
		o.check(os.WriteFile(to, text, 0o644))
	}
	for name, spoil := range map[string]func(dir string){
		"a proof is missing":             func(dir string) { o.check(os.Remove(at(dir, dossier.Certificate))) },
		"the proof of another object":    func(dir string) { move(at(dir, dossier.Command), at(dir, dossier.Certificate)) },
		"the proof of another case":      func(dir string) { move(at(export(v.command.Case), dossier.Certificate), at(dir, dossier.Certificate)) },
		"a proof of nothing":             func(dir string) { move(at(dir, dossier.Command), at(dir, "nothing")) },
		"an earlier checkpoint of a few": func(dir string) { move(at(dir, dossier.Command)+".early", at(dir, dossier.Command)) },
	} {
		dir := export(u.command.Case)
		if name == "an earlier checkpoint of a few" {
			early := u.get(u.at("proofs/command", 1))
			o.check(os.WriteFile(at(dir, dossier.Command)+".early", early.body, 0o644))
			whole(t, o, "T-later")
			dir2 := export(u.command.Case)
			move(at(dir, dossier.Command)+".early", at(dir2, dossier.Command)+".early")
			dir = dir2
			spoil(dir)
			o.check(os.Remove(at(dir, dossier.Command) + ".early"))
		} else {
			spoil(dir)
		}
		told, _, code := verb(t, "verify", dir)
		if code != exitFailed || !strings.Contains(told, "failed   log") {
			t.Errorf("%s: exit %d\n%s", name, code, told)
		}
	}
}

// Who keeps a checkpoint finds out a log that was rewritten, or rolled back with
// a backup of the desk; one that only grew is accepted.
func TestWhoKeepsACheckpointHoldsTheDesk(t *testing.T) {
	o := newOffice(t)
	kept := filepath.Join(o.work, "checkpoint")
	watch := func(code string) {
		t.Helper()
		_, said, exit := verb(t, "log", "--dir", string(o.dir), "--keep", kept)
		if (code == "") != (exit == exitDone) || !strings.Contains(said, code) {
			t.Fatalf("log ended with %d, want %q: %s", exit, code, said)
		}
	}
	watch("") // an empty log
	whole(t, o, "T-1")
	watch("")
	o.stop()
	early, err := os.ReadFile(filepath.Join(string(o.dir), "desk.db"))
	o.check(err)
	o.start()
	whole(t, o, "T-2")
	watch("")
	watch("") // nothing new
	// Another tree of the same size, by the desk's own key.
	text, err := os.ReadFile(kept)
	o.check(err)
	c, err := merkle.OpenCheckpoint(text, o.believed())
	o.check(err)
	c.Root[0] ^= 1
	forged, err := c.Sign(o.signer("receipt-1"))
	o.check(err)
	o.check(os.WriteFile(kept, forged, 0o644))
	watch("E24:consistency")
	whole(t, o, "T-3")
	watch("E24:consistency")
	// The desk of yesterday.
	o.check(os.WriteFile(kept, text, 0o644))
	o.stop()
	o.check(os.WriteFile(filepath.Join(string(o.dir), "desk.db"), early, 0o600))
	o.start()
	watch("E24:consistency")
	if now, err := os.ReadFile(kept); err != nil || string(now) != string(text) {
		t.Fatalf("a refused checkpoint was kept: %v", err)
	}
	// A checkpoint of nobody's.
	o.check(os.WriteFile(kept, []byte("unbind-desk\n1\n"), 0o644))
	watch("E24:checkpoint")
}
