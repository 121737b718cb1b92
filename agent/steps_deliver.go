package agent

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/manifest"
	"unbindd/agent/receipt"
	"unbindd/agent/trust"
	"unbindd/transport"
)

// deliverBackup waits, for ever, until the receipt for exactly this manifest (or
// what may stand in its place) and the reader's ticket are verified. Nothing in
// here gives up; a cancel or an amendment may end it.
func (a *Agent) deliverBackup(ctx context.Context, n *journal.Note) error {
	var tries tally
	for {
		rung := a.bell.wait()
		done, err := a.tryDeliver(ctx, n)
		if done || errors.As(err, new(*journal.GiveUp)) {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := a.waited(); err != nil {
			return err
		}
		a.waitsOn("deliver-backup", "receipt and ticket", err)
		if err := a.rest(ctx, rung, tries.after(err), err); err != nil {
			return err
		}
	}
}

// resting waits between two tries: sit, or what passes for waiting in the model of
// the hand-shake.
type resting func(ctx context.Context, rung <-chan struct{}, tries int, why error) error

// sit waits for the bell, or for the link's next try. Retry-After is honoured.
// Where nothing was tried there is only the bell.
func (a *Agent) sit(ctx context.Context, rung <-chan struct{}, tries int, why error) error {
	var next <-chan time.Time
	if tries > 0 {
		t := time.NewTimer(a.interval(tries, why))
		defer t.Stop()
		next = t.C
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-rung:
	case <-next:
	}
	return nil
}

func (a *Agent) backoff() transport.Backoff {
	return transport.Backoff{Min: a.Link.RetryMin, Max: a.Link.RetryMax}
}

// tryDeliver makes one attempt at what is still missing.
func (a *Agent) tryDeliver(ctx context.Context, n *journal.Note) (done bool, err error) {
	c, err := a.openCase()
	if err != nil {
		return false, giveUpOn(err)
	}
	auth, ok, err := a.authority(c)
	if err == nil && !ok && c.command.Backup.Gate != command.GateNone && !exists(a.at.sealed()) {
		return true, &journal.Again{Steps: []string{"seal-backup"}, Why: "the sealed file is gone"}
	}
	if err == nil && !ok {
		if err = a.send(ctx, c); err == nil {
			auth, ok, err = a.authority(c)
		}
	}
	if err != nil || !ok {
		return false, err
	}
	ready, err := a.ticketReady(ctx, c)
	if err != nil || !ready {
		return false, err
	}
	n.Say("%s %s", auth.Kind, short(auth.Digest))
	return true, nil
}

func short(d envelope.Digest) string { return d.Hex()[:16] }

// send delivers manifest and sealed file by every way, and no further than onto the
// courier medium where that is enough. A receipt that comes back is compared before it
// is written down.
func (a *Agent) send(ctx context.Context, c *caseFile) error {
	m, e, err := a.manifestNow()
	if err != nil {
		return err
	}
	have := grounds{}
	if err := a.waitedLong(&have); err != nil {
		return err
	}
	if _, enough := c.sealedIsEnough(have.waited); enough {
		if err := a.carry(ctx, m, e); err == nil {
			return nil
		}
	}
	return a.byEvery(func(link transport.Link) error { return a.upload(ctx, link, m, e) })
}

// carry writes manifest and sealed file onto the courier medium; the link reads
// them back before it says that they are there.
func (a *Agent) carry(ctx context.Context, m manifest.Manifest, e *envelope.Envelope) error {
	courier, err := transport.NewCourier(a.Courier, string(m.Terminal))
	if err != nil {
		return err
	}
	if err := a.upload(ctx, courier, m, e); err != nil && !errors.Is(err, transport.ErrNotYet) {
		return err
	}
	return a.journal.Save(noteCarried, e.Digest())
}

func (a *Agent) upload(ctx context.Context, link transport.Link, m manifest.Manifest, e *envelope.Envelope) error {
	object := transport.Object{Case: string(m.Case), Kind: "manifest", N: m.N}
	if _, err := link.Put(ctx, object, e.Encode()); err != nil && !errors.Is(err, transport.ErrNotYet) {
		return err
	}
	object.Kind = "backup"
	asked, l := a.overLog(ctx)
	reply, err := link.Upload(asked, object, m.Size, string(m.Digest), func() (io.ReadCloser, error) { return os.Open(a.at.sealed()) })
	if err != nil {
		return err
	}
	return a.keepReceipt(reply, noteReceipt, a.wantBackup, func(of proven, keep func(journal.Seen) error) error {
		of.object = m.Digest
		return a.received(ctx, link, l, of, keep)
	})
}

// byHand keeps a receipt that was carried in: no proof comes with it.
func byHand(_ proven, keep func(journal.Seen) error) error { return keep(journal.Seen{}) }

// keepReceipt reads a receipt, compares it and only then writes it down, with what came
// beside it.
func (a *Agent) keepReceipt(text []byte, name string, wanted func() (receipt.Want, *trust.Trust, error), beside func(proven, func(journal.Seen) error) error) error {
	want, t, err := wanted()
	if err != nil {
		return err
	}
	e, err := signedFor(text, t, want)
	if err != nil {
		return err
	}
	return beside(proven{object: want.Subject, receipt: e, by: t}, func(s journal.Seen) error {
		return a.journal.Receive(name, json.RawMessage(e.Encode()), s)
	})
}

// wantBackup is what the receipt for the backup must say: the terminal's own.
func (a *Agent) wantBackup() (receipt.Want, *trust.Trust, error) {
	c, err := a.openCase()
	if err != nil {
		return receipt.Want{}, nil, err
	}
	m, e, err := a.manifestNow()
	if err != nil {
		return receipt.Want{}, nil, err
	}
	totals := &receipt.Totals{Count: m.Count, Head: m.Head, Sums: []receipt.Sum{}}
	for _, s := range m.Sums {
		totals.Sums = append(totals.Sums, receipt.Sum(s))
	}
	return receipt.Want{
		Case: m.Case, Command: c.digest(), Kind: "backup", N: m.N, Subject: e.Digest(),
		Terminal: m.Terminal, Totals: totals, Verified: receipt.Restored,
	}, a.believed(c), nil
}
