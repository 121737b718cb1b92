package desk

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"unbindd/agent/enrol"
	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/blob/blobtest"
	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/storetest"
)

// The model of the hand-shake (agent/model_handshake_*_test.go) cannot import a
// desk, so it runs this binary as one: every request names the state of the store
// that it is for, and the answer names the one after it.
func TestMain(m *testing.M) {
	if os.Getenv("HANDSHAKE_DESK") == "" {
		os.Exit(m.Run())
	}
	if err := serveModel(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// modelled is the desk of the model: what every one of its states shares.
type modelled struct {
	Trust, Profile, Binding, Command []byte
	Earlier                          []byte // a command that was issued before it; or nil
	Receipts, Enrols                 []byte // seeds
	Opener                           string
	Now                              int64

	blobs  *blobtest.Memory
	states []*storetest.Memory
	who    Caller
	order  envelope.ID // the case
	before envelope.ID // that of the earlier command; or ""
}

// asked is one request of the model.
type asked struct {
	From int
	Case string // "" is the command's
	Op   string // publish, manifest, backup, certificate, answer, tombstone, orders
	N    int64
	Body []byte
	Size int64
	Sum  string
	Kill string // "before" or "after" the commit; or ""
	Bug  string
	Late bool // long after every date
}

// answered is the desk's word, and the store after it.
type answered struct {
	At     int
	Code   int // as the server would say
	Err    string
	Reply  []byte
	Killed bool
	View   view
}

// view is all that is in a case, without what only the order of things decides.
type view struct {
	State   State
	Earlier State // of the earlier command's case; or ""
	Version int64
	Objects map[string]envelope.Digest // kind/n; before it the case, where it is another
	Bodies  map[string][]byte          // of receipts
}

type killed struct{}

func serveModel(in io.Reader, out io.Writer) error {
	lines := json.NewDecoder(bufio.NewReaderSize(in, 1<<20))
	to := bufio.NewWriter(out)
	var m modelled
	if err := lines.Decode(&m); err != nil {
		return err
	}
	if err := m.found(); err != nil {
		return err
	}
	for {
		var q asked
		if err := lines.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		a, err := m.serve(q)
		if err != nil {
			return err
		}
		if err := json.NewEncoder(to).Encode(a); err != nil {
			return err
		}
		if err := to.Flush(); err != nil {
			return err
		}
	}
}

// found makes the first state: the trust, the terminal as it was enrolled, and a
// case that was issued.
func (m *modelled) found() error {
	m.blobs = blobtest.NewMemory()
	base := storetest.NewMemory()
	s, err := store.New(base)
	if err != nil {
		return err
	}
	binding, err1 := envelope.Parse(m.Binding, envelope.MaxSize)
	order, said, err2 := ordered(m.Command)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	cases := []store.Case{{ID: said.Case, Command: order.Digest(), Draft: m.Command}}
	if m.Earlier != nil {
		order, said, err := ordered(m.Earlier)
		if err != nil {
			return err
		}
		m.before, cases = said.Case, append(cases, store.Case{ID: said.Case, Command: order.Digest(), Draft: m.Earlier})
	}
	m.order, m.who = said.Case, Caller{Terminal: said.Terminal, Binding: binding.Digest()}
	err = s.Change(func(tx *store.Tx) error {
		for _, c := range cases {
			c.Terminal, c.State, c.Binding, c.Version = said.Terminal, Drafted, binding.Digest(), 1
			if err := tx.PutCase(c); err != nil {
				return err
			}
		}
		return errors.Join(
			tx.AddTrust(1, m.Trust), tx.PutProfile("rebind-standard", m.Profile),
			tx.PutTerminal(store.Terminal{ID: said.Terminal, Epoch: said.Epoch, Binding: binding.Digest(), Nonce: "nonce"}),
			tx.PutEnrolment(store.Enrolment{Nonce: "nonce", Terminal: said.Terminal, Serial: "serial", Acquirer: "a", Merchant: "m", Account: envelope.DigestOf(nil), USCC: envelope.DigestOf(nil), Reader: enrol.Reader{SN: "reader"}, Binding: binding.Digest()}),
			tx.PutBinding(store.Binding{Digest: binding.Digest(), Terminal: said.Terminal, Epoch: said.Epoch, Envelope: m.Binding, Nonce: "nonce"}),
		)
	})
	if err != nil {
		return err
	}
	d, err := m.open(base, asked{})
	if err != nil {
		return err
	}
	if _, err := d.Publish(cases[len(cases)-1].Draft, 1); err != nil {
		return err
	}
	m.states = []*storetest.Memory{base}
	return nil
}

// toldBy is what a command says that the desk's rows rest on.
type toldBy struct {
	Case, Terminal envelope.ID
	Epoch          int64
}

func ordered(text []byte) (e *envelope.Envelope, said toldBy, err error) {
	if e, err = envelope.Parse(text, envelope.MaxSize); err == nil {
		err = json.Unmarshal(e.Payload, &said)
	}
	return e, said, err
}

// open is a desk that has just started on a store: it keeps nothing else.
func (m *modelled) open(base *storetest.Memory, q asked) (*Desk, error) {
	s, err := store.New(base)
	if err != nil {
		return nil, err
	}
	trust, err := envelope.Parse(m.Trust, envelope.MaxSize)
	if err != nil {
		return nil, err
	}
	at := time.Unix(m.Now, 0)
	if q.Late {
		at = at.Add(100 * 365 * 24 * time.Hour)
	}
	return New(Parts{
		Store: s, Blobs: m.blobs, Receipts: seeded(m.Receipts), Enrols: seeded(m.Enrols), Openers: []authority.Secret{authority.NewSecret([]byte(m.Opener))},
		Anchor: trust.Digest(), Now: func() time.Time { return at }, Random: bytes.NewReader(make([]byte, 1<<10)),
		Pause: func(_, when string) {
			if when == q.Kill {
				panic(killed{})
			}
		},
	})
}

func (m *modelled) serve(q asked) (a answered, err error) {
	before := m.states[q.From]
	base := before.Reopen()
	d, err := m.open(base, q)
	if err != nil {
		return a, err
	}
	m.do(d, q, &a)
	base = m.spoil(q, before, base, &a)
	if err := m.miscall(q, before, base, a); err != nil {
		return a, err
	}
	m.states = append(m.states, base.Reopen())
	a.At = len(m.states) - 1
	a.View, err = m.look(base, q)
	return a, err
}

// do serves one request; a desk that is killed has said nothing.
func (m *modelled) do(d *Desk, q asked, a *answered) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case killed:
			a.Killed, a.Reply, a.Code = true, nil, 0
		default:
			panic(p)
		}
	}()
	var err error
	in := m.order
	if q.Case != "" {
		in = envelope.ID(q.Case)
	}
	switch q.Op {
	case "publish":
		err = m.publish(d, in, q)
	case "manifest":
		err = d.Manifest(m.who, in, q.N, q.Body)
	case "backup":
		a.Reply, err = d.Backup(m.who, in, q.N, Arriving{Digest: envelope.Digest(q.Sum), Size: q.Size, Body: bytes.NewReader(q.Body)})
	case "certificate":
		a.Reply, _, err = d.Certificate(m.who, in, q.N, q.Body)
	case "answer":
		a.Reply, _, err = d.Answer(m.who, in, q.N, q.Body)
	case "tombstone":
		a.Reply, _, err = d.Tombstone(m.order, q.Body)
	case "orders":
		var o Offer
		o, err = d.Orders(string(m.who.Terminal), m.who)
		a.Reply = o.Body
	}
	a.Code, a.Err = 200, envelope.CodeOf(err)
	for _, s := range []struct {
		kind error
		code int
	}{{ErrMalformed, 400}, {ErrForeign, 403}, {ErrAbsent, 404}, {ErrConflict, 409}, {ErrGone, 410}, {ErrUnfit, 422}} {
		if errors.Is(err, s.kind) {
			a.Code = s.code
		}
	}
	if err != nil && a.Code == 200 {
		panic(fmt.Sprintf("the desk failed: %v", err))
	}
}

func (m *modelled) publish(d *Desk, in envelope.ID, q asked) error {
	var seen int64
	err := d.look(func(tx *store.Tx) error {
		c, err := tx.Case(in)
		seen = c.Version
		return err
	})
	if err == nil {
		_, err = d.Publish(q.Body, seen)
	}
	return err
}

// spoil is a desk with a mistake, which the model must find.
func (m *modelled) spoil(q asked, before, after *storetest.Memory, a *answered) *storetest.Memory {
	switch {
	case q.Bug == "answers first" && q.Op == "certificate" && a.Code == 200:
		return before // the answer went out, and the commit did not come
	case q.Bug == "receipts before" && q.Op == "backup" && a.Code == 200:
		return before
	case q.Bug == "reveals once" && q.Op == "tombstone" && a.Code == 200 && m.has(before, "tombstone/1"):
		a.Code, a.Err = 500, ""
	case q.Bug == "signs anew" && q.Op == "certificate" && a.Code == 200 && m.has(before, "certificate/1"):
		a.Reply = m.resigned(a.Reply)
	case q.Bug == "takes others" && a.Code == 409:
		a.Code, a.Err = 200, ""
	}
	return after
}

// miscall is a desk that calls the case something else than its certificate says.
func (m *modelled) miscall(q asked, before, after *storetest.Memory, a answered) error {
	to := State("")
	was, err := m.look(before, asked{})
	if err != nil {
		return err
	}
	switch {
	case q.Bug == "stays refused" && q.Op == "answer" && a.Code == 200 && was.State == Refused,
		q.Bug == "takes it back" && q.Op == "answer" && a.Code == 200 && q.N == 1 && was.State == Accepted:
		to = Refused
	case q.Op != "certificate" || a.Code != 200:
	case q.Bug == "takes the old one" && q.N == 1 && m.has(before, "certificate/2"):
		to = Erased
	case q.Bug == "calls it complete" && !m.has(before, "certificate/1"):
		to = Acknowledged
	}
	if to == "" {
		return nil
	}
	s, err := store.New(after)
	if err != nil {
		return err
	}
	return s.Change(func(tx *store.Tx) error {
		c, err := tx.Case(m.order)
		if err != nil {
			return err
		}
		c.State = to
		return tx.PutCase(c)
	})
}

func (m *modelled) has(base *storetest.Memory, name string) bool {
	v, err := m.look(base, asked{})
	return err == nil && v.Objects[name] != ""
}

// resigned is the same receipt with another time in it.
func (m *modelled) resigned(body []byte) []byte {
	e, err := envelope.Parse(body, envelope.MaxSize)
	if err != nil {
		panic(err)
	}
	var said map[string]any
	if err := json.Unmarshal(e.Payload, &said); err != nil {
		panic(err)
	}
	said["received"] = m.Now + 1
	again, err := envelope.Seal(e.PayloadType, said, seeded(m.Receipts))
	if err != nil {
		panic(err)
	}
	return again.Encode()
}

func (m *modelled) look(base *storetest.Memory, q asked) (v view, err error) {
	q.Kill = ""
	d, err := m.open(base, q)
	if err != nil {
		return v, err
	}
	v.Objects, v.Bodies = map[string]envelope.Digest{}, map[string][]byte{}
	return v, d.look(func(tx *store.Tx) error {
		c, err := tx.Case(m.order)
		if err != nil {
			return err
		}
		v.State, v.Version = c.State, c.Version
		if m.before != "" {
			c, err := tx.Case(m.before)
			if err != nil {
				return err
			}
			v.Earlier = c.State
		}
		return errors.Join(v.add(tx, m.order, ""), v.add(tx, m.before, "earlier:"), v.add(tx, NoCase+m.who.Terminal, "none:"))
	})
}

// add puts what is in a case into a view.
func (v view) add(tx *store.Tx, id envelope.ID, before string) error {
	if id == "" {
		return nil
	}
	return tx.Kinds(id, func(kind string, o store.Object) error {
		name := fmt.Sprintf("%s%s/%d", before, kind, o.N)
		v.Objects[name] = o.Digest
		if strings.HasPrefix(kind, receiptOf("")) {
			v.Bodies[name] = o.Body
		}
		return nil
	})
}

func seeded(seed []byte) envelope.Signer { return envelope.NewSigner(ed25519.NewKeyFromSeed(seed)) }
