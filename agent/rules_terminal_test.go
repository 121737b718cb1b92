package agent

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"filippo.io/age"

	"unbindd/agent/command"
	"unbindd/agent/enrol"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/keys"
	"unbindd/agent/profile"
	"unbindd/agent/receipt"
	"unbindd/agent/trust"
	"unbindd/device"
	"unbindd/device/devicesim"
	"unbindd/wipe"
)

// bound is one enrolled terminal with a simulated reader, without programs and
// without a network: the tests hand in what a desk and a ticket signer would
// send. It is there so that each rule of the agent has a quick test of its own.
type bound struct {
	t       *testing.T
	a       *Agent
	sim     *devicesim.Sim
	ctx     context.Context
	order   command.Command
	binding enrol.Binding
	moments []string            // in the order they came
	every   func(moment string) // what a test does at each of them
	opener  string              // the identity that opens its backups
	log     logged
}

// logged is what a log says; the reader's goroutine writes to it too.
type logged struct {
	mu   sync.Mutex
	said strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said.String()
}

const boundReader = "PED-0001"

// newBound enrols a terminal as the desk would, and opens it.
func newBound(t *testing.T) *bound {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(stop)
	b := &bound{t: t, ctx: ctx}
	dir := t.TempDir()
	nvm := filepath.Join(dir, "nvm")
	injected, err := devicesim.Create(nvm, devicesim.Spec{Serial: boundReader, TicketKey: wireKey("reader-1").Public().Pub, Rand: rand.Reader})
	b.no(err)
	b.sim, err = devicesim.Start(nvm, devicesim.Options{Link: filepath.Join(dir, "tty")})
	b.no(err)
	t.Cleanup(func() { b.no(b.sim.Close()) })
	b.a = New(Parts{
		Config: Config{StateDir: filepath.Join(dir, "state"), Power: Power{Path: filepath.Join(dir, "power"), MinPercent: 30}},
		Reader: device.Config{Driver: "pedlink", Path: b.sim.Path(), Baud: 115200},
		Log:    zerolog.New(&b.log), Version: "1", Sys: wipe.Kernel{}, Moment: b.moment,
	})
	b.enrol(injected)
	b.no(b.a.open())
	t.Cleanup(b.a.close)
	return b
}

func (b *bound) no(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bound) moment(name string) {
	b.moments = append(b.moments, name)
	if b.every != nil {
		b.every(name)
	}
}

func (b *bound) seal(kind string, v any, by ...string) *envelope.Envelope {
	b.t.Helper()
	var signers []envelope.Signer
	for _, name := range by {
		signers = append(signers, wireKey(name))
	}
	e, err := envelope.Seal(envelope.Type(kind), v, signers...)
	b.no(err)
	return e
}

// enrol leaves on disk what an enrolment leaves.
func (b *bound) enrol(injected devicesim.Injection) {
	b.t.Helper()
	at := b.a.at
	b.no(makeDirs(at.root, at.trust()))
	store, err := keys.Create(at.keys(), rand.Reader)
	b.no(err)
	b.no(store.SetPairing(keys.NewSecret(injected.Pairing)))
	prof := profile.Profile{
		Action: command.Rebind, Checklists: []envelope.ID{}, ID: "rebind-standard", Inventory: []profile.Place{}, Papers: []envelope.ID{},
		Reasons: []envelope.ID{"merchant-closed"}, Slots: []envelope.ID{"TMK", "TPK", "TAK", "TDK", "IPEK"}, V: 1,
		Scope: []envelope.ID{profile.HostKeys, profile.Ledger, profile.ReaderKeys},
	}
	p := b.seal("profile", prof, "ops-1", "sec-1")
	bundle := b.bundle(1, p.Digest())
	t := b.seal("trust", bundle, "root-1", "root-2", "root-3")
	b.binding = enrol.Binding{
		Account: enrol.Element([]byte("salt"), "account"), Acquirer: "898301", Device: devicePublic(store.DevicePublic()), Epoch: 1, Merchant: "898301000004417",
		Reader: enrol.Reader{Pub: injected.Pub, SN: boundReader}, Serial: "SN-0086-4417", Terminal: "T-30041877",
		USCC: enrol.Element([]byte("salt"), "uscc"), V: 1,
	}
	e := b.seal("binding", b.binding, "enrol-1")
	way, err := json.Marshal(map[string]any{"url": "https://127.0.0.1:1", "pins": []string{}, "anchor": t.Digest(), "binding": e.Digest(), "salt": []byte("salt")})
	b.no(err)
	b.no(errors.Join(
		writeFile(at.route(), way), writeFile(at.bundles(), encodeAll([]*envelope.Envelope{t})),
		writeFile(at.profiles(), encodeAll([]*envelope.Envelope{p})), writeFile(at.binding(), e.Encode()),
	))
	j, err := journal.Create(at.journal(), journal.Options{Reserve: journalReserve})
	b.no(err)
	b.no(j.Close())
	b.order = command.Command{
		Action: command.Rebind, Backup: command.Backup{Gate: command.GateReceipt, Set: "rcp-1"}, Binding: e.Digest(), Case: "C-2026-000001",
		Device: b.binding.Device.ID(), Epoch: 1, ID: "01JD8X4W4S3W5Q2M8N6T7R9ZKC", Issued: 1795392000, Level: command.Clear, NotAfter: 1796601600, NotBefore: 1795388400,
		Profile: command.Named{Digest: p.Digest(), ID: prof.ID}, Reason: "merchant-closed", Root: 1, Scope: prof.Scope, Seq: 1, Terminal: b.binding.Terminal, V: 1,
	}
}

// bundle is a trust bundle of the keys of the golden files.
func (b *bound) bundle(version int64, prof envelope.Digest, revoked ...string) trust.Bundle {
	b.t.Helper()
	recipient, err := age.GenerateX25519Identity()
	b.no(err)
	b.opener = recipient.String()
	bundle := trust.Bundle{
		Expires: 1858464000, Issued: 1795392000, Keys: map[envelope.KeyID]trust.Key{}, Revoked: []envelope.KeyID{}, Rules: trust.DefaultRules(),
		Log: trust.Log{Key: wireKey("receipt-1").Public().ID(), Origin: "unbind-desk/test"}, SPKI: []envelope.Digest{},
		Profiles:   map[envelope.ID]envelope.Digest{"rebind-standard": prof},
		Recipients: map[envelope.ID][]trust.Recipient{"rcp-1": {{Age: envelope.Recipient(recipient.Recipient().String()), Holder: "desk", ProvedAt: 1795392000}}},
		V:          1, Version: version,
	}
	for name, role := range wireRoles {
		pub := wireKey(name).Public()
		bundle.Keys[pub.ID()] = trust.Key{Alg: pub.Alg, Holder: envelope.ID(name), Pub: pub.Pub, Role: role}
	}
	for _, name := range revoked {
		bundle.Revoked = append(bundle.Revoked, wireKey(name).Public().ID())
	}
	return bundle
}

// sell makes sales in the reader, closes the batch behind them, and takes all of
// it over.
func (b *bound) sell(n int) {
	b.t.Helper()
	for range n {
		_, err := b.sim.Sell(1250, "CNY")
		b.no(err)
	}
	_, err := b.sim.CloseBatch("000001")
	b.no(err)
	l, err := b.a.openLedger(true)
	b.no(err)
	_, err = b.a.flow(b.ctx, l)
	b.no(err)
	for l.Last(boundReader) < uint64(b.sim.State().LastEvent) {
		_, err := b.a.takeOver(b.ctx, l)
		b.no(err)
	}
	b.no(l.Close())
}

// accept has the command accepted, as an answer to the terminal's challenge.
func (b *bound) accept() {
	b.t.Helper()
	c, err := b.a.newChallenge()
	b.no(err)
	b.order.Challenge = envelope.ID(c.Challenge)
	e := b.seal(command.Kind, b.order, "ops-1", "sec-1")
	if o := b.a.takeCommand(e.Encode(), e); o.Outcome != "accepted" {
		b.t.Fatalf("the command is %s: %+v", o.Outcome, o.Error)
	}
}

var errLooked = errors.New("the test has seen enough")

// sealed carries a case up to the gate, with a backup sealed and nothing of the
// desk's there yet, and does there what a test wants.
func (b *bound) sealed(do func(ctx context.Context, n *journal.Note)) {
	b.t.Helper()
	b.upTo(func(stop func(error) error) journal.Plan {
		return journal.Plan{Reversible: b.a.plan.Reversible[:6], Gate: func(ctx context.Context, n *journal.Note) error {
			do(ctx, n)
			return stop(errLooked)
		}}
	})
}

// crossed carries a case over the line, to where the reader's keys may go, and
// does there what a test wants.
func (b *bound) crossed(do func(ctx context.Context, n *journal.Note)) {
	b.t.Helper()
	b.upTo(func(stop func(error) error) journal.Plan {
		return journal.Plan{
			Reversible: b.a.plan.Reversible[:6], Gate: b.gate,
			Final: []journal.Step{{Name: "erase-reader-keys", Do: func(ctx context.Context, n *journal.Note) error {
				do(ctx, n)
				return stop(errLooked)
			}}},
		}
	})
}

// upTo carries a plan that stops itself.
func (b *bound) upTo(plan func(stop func(error) error) journal.Plan) {
	b.t.Helper()
	b.sell(3)
	b.accept()
	ctx, stop := context.WithCancel(b.ctx)
	defer stop()
	c := b.carrier(plan(func(err error) error { stop(); return err }))
	if _, err := c.Carry(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, errLooked) {
		b.t.Fatalf("the case did not come to where the test looks: %v", err)
	}
}

// gate is the agent's own, with everything there that it waits for.
func (b *bound) gate(ctx context.Context, n *journal.Note) error {
	b.receipted()
	b.ticketed()
	return b.a.gate(ctx, n)
}

func (b *bound) carrier(p journal.Plan) *journal.Carrier {
	return &journal.Carrier{
		Journal: b.a.journal, Plan: p, CodeOf: code, Parting: b.a.parting, Cancel: make(chan struct{}),
		Pause: journal.Wait(time.Millisecond, 50*time.Millisecond),
	}
}

// atTheGate has everything ready at the gate, does what a test wants, asks the
// gate, and returns what it says and what it wrote down.
func (b *bound) atTheGate(do func()) (said error, kept opened) {
	b.t.Helper()
	b.sealed(func(ctx context.Context, n *journal.Note) {
		b.receipted()
		b.ticketed()
		do()
		if said = b.a.gate(ctx, n); said == nil {
			_, said = n.Get(noteOpened, &kept)
		}
	})
	return said, kept
}

// receipted hands in the desk's receipt for the manifest in force.
func (b *bound) receipted() {
	b.t.Helper()
	want, _, err := b.a.wantBackup()
	b.no(err)
	b.hand(want)
}

// certified hands in the desk's receipt for the newest certificate.
func (b *bound) certified() {
	b.t.Helper()
	want, _, err := b.a.wantCertificate()
	b.no(err)
	b.hand(want)
}

func (b *bound) hand(w receipt.Want) {
	b.t.Helper()
	if o := b.a.takeReceipt(b.receipt(w)); o.Outcome != "accepted" {
		b.t.Fatalf("the receipt is %s: %+v", o.Outcome, o.Error)
	}
}

// receipt is the desk's, saying exactly this.
func (b *bound) receipt(w receipt.Want) *envelope.Envelope {
	b.t.Helper()
	return b.seal("receipt", receipt.Receipt{
		Case: w.Case, Command: w.Command, Index: 1, Kind: w.Kind, N: w.N, Received: 1795392101, Subject: w.Subject,
		Terminal: w.Terminal, Totals: w.Totals, V: 1, Verified: w.Verified,
	}, "receipt-1")
}

// ticketed hands in the reader's ticket.
func (b *bound) ticketed() {
	b.t.Helper()
	c, err := b.a.openCase()
	b.no(err)
	order, err := b.a.ticketOrder(c)
	b.no(err)
	f, err := order.Sign(wireKey("reader-1"))
	b.no(err)
	text, err := envelope.Canonical(f)
	b.no(err)
	if o := b.a.takeTicket(text); o.Outcome != "accepted" {
		b.t.Fatalf("the ticket is %s: %+v", o.Outcome, o.Error)
	}
}
