package agent

import (
	"context"
	"errors"
	"fmt"
	"io"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/keys"
	"unbindd/agent/receipt"
	"unbindd/agent/trust"
	"unbindd/transport"
)

// signCertificate destroys the reader's pairing key (unless the reader's step is
// open and may still need it), and signs what was done. The bytes are in the
// journal before anything depends on them.
func (a *Agent) signCertificate(ctx context.Context, n *journal.Note) error {
	c, err := a.openCase()
	if err != nil {
		return err
	}
	open, err := a.readerOpen()
	if err != nil {
		return err
	}
	if !open {
		if err := a.eraseLine(ctx, n, c); err != nil {
			return err
		}
	}
	s, err := a.statement(c, open)
	if err != nil {
		return err
	}
	r, err := a.preimage(s.Predicate.N)
	if err != nil {
		return err
	}
	s.Predicate.Tombstone = certificate.Commitment(r[:])
	s.Predicate.Judge()
	e, err := envelope.Seal(envelope.Statement, s, deviceSigner(a.keys))
	if err != nil {
		return err
	}
	if s.Predicate.Result == certificate.Complete {
		p, err := a.answer(c.command.Case, c.digest(), command.Completed, command.CodeNone)
		if err != nil {
			return err
		}
		n.Send(p)
	}
	n.Say("certificate %d, %s", s.Predicate.N, s.Predicate.Result)
	return n.Keep(noteSigned, raw(e))
}

// eraseLine destroys the pairing key; with it the conversation ends.
func (a *Agent) eraseLine(ctx context.Context, n *journal.Note, c *caseFile) error {
	a.closeReader()
	a.keys.Forget(keys.Line)
	return a.eraseClass(ctx, n, c, keys.Line, lineTarget)
}

func (a *Agent) closeReader() {
	a.mu.Lock()
	reader := a.reader
	a.reader = nil
	a.mu.Unlock()
	if reader == nil {
		return
	}
	if err := reader.Close(); err != nil {
		a.Log.Warn().Err(err).Msg("the reader's line cannot be closed")
	}
}

// readerOpen says whether the reader's step is open.
func (a *Agent) readerOpen() (bool, error) {
	var ev certificate.Reader
	_, err := a.journal.Get(noteReader, &ev)
	return ev.Outcome != outcomeErased, err
}

// preimage draws r for a certificate, or finds the one drawn before a cut. It
// lies sealed under the identity KEK, bound to the binding and the number.
func (a *Agent) preimage(number int64) (r [32]byte, err error) {
	aad := a.preimageLabel(number)
	if r, err = a.keys.OpenPreimage(aad); err == nil {
		return r, nil
	}
	if _, err := io.ReadFull(a.Rand, r[:]); err != nil {
		return r, fmt.Errorf("cannot draw the preimage: %w", err)
	}
	return r, a.keys.SealPreimage(r, aad)
}

func (a *Agent) preimageLabel(number int64) []byte {
	id := a.identity()
	return fmt.Appendf([]byte("unbindd/tombstone/1"), "%s%d", id.raw[:], number)
}

// deliverCertificate waits, for ever, for the desk's receipt for exactly these
// bytes. Nobody has to be there: answers that are still in the outbox go first.
func (a *Agent) deliverCertificate(ctx context.Context, n *journal.Note) error {
	var tries tally
	for {
		rung := a.bell.wait()
		done, err := a.tryCertificate(ctx, n)
		if done {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		a.waitsOn("deliver-certificate", "the desk's receipt for the certificate", err)
		if err := a.rest(ctx, rung, tries.after(err), err); err != nil {
			return err
		}
	}
}

func (a *Agent) tryCertificate(ctx context.Context, n *journal.Note) (done bool, err error) {
	if r, err := a.certificateReceipt(); err == nil {
		n.Say("receipt %s", short(r.Digest()))
		return true, nil
	}
	if c, err := a.closedBy(); err == nil && c {
		n.Say("closed without a receipt")
		return true, nil
	}
	e, _, err := a.signed()
	if err != nil {
		return false, err
	}
	s, err := certificate.Read(e)
	if err != nil {
		return false, err
	}
	err = a.byEvery(func(link transport.Link) error { return a.sendCertificate(ctx, link, s, e) })
	if err != nil {
		return false, err
	}
	got, err := a.certificateReceipt()
	if err != nil {
		return false, err
	}
	n.Say("receipt %s", short(got.Digest()))
	return true, nil
}

// sendCertificate sends the case's answers and then the certificate. An answer for which
// the desk has signed by a key that was revoked since holds nothing up: the certificate
// says all that it would. Every other one goes first: the keys to say it with end with
// this step. On the courier's medium both lie down at once, so that one walk carries all
// of them, and the receipts count once all of them are there.
func (a *Agent) sendCertificate(ctx context.Context, link transport.Link, s certificate.Statement, e *envelope.Envelope) error {
	_, walks := link.(*carried)
	waits := a.flush(ctx, link, string(s.Predicate.Case))
	unsaid := firstOf(waits, func(err error) bool { return !errors.Is(err, errRevokedSince) })
	if unsaid != nil && !walks {
		return waits
	}
	hard := firstOf(waits, func(err error) bool {
		return !errors.Is(err, errRevokedSince) && !errors.Is(err, transport.ErrNotYet)
	})
	asked, l := a.overLog(ctx)
	reply, err := link.Put(asked, transport.Object{Case: string(s.Predicate.Case), Kind: "certificate", N: s.Predicate.N}, e.Encode())
	switch {
	case hard != nil: // nobody has to walk before that is mended
		return hard
	case err != nil:
		return err
	case unsaid != nil:
		return unsaid
	}
	return a.keepReceipt(reply, noteDeskHas, a.wantCertificate, func(of proven, keep func(journal.Seen) error) error {
		return a.received(ctx, link, l, of, keep)
	})
}

// wantCertificate is what the receipt for the certificate must say.
func (a *Agent) wantCertificate() (receipt.Want, *trust.Trust, error) {
	c, err := a.openCase()
	if err != nil {
		return receipt.Want{}, nil, err
	}
	e, ok, err := a.signed()
	if err == nil && !ok {
		err = envelope.Refuse("E28", "certificate", "cannot take the receipt: no certificate is signed yet")
	}
	if err != nil {
		return receipt.Want{}, nil, err
	}
	s, err := certificate.Read(e)
	return receipt.Want{
		Case: c.command.Case, Command: c.digest(), Kind: "certificate", N: s.Predicate.N, Subject: e.Digest(),
		Terminal: c.command.Terminal, Verified: receipt.Checked,
	}, a.believed(c), err
}

// certificateReceipt is the desk's receipt for the newest certificate.
func (a *Agent) certificateReceipt() (*envelope.Envelope, error) {
	e, ok, err := noteEnvelope(a.journal.Get, noteDeskHas)
	if err == nil && !ok {
		err = errors.New("there is no receipt for the certificate")
	}
	if err != nil {
		return nil, err
	}
	want, t, err := a.wantCertificate()
	if err != nil {
		return nil, err
	}
	_, err = receipt.Check(e, t, want)
	return e, err
}

// closedBy says whether a signed close for the newest certificate is there.
func (a *Agent) closedBy() (bool, error) {
	e, ok, err := noteEnvelope(a.journal.Get, noteClose)
	if err != nil || !ok {
		return false, err
	}
	why, err := a.closes(e)
	return err == nil && why == nil, err
}

// closes says why a close does not end the case as its newest certificate stands, if
// it does not.
func (a *Agent) closes(e *envelope.Envelope) (why, err error) {
	c, err1 := a.openCase()
	signed, there, err2 := a.signed()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if !there { // the identity can be unreadable before anything is signed
		return envelope.Refuse("E28", "certificate", "cannot close the case: no certificate is signed yet"), nil
	}
	_, why = command.VerifyClose(e, command.Running{
		Trust: a.believed(c), Terminal: c.command.Terminal, Case: c.command.Case, Command: c.digest(), Certificate: signed.Digest(),
	})
	return why, nil
}
