package agent

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/ledger"
	"unbindd/device"
	"unbindd/device/devicesim"
)

var gateNames = []string{"command", "binding", "reader", "events", "ledger", "receipt", "ticket", "power", "journal"}

// Where everything holds the gate opens, and every condition is a line of the
// record that destruction began, with what allowed it.
func TestTheGateTellsEveryCondition(t *testing.T) {
	b := newBound(t)
	said, kept := b.atTheGate(func() {})
	if said != nil {
		t.Fatalf("the gate stays closed: %v", said)
	}
	var names []string
	for _, line := range kept.Gate {
		if !line.OK || line.Detail == "" {
			t.Errorf("a line of an open gate says %+v", line)
		}
		names = append(names, line.Check)
	}
	if !slices.Equal(names, gateNames) {
		t.Errorf("the gate asked %v, want %v", names, gateNames)
	}
	if kept.Auth.Kind != "receipt" || kept.Started == 0 {
		t.Errorf("the record that destruction began says %+v", kept)
	}
}

// One thing wrong at a time, everything else right: the gate stays closed, and
// says which condition it was.
func TestTheGateStaysClosed(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(b *bound)
		code string // of the refusal, or
		why  string // of going back to the backup
	}{
		"command": {code: "E05:revoked-key", do: func(b *bound) {
			next := b.seal("trust", b.bundle(2, b.order.Profile.Digest, "ops-1"), "root-1", "root-2", "root-3")
			if o := b.a.takeStep(next); o.Outcome != "accepted" {
				b.t.Fatalf("the next trust bundle is %s: %+v", o.Outcome, o.Error)
			}
		}},
		"binding": {code: "E20", do: func(b *bound) {
			other := b.binding
			other.Epoch++
			b.no(writeFile(b.a.at.binding(), b.seal("binding", other, "enrol-1").Encode()))
		}},
		"reader": {code: "E21", do: func(b *bound) { b.exchangeReader("PED-0009") }},
		"events": {why: "the reader holds events that the backup does not have", do: func(b *bound) {
			_, err := b.sim.CloseBatch("000002")
			b.no(err)
		}},
		"ledger": {why: "the ledger has grown since it was sealed", do: func(b *bound) {
			l, err := b.a.openLedger(true)
			b.no(err)
			_, err = l.Append(boundReader, []ledger.Event{{Seq: l.Last(boundReader) + 1, Body: []byte("{}")}})
			b.no(errors.Join(err, l.Close()))
		}},
		"receipt": {why: "there is no receipt for the manifest in force", do: func(b *bound) { b.no(b.a.journal.Save(noteReceipt, raw(b.seal("receipt", map[string]int{"v": 1})))) }},
		"receipt by a key that was revoked since": {why: "there is no receipt for the manifest in force", do: func(b *bound) {
			next := b.seal("trust", b.bundle(2, b.order.Profile.Digest, "receipt-1"), "root-1", "root-2", "root-3")
			if o := b.a.takeStep(next); o.Outcome != "accepted" {
				b.t.Fatalf("the next trust bundle is %s: %+v", o.Outcome, o.Error)
			}
		}},
		"ticket": {why: "cannot accept the ticket: it is for another reader [E29:reader]", do: func(b *bound) { b.no(b.a.journal.Save(noteTicket, map[string]string{})) }},
		"power": {code: "E22:power", do: func(b *bound) {
			battery := filepath.Join(b.a.Config.Power.Path, "BAT0")
			b.no(os.MkdirAll(battery, 0o700))
			b.no(errors.Join(os.WriteFile(filepath.Join(battery, "type"), []byte("Battery\n"), 0o600), os.WriteFile(filepath.Join(battery, "capacity"), []byte("29\n"), 0o600)))
		}},
		"journal": {code: "E27:journal", do: func(b *bound) { noFileGrows(b.t) }},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBound(t)
			said, _ := b.atTheGate(func() { c.do(b) })
			var back *journal.Again
			switch {
			case said == nil:
				t.Fatal("the gate opened")
			case c.why != "" && (!errors.As(said, &back) || back.Why != c.why):
				t.Errorf("the gate says %q, want %q", said, c.why)
			case c.code != "" && envelope.CodeOf(said) != c.code:
				t.Errorf("the gate says %q, want %s", said, c.code)
			}
		})
	}
}

// exchangeReader puts another reader on the line, and waits until it is there.
func (b *bound) exchangeReader(serial string) {
	b.t.Helper()
	b.no(b.sim.Fault(devicesim.Fault{Name: "foreign", Value: serial}))
	for b.ctx.Err() == nil {
		who, err := b.a.line().Identify(b.ctx)
		if errors.As(err, new(device.ErrForeign)) || (err == nil && who.Serial == serial) {
			return
		}
	}
	b.t.Fatal("the other reader does not answer")
}

// noFileGrows is the full disk: for the rest of the test a write beyond the
// first page of any file fails.
func noFileGrows(t *testing.T) {
	t.Helper()
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 128 << 10, Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
			t.Error(err)
		}
		signal.Reset(syscall.SIGXFSZ)
	})
}

// A receipt is compared before it is kept: one that differs in anything leaves
// no trace, and the ticket cannot come before it.
func TestReceiptBeforeTicketAndComparedBeforeKept(t *testing.T) {
	b := newBound(t)
	var early, other error
	var kept bool
	b.sealed(func(context.Context, *journal.Note) {
		c, err := b.a.openCase()
		b.no(err)
		_, early = b.a.ticketOrder(c)
		want, _, err := b.a.wantBackup()
		b.no(err)
		want.Totals.Count++
		other = b.a.keepReceipt(b.receipt(want).Encode(), noteReceipt, b.a.wantBackup, byHand)
		kept, err = b.a.journal.Get(noteReceipt, new(json.RawMessage))
		b.no(err)
	})
	if envelope.CodeOf(early) != "E29:early" {
		t.Errorf("a ticket before the receipt: %v", early)
	}
	if kept || envelope.CodeOf(other) != "E24:count" {
		t.Errorf("a receipt with another count: kept %v, %v", kept, other)
	}
}
