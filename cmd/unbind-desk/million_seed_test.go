package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/bolt"
	"unbindd/scripts/fleet"
)

// mould is one real case with everything that hangs on it, of which others are made.
type mould struct {
	terminal  store.Terminal
	enrolment store.Enrolment
	binding   store.Binding
	client    store.Client
	of        store.Case
	objects   map[string]store.Object
	read      map[string]*envelope.Envelope // binding and objects
	history   []store.Entry
}

// kinds are the objects of a case in the order in which they come.
var kinds = []string{"command", "answer", "receipt-answer", "certificate", "receipt-certificate"}

// newMould has a real desk and a simulated terminal go through one case.
func newMould(t *testing.T) (dir string, m mould) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir = filepath.Join(t.TempDir(), "desk")
	o, err := fleet.Found(t.Context(), "unbind-desk", dir)
	check(err)
	check(o.Start(t.Context()))
	all, _, err := o.Enlist(t.Context(), 9_999_999, 1)
	check(err)
	_, err = o.Order(t.Context(), all)
	check(err)
	_, err = o.Connect(t.Context(), all, 1)
	check(err)
	check(errors.Join(all[0].Accept(), all[0].Deliver(), all[0].Check()))
	fleet.HangUp(all)
	check(o.Stop())
	base, err := bolt.Open(dir)
	check(err)
	s, err := store.New(base)
	check(err)
	check(s.Look(func(tx *store.Tx) (err error) { m, err = mouldOf(tx, envelope.ID(all[0].Case())); return err }))
	check(s.Close())
	return dir, m
}

func mouldOf(tx *store.Tx, id envelope.ID) (m mould, err error) {
	var errs [6]error
	m.of, errs[0] = tx.Case(id)
	m.terminal, errs[1] = tx.Terminal(m.of.Terminal)
	m.binding, errs[2] = tx.Binding(m.of.Binding)
	m.enrolment, errs[3] = tx.Enrolment(m.binding.Nonce)
	m.history, errs[4] = tx.History(id)
	m.client = store.Client{SPKI: m.of.Binding, Serial: "0123456789abcdef0123456789abcdef", Terminal: m.of.Terminal, Binding: m.of.Binding}
	m.objects = map[string]store.Object{}
	m.read = map[string]*envelope.Envelope{}
	errs[5] = tx.Kinds(id, func(kind string, o store.Object) error {
		m.objects[kind] = o
		m.read[kind], err = envelope.Parse(o.Body, envelope.MaxSize)
		return err
	})
	m.read["binding"], err = envelope.Parse(m.binding.Envelope, envelope.MaxSize)
	return m, errors.Join(append(errs[:], err)...)
}

// casting is the i-th copy.
type casting struct {
	*mould
	i        int
	id       envelope.ID
	terminal envelope.ID
}

// states of a million cases, by hundredths: most are over.
func stateOf(i int) string {
	switch n := i % 100; {
	case n < 70:
		return "gone"
	case n < 80:
		return "acknowledged"
	case n < 88:
		return "cancelled"
	case n < 92:
		return "refused"
	case n < 94:
		return "erased"
	case n < 96:
		return "accepted"
	case n < 98:
		return "issued"
	}
	return "drafted"
}

// other is an envelope of the mould with the copy's names in it; its signatures
// stay the mould's.
func (c casting) other(what string) *envelope.Envelope {
	e := *c.read[what]
	e.Payload = bytes.ReplaceAll(e.Payload, []byte(c.of.ID), []byte(c.id))
	e.Payload = bytes.ReplaceAll(e.Payload, []byte(c.of.Terminal), []byte(c.terminal))
	return &e
}

// drawn is a digest that the copy has alone, spread like any other.
func (c casting) drawn(what string) envelope.Digest {
	return envelope.FromRaw(sha256.Sum256(binary.BigEndian.AppendUint64([]byte(what), uint64(c.i))))
}

// put writes everything of the copy, as the desk does: case by case.
func (c casting) put(tx *store.Tx, began int64) error {
	binding, command := c.other("binding"), c.other("command")
	nonce := envelope.ID(c.drawn("nonce").Hex()[:32])
	b, e, k, t := c.binding, c.enrolment, c.client, c.mould.terminal
	b.Digest, b.Terminal, b.Envelope, b.Nonce = binding.Digest(), c.terminal, binding.Encode(), nonce
	e.Nonce, e.Terminal, e.Serial, e.Binding = nonce, c.terminal, envelope.ID("SN-"+c.terminal), b.Digest
	k.SPKI, k.Terminal, k.Binding = c.drawn("spki"), c.terminal, b.Digest
	t.ID, t.Binding, t.Nonce, t.Case = c.terminal, b.Digest, nonce, c.id
	of := c.of
	of.ID, of.Terminal, of.State, of.Since = c.id, c.terminal, stateOf(c.i), began+int64(c.i)*30
	of.Binding, of.Command, of.Draft = b.Digest, command.Digest(), command.Encode()
	if err := errors.Join(tx.PutBinding(b), tx.PutEnrolment(e), tx.PutClient(k), tx.PutTerminal(t), tx.PutCase(of)); err != nil {
		return err
	}
	for _, kind := range kinds {
		o := store.Object{Digest: c.drawn(kind), Received: of.Since}
		if c.i%bodied == 0 {
			e := c.other(kind)
			o.Digest, o.Body = e.Digest(), e.Encode()
		}
		if _, err := tx.AddObject(store.Key{Case: c.id, Kind: kind, N: 1}, o); err != nil {
			return err
		}
	}
	for _, line := range c.history {
		if err := tx.Note(c.id, line); err != nil {
			return err
		}
	}
	if c.i%100 == 0 {
		return tx.PutAlarm(store.Alarm{Kind: "zombie", About: string(c.terminal), What: "seeded", Count: 1})
	}
	return nil
}

// bulk is how many cases share a transaction, and bodied how many of them one stands
// for whose objects have their bodies: no list reads a body, and a million of them
// would only fill the disk.
const (
	bulk   = 10_000
	bodied = 20
)

// seed fills a store with n cases through its own interface, two of a terminal.
func seed(t *testing.T, dir string, m *mould, n int, began int64) {
	t.Helper()
	base, err := bolt.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.New(base)
	if err != nil {
		t.Fatal(err)
	}
	for from := 0; from < n; from += bulk {
		err := s.Change(func(tx *store.Tx) error {
			for i := from; i < min(n, from+bulk); i++ {
				c := casting{m, i, caseNo(i), envelope.ID(fmt.Sprintf("T-%07d", i/2))}
				if err := c.put(tx, began); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if from%50_000 == 0 {
			t.Logf("%d cases", from)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func caseNo(i int) envelope.ID { return envelope.ID(fmt.Sprintf("C-2025-%07d", i+1)) }

// dialSocket reaches a desk's socket whatever address is asked for.
func dialSocket(path string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
}
