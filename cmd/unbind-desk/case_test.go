package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"unbindd/agent/backup"
	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/ledger"
	"unbindd/agent/manifest"
	"unbindd/agent/ticket"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/directory"
	"unbindd/cmd/unbind-desk/internal/grounds"
)

// unbinding is one case as the terminal sees it.
type unbinding struct {
	*terminal
	order   *envelope.Envelope
	command command.Command

	file      []byte
	manifest  manifest.Manifest
	signed    []byte // the manifest's envelope
	digest    envelope.Digest
	authority *envelope.Envelope // the receipt
}

// begun takes a published command over and has said nothing to it yet.
func (m *terminal) begun(order *envelope.Envelope) *unbinding {
	m.t.Helper()
	u := &unbinding{terminal: m, order: order}
	m.check(envelope.Decode(order.Payload, &u.command))
	return u
}

// begin takes a published command over and accepts it.
func (m *terminal) begin(order *envelope.Envelope) *unbinding {
	m.t.Helper()
	u := m.begun(order)
	m.answer(u.command.Case, 1, order.Digest(), command.Accepted).want(m.t, http.StatusOK, "")
	return u
}

func (u *unbinding) at(kind string, n int64) string {
	return fmt.Sprintf("/v1/cases/%s/%s/%d", u.command.Case, kind, n)
}

// sealed makes the sealed file and the manifest that goes with it.
func (u *unbinding) sealed(change func(*manifest.Manifest)) {
	u.t.Helper()
	u.recount()
	u.file = u.sealFile(u.lines)
	sum := sha256.Sum256(u.file)
	u.manifest = manifest.Manifest{
		Case: u.command.Case, Command: u.order.Digest(), Count: int64(u.tally.Count), Digest: envelope.FromRaw(sum),
		Epoch: u.command.Epoch, Events: int64(u.tally.Events), EvSeq: int64(len(u.lines)), First: int64(u.tally.First),
		Head: envelope.FromRaw(u.head), Last: int64(u.tally.Last), N: 1,
		Reader: manifest.Reader{EraCnt: 4, RC: bytes.Repeat([]byte{9}, 16), SN: u.readSN},
		Scope:  []int64{1, 2, 7}, Size: int64(len(u.file)), Sums: u.sums(), Terminal: envelope.ID(u.id), V: 1,
	}
	change(&u.manifest)
	u.signed = u.seal(manifest.Kind, u.manifest)
	u.digest = parse(u.t, u.signed).Digest()
}

func (u *unbinding) recount() {
	u.t.Helper()
	raw, err := u.bound.Raw()
	u.check(err)
	audit := ledger.NewAuditor(raw, u.start, 1)
	for _, line := range u.lines {
		u.check(audit.Add([]byte(line)))
	}
	u.tally = audit.Tally()
}

func (u *unbinding) sums() []manifest.Sum {
	out := []manifest.Sum{}
	for _, s := range u.tally.Sums {
		out = append(out, manifest.Sum{
			Amount: s.Amount, Count: s.Count, Currency: envelope.ID(s.Currency), Kind: envelope.ID(s.Kind), Result: envelope.ID(s.Result),
		})
	}
	return out
}

// sealFile seals lines for the recipients the bundle names.
func (u *unbinding) sealFile(lines []string) []byte {
	u.t.Helper()
	var bundle trust.Bundle
	u.check(envelope.Decode(parse(u.t, u.welcome.Trust[0]).Payload, &bundle))
	var people []string
	for _, r := range bundle.Recipients[u.command.Backup.Set] {
		people = append(people, string(r.Age))
	}
	header := backup.Header{
		Case: string(u.command.Case), Command: string(u.order.Digest()), Epoch: u.command.Epoch, First: 1,
		Prev: chainText(u.origin()), Terminal: u.id,
	}
	sums, err := json.Marshal(u.sums())
	u.check(err)
	var out bytes.Buffer
	_, err = backup.Seal(&out, people, header, func(write func([]byte) error) (backup.TrailerInput, error) {
		for _, line := range lines {
			if err := write([]byte(line)); err != nil {
				return backup.TrailerInput{}, err
			}
		}
		return backup.TrailerInput{
			Count: uint64(len(lines)), Head: string(envelope.FromRaw(u.head)), Last: uint64(len(lines)), Sums: sums,
		}, nil
	})
	u.check(err)
	return out.Bytes()
}

// deliver puts manifest and file, and keeps the receipt.
func (u *unbinding) deliver() {
	u.t.Helper()
	u.put(u.at("manifest", u.manifest.N), u.signed).want(u.t, http.StatusNoContent, "")
	r, err := u.upload(u.at("backup", u.manifest.N), u.file, sha256.Sum256(u.file))
	u.check(err)
	r.want(u.t, http.StatusOK, "")
	u.authority = parse(u.t, r.body)
}

// ticketFor is the order the reader's ticket must be for.
func (u *unbinding) ticketFor() ticket.Order {
	u.t.Helper()
	o, err := grounds.OrderFor(u.manifest, u.authority.Digest())
	u.check(err)
	return o
}

// certificate is a complete one, changed by a test.
func (u *unbinding) certificate(n int64, change func(*certificate.Predicate)) []byte {
	u.t.Helper()
	s := certificate.New()
	p := &s.Predicate
	p.Binding, p.Case, p.Clock, p.N, p.Verified = u.bound, u.command.Case, "trusted", n, certificate.Pass
	p.Terminal = certificate.Terminal{Agent: "unbindd/test", Epoch: u.command.Epoch, ID: u.command.Terminal, Serial: envelope.ID("SN-" + u.id)}
	p.Command = certificate.Command{
		Action: u.command.Action, Approvers: u.approvers(), Digest: u.order.Digest(), Profile: u.command.Profile.ID, Reason: u.command.Reason,
	}
	p.Media = []certificate.Medium{{
		Kind: "key", LevelAchieved: "clear", LevelRequested: "clear", Method: "overwrite", Name: "host-keys",
		Residual: []string{}, Standard: "none", Technique: "overwrite", Type: "ext4", Verified: certificate.Pass,
	}}
	p.Receipt = certificate.Authority{Digest: u.authority.Digest(), Kind: "receipt"}
	p.Started, p.Finished, p.Tombstone = 1790000100, 1790000200, certificate.Commitment(u.r[:])
	p.Reader = certificate.Reader{
		Authenticated: true, Firmware: "1.0", Outcome: "erased", Record: u.record1(), Retained: []certificate.Retained{},
		SN: u.readSN, Slots: []certificate.Slot{},
	}
	for _, slot := range u.manifest.Scope {
		p.Reader.Slots = append(p.Reader.Slots, certificate.Slot{After: "empty", KCV: "82e136", Method: "zero-block", Slot: slot, Type: "TMK"})
	}
	s.Subject = []certificate.Subject{
		certificate.About("command", u.order.Digest()), certificate.About("manifest", u.digest), certificate.About("backup", u.manifest.Digest),
	}
	change(p)
	p.Judge()
	e, err := envelope.Seal(envelope.Statement, s, u.signer())
	u.check(err)
	return e.Encode()
}

func (u *unbinding) approvers() []trust.Approver {
	u.t.Helper()
	text, err := os.ReadFile(u.desk.dir.Trust())
	u.check(err)
	bundles, err := directory.ParseArray(text)
	u.check(err)
	anchor, err := u.desk.dir.ReadAnchor()
	u.check(err)
	g, err := grounds.Open(anchor, bundles, u.order, parse(u.t, u.welcome.Binding))
	u.check(err)
	return g.Command.Approvers()
}

// record1 is what the reader signs about the erase of every slot.
func (u *unbinding) record1() *certificate.Record {
	u.t.Helper()
	digest, err := u.ticketFor().Digest()
	u.check(err)
	r := &certificate.Record{EraCnt: u.manifest.Reader.EraCnt + 1, Nonce: bytes.Repeat([]byte{3}, 16), SN: u.readSN, Ticket: digest[:]}
	for _, slot := range u.manifest.Scope {
		r.Results = append(r.Results, certificate.SlotResult{Slot: slot})
	}
	m, err := grounds.RecordMessage(*r)
	u.check(err)
	r.Sig = ed25519.Sign(u.reader, m)
	return r
}

// tombstone is what the terminal reveals.
func tombstone(r []byte) []byte {
	text, err := envelope.Canonical(map[string]any{"r": r, "v": 1})
	if err != nil {
		panic(err) // bytes and an integer always encode
	}
	return text
}
