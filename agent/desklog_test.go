package agent

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/local"
	"unbindd/agent/merkle"
	"unbindd/agent/receipt"
	"unbindd/transport"
)

// chronicle is a desk that has a log, as a link to it.
type chronicle struct {
	transport.Link
	b      *bound
	leaves []envelope.Digest
	hashes []merkle.Hash
	shows  int64 // leaves of the checkpoint it shows; 0 for all
	origin string
	beside func(*transport.Log) // what becomes of the headers on their way
	says   func(*receipt.Receipt)
	route  func() error // what the route for growth says instead
	speaks *chronicle   // whose log it is at the route for growth; its own where none is said
	within time.Duration
	asked  int
}

func (d *chronicle) read(numbers []int64) (out []merkle.Hash, _ error) {
	for _, n := range numbers {
		out = append(out, d.hashes[n])
	}
	return out, nil
}

func (d *chronicle) grow(leaves ...string) {
	for _, l := range leaves {
		d.add(envelope.DigestOf([]byte(l)))
	}
}

func (d *chronicle) add(l envelope.Digest) {
	_, made, err := merkle.Append(int64(len(d.leaves)), l, d.read)
	d.b.no(err)
	d.leaves, d.hashes = append(d.leaves, l), append(d.hashes, made...)
}

// rewritten is a desk with the same key whose log has another leaf somewhere.
func (d *chronicle) rewritten(at int) *chronicle {
	other := &chronicle{b: d.b}
	for i, l := range d.leaves {
		if i == at {
			l = envelope.DigestOf([]byte("another word"))
		}
		other.add(l)
	}
	return other
}

func (d *chronicle) signed(size int64) []byte {
	root, err := merkle.Root(size, d.read)
	d.b.no(err)
	text, err := merkle.Checkpoint{Origin: cmp.Or(d.origin, "unbind-desk/test"), Size: size, Root: root}.Sign(wireKey("receipt-1"))
	d.b.no(err)
	return text
}

func (d *chronicle) Put(ctx context.Context, _ transport.Object, body []byte) ([]byte, error) {
	e, err := envelope.Parse(body, envelope.MaxSize)
	d.b.no(err)
	var a command.Answer
	d.b.no(envelope.Decode(e.Payload, &a))
	at := slices.Index(d.leaves, e.Digest())
	if at < 0 {
		at = len(d.leaves)
		d.add(e.Digest())
	}
	size := d.shows
	if size == 0 {
		size = int64(len(d.leaves))
	}
	r := receipt.ForAnswer(a.Case, a.Terminal, a.Subject, a.N, e.Digest()).Receipt()
	r.Index = int64(at)
	if d.says != nil {
		d.says(&r)
	}
	l := transport.LogOf(ctx)
	l.Heard = true
	if int64(at) < size {
		proof, err := merkle.Prove(int64(at), size, d.signed(size), d.read)
		d.b.no(err)
		l.Proof = base64.StdEncoding.EncodeToString(proof)
	}
	if l.Size > 0 && l.Size <= size {
		l.Growth, err = merkle.GrowthLine(l.Size, size, d.read)
		d.b.no(err)
	}
	if d.beside != nil {
		d.beside(l)
	}
	return d.b.seal(receipt.Kind, r, "receipt-1").Encode(), nil
}

func (d *chronicle) Growth(ctx context.Context, from, to int64) ([]byte, error) {
	d.asked++
	until, _ := ctx.Deadline()
	d.within = time.Until(until)
	if d.route != nil {
		if err := d.route(); err != nil {
			return nil, err
		}
	}
	size := d.shows
	if size == 0 {
		size = int64(len(d.leaves))
	}
	if to > size {
		return nil, &transport.Status{Code: http.StatusNotFound, Err: "E28:leaf"}
	}
	d = cmp.Or(d.speaks, d)
	return merkle.ProveGrowth(from, to, d.signed(to), d.read)
}

// tells has one more answer delivered, and looks what is known of the log then. The
// receipt counts whatever came beside it.
func (d *chronicle) tells(why string) local.Status {
	d.b.t.Helper()
	d.b.no(d.b.a.journal.Post(d.b.stray()))
	return d.told(why)
}

func (d *chronicle) told(why string) local.Status {
	d.b.t.Helper()
	if err := d.b.a.flush(d.b.ctx, d, ""); err != nil {
		d.b.t.Errorf("%s: the receipt does not count: %v", why, err)
	}
	s, err := d.b.a.status()
	d.b.no(err)
	if s.Outbox != 0 || s.Log == nil {
		d.b.t.Fatalf("%s: %d answers wait, and of the log is known %+v", why, s.Outbox, s.Log)
	}
	return s
}

func (d *chronicle) wants(why string, s local.Status, size int64, warnings ...string) {
	d.b.t.Helper()
	if s.Log.Size != size || !slices.Equal(s.Warnings, warnings) || (s.Log.Doubt != nil) != (len(warnings) > 0) {
		d.b.t.Errorf("%s: %d leaves are kept and it warns of %v, want %d and %v; doubt %+v", why, s.Log.Size, s.Warnings, size, warnings, s.Log.Doubt)
	}
}

func withLog(t *testing.T) (*bound, *chronicle) {
	b := newBound(t)
	d := &chronicle{b: b}
	d.grow("a", "b", "c")
	return b, d
}

// The newest checkpoint is kept, over a restart and from case to case, and every later
// one is held to it; a desk that shows fewer leaves and joins them is no liar.
func TestEveryReceiptContinuesTheLog(t *testing.T) {
	b, d := withLog(t)
	d.wants("the first", d.tells("the first"), 4)
	d.grow("d", "e", "f")
	s := d.tells("the second")
	d.wants("the second", s, 8)
	if d.asked != 0 {
		t.Errorf("%d questions were asked, and the headers had it all", d.asked)
	}
	d.wants("one more", d.tells("the third"), 9)
	b.a.close()
	b.no(b.a.open())
	if s, err := b.a.status(); err != nil || s.Log == nil || s.Log.Size != 9 || s.Log.Checkpoint != string(d.signed(9)) {
		t.Fatalf("after a restart: %+v, %v", s.Log, err)
	}

	p := b.stray() // its receipt was made long ago and comes late, or from a desk that lags
	sent, err := envelope.Parse(p.Body, envelope.MaxSize)
	b.no(err)
	d.add(sent.Digest())
	d.grow("g", "h")
	d.wants("more", d.tells("more"), 13)
	b.no(b.a.journal.Post(p))
	late := *d
	late.beside = func(l *transport.Log) {
		proof, err := merkle.Prove(9, 10, d.signed(10), d.read)
		b.no(err)
		l.Proof, l.Growth = base64.StdEncoding.EncodeToString(proof), ""
	}
	d.wants("a late one", late.told("a late one"), 13)
	if late.asked != 1 || !strings.Contains(b.log.String(), "included as leaf 9 of 10; continued by the log of 13 leaves") {
		t.Errorf("%d questions; the log says %s", late.asked, b.log.String())
	}
	if !strings.Contains(b.log.String(), "included as leaf 7 of 8; continues the log of 4 leaves") {
		t.Errorf("the log says %s", b.log.String())
	}
}

// A desk that signs two logs is told by name, both checkpoints are kept as it signed
// them, and its receipts count.
func TestAForkedLogIsTold(t *testing.T) {
	b, d := withLog(t)
	for name, fork := range map[string]func(*chronicle) *chronicle{
		"the same size": func(d *chronicle) *chronicle {
			o := d.rewritten(1)
			o.leaves, o.hashes = o.leaves[:3], hashesOf(o, 3)
			o.beside = func(l *transport.Log) { l.Growth = "" } // it needs no proof
			o.route = func() error { return errors.New("the way is broken") }
			return o
		},
		"grown since": func(d *chronicle) *chronicle { o := d.rewritten(1); o.grow("x", "y"); return o },
		"put back, grown": func(d *chronicle) *chronicle {
			o := &chronicle{b: d.b}
			o.grow("a", "b", "other", "words", "since")
			return o
		},
		"grown, and silent in the headers": func(d *chronicle) *chronicle {
			o := d.rewritten(1)
			o.beside = func(l *transport.Log) { l.Growth = "" }
			return o
		},
		"shorter": func(d *chronicle) *chronicle { // it would join what it shows, under another checkpoint of the old size
			o := d.rewritten(1)
			o.beside = func(l *transport.Log) {
				proof, err := merkle.Prove(1, 2, o.signed(2), o.read)
				o.b.no(err)
				l.Proof = base64.StdEncoding.EncodeToString(proof)
			}
			return o
		},
	} {
		t.Run(name, func(t *testing.T) {
			b.t, d = t, &chronicle{b: b}
			d.grow("a", "b", "c")
			b.no(b.a.journal.See(journal.Seen{Checkpoint: d.signed(3), Settled: true}))
			said := len(b.log.String())
			d.wants("before", d.tells("before"), 4)
			kept := string(d.signed(4))
			other := fork(d)
			if name == "shorter" {
				p := b.stray()
				sent, err := envelope.Parse(p.Body, envelope.MaxSize)
				b.no(err)
				at := other.leaves
				other.leaves, other.hashes = nil, nil
				other.add(at[0])
				other.add(sent.Digest())
				other.add(at[2])
				other.add(at[3])
				b.no(b.a.journal.Post(p))
				other.told("the fork")
			} else {
				other.tells("the fork")
			}
			b.a.close()
			b.no(b.a.open())
			s, err := b.a.status()
			b.no(err)
			other.wants("the fork, after a restart", s, 4, local.WarnForked)
			if s.Log.Doubt.Kept != kept {
				t.Fatalf("kept as evidence: %+v", s.Log.Doubt)
			}
			for what, text := range map[string]string{"kept": s.Log.Doubt.Kept, "shown": s.Log.Doubt.Shown} {
				if _, err := merkle.OpenCheckpoint([]byte(text), b.a.identity().trust); err != nil {
					t.Errorf("what was %s is no evidence: %v", what, err)
				}
			}
			other.convicts("the fork", s)
			if !strings.Contains(b.log.String()[said:], local.WarnForked) {
				t.Errorf("evidence %+v, and the log says %s", s.Log.Doubt, b.log.String()[said:])
			}
			d.wants("the fork stays told", d.tells("the first log again"), int64(len(d.leaves)), local.WarnForked)
		})
	}
}

// hashesOf are the stored hashes of the first n leaves.
func hashesOf(d *chronicle, n int) []merkle.Hash {
	o := &chronicle{b: d.b}
	for _, l := range d.leaves[:n] {
		o.add(l)
	}
	return o.hashes
}

// A log that was put back is told while it is shorter; once one of the two has grown it is
// two logs.
func TestALogThatWasPutBackIsTold(t *testing.T) {
	_, d := withLog(t)
	d.grow("d", "e", "f", "g")
	d.wants("before", d.tells("before"), 8)
	back := &chronicle{b: d.b}
	back.grow("a", "b", "c")
	d.wants("put back", back.tells("put back"), 8, local.WarnBehind)

	lags := &chronicle{b: d.b, leaves: slices.Clone(d.leaves), hashes: slices.Clone(d.hashes)}
	d.wants("the log of before", lags.tells("the log of before"), 9, local.WarnForked) // which shows that the other was none of it
}

// A desk that lags behind another of the same log is told, until what it showed is joined
// with a later checkpoint.
func TestADeskThatLagsIsNoLiarForLong(t *testing.T) {
	b, d := withLog(t)
	p := b.stray()
	sent, err := envelope.Parse(p.Body, envelope.MaxSize)
	b.no(err)
	d.add(sent.Digest())
	d.grow("d", "e")
	d.wants("before", d.tells("before"), 7)
	lags := &chronicle{b: b}
	lags.grow("a", "b", "c")
	b.no(b.a.journal.Post(p))
	d.wants("one that lags", lags.told("one that lags"), 7, local.WarnBehind)
	d.wants("it has caught up", d.tells("it has caught up"), 8)
}

// What is missing or spoilt beside a receipt is told, is evidence of nothing, and is over
// with the next that is whole.
func TestAReceiptWithoutAProofIsTold(t *testing.T) {
	gone := func() error { return errors.New("the way is broken") }
	_, d := withLog(t)
	for name, c := range map[string]struct {
		beside func(*transport.Log)
		says   func(*receipt.Receipt)
		route  func() error
		fine   bool
	}{
		"no headers":                        {beside: func(l *transport.Log) { l.Proof, l.Growth = "", "" }},
		"no growth, and the route has it":   {beside: func(l *transport.Log) { l.Growth = "" }, fine: true},
		"no growth, and nobody answers":     {beside: func(l *transport.Log) { l.Growth = "" }, route: gone},
		"no growth, and no such route":      {beside: func(l *transport.Log) { l.Growth = "" }, route: func() error { return &transport.Status{Code: 404, Err: "E28:route"} }},
		"no growth, and a desk that lags":   {beside: func(l *transport.Log) { l.Growth = "" }, route: func() error { return &transport.Status{Code: 404, Err: "E28:leaf"} }},
		"garbage for growth":                {beside: func(l *transport.Log) { l.Growth = "!!" }, fine: true},
		"garbage for growth, and no answer": {beside: func(l *transport.Log) { l.Growth = "4 \x00\n\n" }, route: gone},
		"another growth":                    {beside: func(l *transport.Log) { l.Growth = "4 " + strings.Repeat("A", 43) + "=" }, fine: true},
		"garbage for a proof":               {beside: func(l *transport.Log) { l.Proof = "%%%" }},
		"half a proof":                      {beside: func(l *transport.Log) { l.Proof = l.Proof[:40] }},
		"a long one":                        {beside: func(l *transport.Log) { l.Proof = strings.Repeat("QUFB", 1<<16) }},
		"another leaf in the receipt":       {says: func(r *receipt.Receipt) { r.Index-- }},
	} {
		t.Run(name, func(t *testing.T) {
			d.b.t, d.beside, d.says, d.route = t, nil, nil, nil
			d.tells("before")
			before := int64(len(d.leaves))
			d.wants("before", d.told("before"), before)
			d.grow("x", "y")
			d.beside, d.says, d.route = c.beside, c.says, c.route
			s := d.tells(name)
			if c.fine {
				d.wants(name, s, before+3)
				return
			}
			d.wants(name, s, before, local.WarnUnproven)
			d.beside, d.says, d.route = nil, nil, nil
			d.grow("z")
			d.wants("the next", d.tells("the next"), before+5)
		})
	}
}

// A way that carries no proofs says nothing of the log, good or bad.
func TestAWayWithoutProofsSaysNothing(t *testing.T) {
	b, d := withLog(t)
	d.wants("before", d.tells("before"), 4)
	d.beside = func(l *transport.Log) { *l = transport.Log{} }
	d.wants("no proofs", d.tells("no proofs"), 4)
	if strings.Contains(b.log.String(), "log-") {
		t.Error(b.log.String())
	}
}

// The trust that names another log begins a new one; its signers may.
func TestTheTrustNamesTheLog(t *testing.T) {
	b, d := withLog(t)
	d.wants("before", d.tells("before"), 4)
	next := *b.a.id.trust
	next.Log.Origin = "unbind-desk/next"
	b.a.id.trust = &next
	d.wants("of the old name", d.tells("of the old name"), 4, local.WarnUnproven)
	renamed := &chronicle{b: b, origin: "unbind-desk/next"}
	s := renamed.tells("of the new name")
	if s.Log.Origin != "unbind-desk/next" || s.Log.Size != 1 || len(s.Warnings) != 0 {
		t.Errorf("of the new name: %+v, warns of %v", s.Log, s.Warnings)
	}
}
