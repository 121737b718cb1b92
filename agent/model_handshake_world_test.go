package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
)

// shaking is what all standings of the hand-shake share: one enrolled terminal,
// one command, the backups that were sealed and what each erasing step kept, all
// made once by the code; and the real desk, in a process of its own.
type shaking struct {
	t       *testing.T
	b       *bound
	desk    *deskProcess
	o       shape
	bug     mistake
	names   map[envelope.Digest]string
	first   cells
	before  cells                         // when no command was accepted yet
	order   []byte                        // the command
	earlier []byte                        // one that was issued before it; or nil
	caseID  string                        // of the command
	seals   [3]map[string]json.RawMessage // what sealing kept
	files   [3][]byte                     // the sealed files
	erased  map[string]map[string]json.RawMessage
	marks   map[written]mark // for the key of a standing
	opened  map[string]*envelope.Envelope
	tried   map[string]bool            // with other bytes
	words   map[envelope.Digest]string // of answers
	digests map[string]envelope.Digest
	parcels map[string]parcel
	certs   map[envelope.Digest]cert
	tickets map[string]envelope.Digest // signature -> what allowed it
	lain    int                        // which sealed file lies there now
	stone   string                     // which tombstone
	drawn   int                        // for which certificate the preimage in the keys is
	r       [3][32]byte                // the preimages

	cancel  []byte
	amends  map[envelope.ID][3][]byte // as the first one and as the second one
	profile []byte
}

// shape is which of the things that can happen do, in one search. Of brief, quiet and
// lean, which leave something out, each says what, and why nothing is lost by it, or
// what is.
type shape struct {
	name                               string
	copies                             int // that may travel at once
	cancel, sealed, grow, clock, again bool
	hinders                            []string // what stands in the command's way at first; nil: it was accepted
	another                            bool     // a command was issued before this one
	partial, close, back               bool     // back: the reader that refused is repaired
	noCourier                          bool     // no receipt is carried in by hand
	long                               bool     // it is gone through only when all are asked for

	// No power cut before a commit where only the journal has changed, and no kill of the desk: each leads to where a cut
	// after the commit before it, a request that is lost, or an answer that is lost
	// leads. TestModelOfTheHandshakeInBrief looks that this is so of three searches:
	// the plain one, a partial certificate, late copies. Of the others it is argued.
	brief bool
	// The outbox is emptied by itself only once the run has ended (the certificate's
	// step does it before), and nothing is pulled before somebody has said something:
	// that the desk has an answer earlier is left to the searches that are not quiet, of
	// which there is one with a cancel and none in which a reader is repaired.
	quiet bool
	// Steps that take no part are done in one go; see unrelated. Of the plain search
	// TestModelOfTheHandshakeLean looks that nothing else is left out.
	lean bool
	// A process that begins asks for the orders anew, each time. So the same may be
	// refused any number of times, and how often the same answer was given is of no matter.
	anew bool
	// At most so many choices that are not the first one, in which nothing goes wrong
	// and nobody says anything; 0 any number.
	far int
	// What is taken as the first choice in place of the one in which nothing goes
	// wrong, or nothing: for what many things must go wrong in their order.
	leads func(r *running, options []string) string
}

// first is the options with the one in front that the search is led by.
func (o shape) first(r *running, options []string) []string {
	if o.leads == nil {
		return options
	}
	i := slices.Index(options, o.leads(r, options))
	if i < 0 {
		return options
	}
	return append([]string{options[i]}, slices.Delete(slices.Clone(options), i, i+1)...)
}

// toAnOldClose has the reader come back, a close of the first certificate carried in
// before the second is signed, and the preimage not heard.
func toAnOldClose(r *running, options []string) string {
	switch {
	case slices.Contains(options, "back:"):
		return "back:"
	case slices.Contains(options, "close:") && r.drawer.now.step("erase-reader-keys") != "open":
		return "close:"
	case r.step == "tombstone":
		return "lost"
	}
	return ""
}

func (h *shaking) must(err error) {
	if err != nil {
		panic(err)
	}
}

func (h *shaking) now(late bool) func() time.Time {
	at := noon
	if late {
		at = at.Add(100 * 365 * 24 * time.Hour)
	}
	return func() time.Time { return at }
}

// newShaking carries one case over the line, with real files and a real desk's
// objects, and remembers what each step that the model stands in for kept.
func newShaking(t *testing.T) *shaking {
	t.Helper()
	return newShakingAfter(t, false)
}

// newShakingAfter is newShaking with a command that was issued before the one that is
// carried out, in a case of its own; or without.
func newShakingAfter(t *testing.T, another bool) *shaking {
	t.Helper()
	b := newBound(t)
	h := &shaking{t: t, b: b, names: map[envelope.Digest]string{}, erased: map[string]map[string]json.RawMessage{}, tickets: map[string]envelope.Digest{}, marks: map[written]mark{}, opened: map[string]*envelope.Envelope{}, digests: map[string]envelope.Digest{}, tried: map[string]bool{}, words: map[envelope.Digest]string{}, certs: map[envelope.Digest]cert{}, parcels: map[string]parcel{}}
	b.a.Now = h.now(false)
	b.a.Courier.Path = t.TempDir()
	book := &drawer{now: cells{}}
	b.no(b.a.journal.Close())
	var err error
	b.a.journal, err = journal.On(book, journal.Options{Now: b.a.Now})
	b.no(err)
	b.sell(3)
	if another {
		h.precede()
	}
	h.accepts(book)
	before := cells{}
	c := b.carrier(journal.Plan{Reversible: b.a.plan.Reversible[:6], Gate: h.twice, Final: b.a.plan.Final[:6]})
	c.Watch = func(e journal.Event) {
		switch {
		case e.Moment == journal.Starting && e.Step == "seal-backup" && h.first == nil:
			h.first = maps.Clone(book.now)
			delete(h.first, "steps\x00seal-backup")
		case e.Moment == journal.Starting:
			before = book.now
		case e.Moment == journal.Recorded && h.first == nil:
			h.kept(e.Step, before, book.now)
		case e.Moment == journal.Recorded && e.Step == "seal-backup":
			h.sealed(book.now)
		case e.Moment == journal.Recorded && e.Final:
			h.kept(e.Step, before, book.now)
		}
	}
	_, err = c.Carry(b.ctx)
	b.no(err)
	h.orders(book.now)
	h.r[1], err = b.a.keys.OpenPreimage(b.a.preimageLabel(1))
	b.no(err)
	h.drawn = 1
	return h
}

// accepts has the command accepted: one that answers no challenge, by a clock that
// can be trusted.
func (h *shaking) accepts(book *drawer) {
	b := h.b
	h.before, h.caseID = maps.Clone(book.now), string(b.order.Case)
	b.a.clock.set(noon.Unix(), noon.Unix())
	e := b.seal(command.Kind, b.order, "ops-1", "sec-1")
	h.order = e.Encode()
	if o := b.a.takeCommand(h.order, e); o.Outcome != "accepted" {
		h.t.Fatalf("the command is %s: %+v", o.Outcome, o.Error)
	}
}

// begins is the standing at which a search begins: the backup is to be sealed, or the
// command was not accepted yet.
func (h *shaking) begins() *standing {
	if h.o.hinders != nil {
		return &standing{cells: h.before, hinders: h.o.hinders}
	}
	return &standing{cells: h.first}
}

// twice is a gate that first wants the backup sealed anew.
func (h *shaking) twice(ctx context.Context, n *journal.Note) error {
	if h.files[2] == nil {
		return &journal.Again{Steps: []string{"drain", "seal-backup"}, Why: "the model wants another one"}
	}
	h.b.receipted()
	h.b.ticketed()
	return h.b.a.gate(ctx, n)
}

func (h *shaking) sealed(now cells) {
	n := 1
	if h.files[1] != nil {
		n = 2
	}
	text, err := os.ReadFile(h.b.a.at.sealed())
	h.b.no(err)
	h.files[n], h.seals[n] = text, map[string]json.RawMessage{}
	for _, name := range []string{noteInspect, noteManifest} {
		h.seals[n][name] = json.RawMessage(now["notes\x00"+name])
	}
	_, e, err := h.b.a.manifestNow()
	h.b.no(err)
	h.names[e.Digest()] = "manifest"
}

// kept notes what a step changed. What is kept of the pairing key's end belongs to
// the step before the certificate, which finds the key gone already.
func (h *shaking) kept(step string, before, after cells) {
	if step == "sign-certificate" {
		step = "verify-erased"
	}
	if h.erased[step] == nil {
		h.erased[step] = map[string]json.RawMessage{}
	}
	for name, value := range after {
		if key, is := bytes.CutPrefix([]byte(name), []byte("notes\x00")); is && before[name] != value && string(key) != noteSigned {
			h.erased[step][string(key)] = json.RawMessage(value)
		}
	}
}

// orders are what people may sign later.
func (h *shaking) orders(now cells) {
	b := h.b
	c, err := b.a.openCase()
	b.no(err)
	d, id, terminal := c.digest(), c.command.Case, c.command.Terminal
	sign := func(name, kind string, v any, by ...string) []byte {
		e := b.seal(kind, v, by...)
		h.names[e.Digest()] = name
		return e.Encode()
	}
	h.names[d] = "command"
	h.cancel = sign("cancel", "cancel", command.Cancel{Case: id, Command: d, Terminal: terminal, V: 1}, "ops-1")
	h.amends = map[envelope.ID][3][]byte{}
	for _, what := range []envelope.ID{command.AllowSealed, command.AllowPartial} {
		all := [3][]byte{}
		for n := range int64(3) {
			all[n] = sign(string(what), "amend", command.Amend{Allow: []envelope.ID{what}, Case: id, Command: d, N: n, Terminal: terminal, V: 1}, "ops-1", "sec-1", "rel-1")
		}
		h.amends[what] = all
	}
	bundle := b.a.id.bundles[0]
	h.desk = startDesk(h.t, deskSetUp{
		Trust: bundle.Encode(), Profile: b.a.id.profiles["rebind-standard"].Encode(), Binding: b.a.id.envelope.Encode(), Command: c.accepted.Command, Earlier: h.earlier,
		Receipts: seedOf("receipt-1"), Enrols: seedOf("enrol-1"), Opener: b.opener, Now: noon.Unix(),
	})
}

// refusing is the evidence of a reader that did not erase.
func (h *shaking) refusing(evidence json.RawMessage) json.RawMessage {
	var ev certificate.Reader
	h.must(json.Unmarshal(evidence, &ev))
	ev.Outcome, ev.Authenticated, ev.Record = outcomeRefused, false, nil
	text, err := json.Marshal(ev)
	h.must(err)
	return text
}

func seedOf(name string) []byte { return bytes.Repeat([]byte(name), 32)[:32] }

func (h *shaking) closeOf(certificate envelope.Digest) []byte {
	c, err := h.b.a.openCase()
	h.must(err)
	e := h.b.seal("close", command.Close{Case: c.command.Case, Certificate: certificate, Terminal: c.command.Terminal, V: 1}, "ops-1", "sec-1", "rel-1")
	h.names[e.Digest()] = "close"
	return e.Encode()
}

// lay puts the files of a standing where the code looks for them.
func (h *shaking) lay(s standing) {
	at := h.b.a.at
	if h.lain != s.sealed {
		h.must(os.MkdirAll(filepath.Dir(at.sealed()), 0o700))
		h.must(unlessGone(os.Remove(at.sealed())))
		if s.sealed > 0 {
			h.must(os.WriteFile(at.sealed(), h.files[s.sealed], 0o600))
		}
		h.lain = s.sealed
	}
	if n := max(s.drawn, 1); h.drawn != n && s.who == whoThere {
		h.must(h.b.a.keys.SealPreimage(h.r[n], h.b.a.preimageLabel(int64(n))))
		h.drawn = n
	}
	if h.stone != s.stone {
		h.must(unlessGone(os.Remove(at.tombstone())))
		if s.stone != "" {
			h.must(os.WriteFile(at.tombstone(), []byte(s.stone), 0o600))
		}
		h.stone = s.stone
	}
}

func unlessGone(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

// manifestIn is the number of the manifest in force.
func (h *shaking) manifestIn(c cells) int {
	for n := 2; n > 0; n-- {
		if c["notes\x00"+noteManifest] == string(h.seals[n][noteManifest]) {
			return n
		}
	}
	return 0
}
