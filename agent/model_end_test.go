package agent

import (
	"context"
	"errors"
	"fmt"

	"unbindd/agent/certificate"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/keys"
	"unbindd/agent/receipt"
)

// gate is the agent's: its list, its round. Each condition is the code's own
// where it asks journal and reader; the others are the model's, by name.
func (w *world) gate(ctx context.Context, n *journal.Note) error {
	a, c := w.a, w.caseNow()
	pass := func(context.Context, *caseFile) (string, error) { return "", nil }
	mine := map[string]func(context.Context, *caseFile) (string, error){
		"command": pass, "binding": pass, "power": pass, "journal": pass, "reader": a.holdReader,
		"events": func(ctx context.Context, c *caseFile) (string, error) {
			m, _, _ := w.manifest()
			return a.eventsOf(ctx, c, m)
		},
		"ledger": func(context.Context, *caseFile) (string, error) {
			m, _, _ := w.manifest()
			return "", sameHead(headOf(w.disk.find(ledgerName).texts(false)), m)
		},
		"receipt": func(_ context.Context, c *caseFile) (string, error) { return receipted(w.allowed(c)) },
		"ticket": func(_ context.Context, c *caseFile) (string, error) {
			auth, _ := w.allowed(c)
			order := w.order(c, auth)
			if len(order.Scope) > 0 && !w.ticketIs(order) {
				return "", again("the ticket is for something else")
			}
			return "", nil
		},
	}
	checks := a.gateChecks()
	for i := range checks {
		hold := mine[checks[i].name]
		if hold == nil {
			w.violate("the model does not know the condition %s", checks[i].name)
		}
		checks[i].hold = hold
	}
	lines, err := a.askAll(ctx, c, checks)
	if err != nil {
		return err
	}
	o := opened{Gate: lines[len(lines)-1:], Profile: w.m.profile}
	o.Auth, _ = w.allowed(c)
	o.Order = w.order(c, o.Auth)
	if len(o.Order.Scope) > 0 {
		if o.Ticket, err = o.Order.Message(); err != nil {
			return err
		}
	}
	return n.Keep(noteOpened, o)
}

// signed is what the model keeps of a certificate.
type signedWord struct {
	N      int64           `json:"n"`
	Result string          `json:"result"`
	Digest envelope.Digest `json:"digest"`
}

func (w *world) signedWord() (signedWord, bool) {
	return w.words.of(w, w.disk.pages.now(), "notes", noteSigned)
}

// sign is signCertificate; what the certificate says comes from the code
// (allowed, done, Judge), out of the journal alone.
func (w *world) sign(ctx context.Context, n *journal.Note, c *caseFile) error {
	a := w.a
	open, err := a.readerOpen()
	if err != nil {
		return err
	}
	if !open {
		if err := a.eraseAll(ctx, n, c, w.modelled(a.keyTargets(keys.Line, lineTarget))); err != nil {
			return err
		}
	}
	s := certificate.New()
	p := &s.Predicate
	if err := errors.Join(a.allowed(c, p), a.done(c, p, open)); err != nil {
		return err
	}
	p.N = 1
	if before, ok := w.signedWord(); ok {
		p.N = before.N + 1
	}
	p.Judge()
	w.judge(p)
	w.signs++ // no two are the same bytes
	text := fmt.Sprintf("certificate %d %s %d", p.N, p.Result, w.signs)
	w.count("signed " + p.Result)
	return n.Keep(noteSigned, signedWord{N: p.N, Result: p.Result, Digest: envelope.DigestOf([]byte(text))})
}

func (w *world) wantCertificate(c *caseFile) receipt.Want {
	s, _ := w.signedWord()
	return receipt.Want{Case: "C-1", Command: c.digest(), Kind: "certificate", N: s.N, Subject: s.Digest, Terminal: "T-1", Verified: receipt.Checked}
}

// receiptedCert is certificateReceipt, closed is closedBy.
func (w *world) receiptedCert(c *caseFile) bool {
	r, ok := w.deskHas.of(w, w.disk.pages.now(), "notes", noteDeskHas)
	return ok && r.Compare(w.wantCertificate(c)) == nil
}

func (w *world) closed() bool {
	var on envelope.Digest
	ok, err := w.a.journal.Get(noteClose, &on)
	s, _ := w.signedWord()
	return err == nil && ok && on == s.Digest
}

func (w *world) certify(_ context.Context, _ *journal.Note, c *caseFile) error {
	if w.receiptedCert(c) || w.closed() || w.bug == bugEarlyEnd {
		return nil
	}
	s, _ := w.signedWord()
	r, err := w.desk.certificate(s.N, s.Digest, s.Result)
	if err != nil {
		return err
	}
	if err := r.Compare(w.wantCertificate(c)); err != nil {
		return err
	}
	return w.a.journal.Save(noteDeskHas, r)
}

var errWaits = errors.New("a repaired reader, or a signed close, is waited for")

// identity is eraseIdentity: its order is the code's (lastKeys), and so is what goes
// (whoTargets), what ends a case (endsWith) and what sends it back to the reader.
func (w *world) identity(ctx context.Context, n *journal.Note, c *caseFile) error {
	a := w.a
	return lastKeys(n, lastActs{
		may: func() error {
			s, _ := w.signedWord()
			if w.bug == bugEarlyEnd || w.closed() || (w.receiptedCert(c) && c.endsWith(s.Result)) {
				return nil
			}
			if err := a.backToReader(); err != nil {
				return err
			}
			return errWaits
		},
		stands:  func() bool { return w.disk.find(stoneName) != nil },
		settle:  func() error { return w.disk.syncDir(stoneName) },
		engrave: func() error { return w.small(stoneName, "stone") },
		erase: func() error {
			targets := a.whoTargets()
			if err := a.eraseAll(ctx, n, c, w.modelled(targets)); err != nil {
				return err
			}
			if verdict, _ := w.look(targets); verdict != certificate.Pass {
				return errStillThere
			}
			return nil
		},
	})
}

// small is writeFile: a temporary file, its sync, its name, the folder's sync.
func (w *world) small(name, text string) error {
	f, err := w.disk.create(name + ".new")
	if err == nil {
		err = w.disk.write(f, 0, text)
	}
	if err == nil {
		err = w.disk.sync(name, f)
	}
	if err == nil {
		err = w.disk.rename(name+".new", name)
	}
	if err == nil {
		err = w.disk.syncDir(name)
	}
	return err
}

// tombstone leaves the process image once, and reveals the preimage.
func (w *world) tombstone(context.Context, *journal.Note, *caseFile) error {
	if !w.renewed {
		panic(killed{})
	}
	if err := w.desk.reveal(); err != nil {
		if !w.closed() {
			return err
		}
	}
	return nil
}

// bury is bury of steps_tombstone.go: the mark, the journal, the mark again.
func (w *world) bury() error {
	if err := w.small(buryName, "mark"); err != nil {
		return err
	}
	if f := w.disk.find(journalName); f != nil {
		w.mayBury()
		if err := w.disk.unlink(journalName); err != nil {
			return err
		}
	}
	if err := w.disk.syncDir(journalName); err != nil {
		return err
	}
	if err := w.disk.unlink(buryName); err != nil {
		return err
	}
	return w.disk.syncDir(buryName)
}
