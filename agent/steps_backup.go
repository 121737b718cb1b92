package agent

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"unbindd/agent/backup"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/ledger"
	"unbindd/agent/manifest"
)

// courtesyTime bounds what is done for a reader that goes on living.
const courtesyTime = 5 * time.Second

// sealBackup writes the whole ledger into a file that this terminal cannot open
// again, reads it back from the medium, and signs the manifest for it.
func (a *Agent) sealBackup(ctx context.Context, n *journal.Note) error {
	c, err := a.openCase()
	if err != nil {
		return giveUpOn(err)
	}
	var seen inspection
	if _, err := n.Get(noteInspect, &seen); err != nil {
		return err
	}
	m := manifest.Manifest{
		Case: c.command.Case, Command: c.digest(), Epoch: c.command.Epoch, N: 1,
		Terminal: c.command.Terminal, Sums: []manifest.Sum{}, Scope: []int64{}, V: 1,
	}
	if err := a.renew(ctx, c, n, &m, &seen); err != nil {
		return a.foreignGivesUp(err)
	}
	l, err := a.openLedger(true)
	if err != nil {
		return a.ledgerGivesUp(err)
	}
	defer a.closeLedger(l)
	var s settlement
	if _, err := n.Get(noteSettle, &s); err != nil {
		return err
	}
	if !slices.Equal(s.Open, unsettled(l)) {
		return &journal.Again{Steps: []string{"settle", "drain"}, Why: "a transaction came after settling"}
	}
	if err := a.fill(ctx, c, l, &m); err != nil {
		return a.ledgerGivesUp(noSpace(err))
	}
	return a.signManifest(n, m, seen)
}

// renew follows an earlier manifest: the next number, and a new challenge of the
// reader, because the old one was shown to the desk with other content.
func (a *Agent) renew(ctx context.Context, c *caseFile, n *journal.Note, m *manifest.Manifest, seen *inspection) error {
	old, ok, err := noteEnvelope(n.Get, noteManifest)
	if err != nil || !ok {
		return err
	}
	before, err := manifest.Open(old, a.identity().binding.Device)
	if err != nil {
		return err
	}
	m.N, m.Supersedes = before.N+1, old.Digest()
	if seen.Absent {
		return nil
	}
	return a.challenge(ctx, c, seen)
}

// fill seals the ledger and takes its totals; with gate "none" there is no file.
func (a *Agent) fill(ctx context.Context, c *caseFile, l *ledger.Ledger, m *manifest.Manifest) error {
	last, err := a.lastEvent(l)
	if err != nil {
		return err
	}
	m.EvSeq = int64(last)
	m.Head = envelope.FromRaw(l.Head().Chain)
	if c.command.Backup.Gate == command.GateNone {
		m.Digest = envelope.DigestOf(nil)
		return nil
	}
	if err := a.enoughSpace(); err != nil {
		return err
	}
	if err := errors.Join(makeDirs(a.at.spool()), syncDir(a.at.root)); err != nil {
		return err
	}
	tally, err := a.seal(ctx, c, l)
	if err != nil {
		return err
	}
	total(m, tally)
	digest, size, err := backup.DigestFile(a.at.sealed())
	if err != nil {
		return err
	}
	m.Digest, m.Size = envelope.Digest(digest), size
	return nil
}

// seal writes the sealed file whole or not at all, and durably.
func (a *Agent) seal(ctx context.Context, c *caseFile, l *ledger.Ledger) (ledger.Tally, error) {
	temp := a.at.sealed() + ".new"
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return ledger.Tally{}, fmt.Errorf("cannot seal the backup: %w", err)
	}
	tally, err := a.writeBackup(ctx, f, c, l)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return tally, errors.Join(fmt.Errorf("cannot seal the backup: %w", err), os.Remove(temp))
	}
	return tally, rename(temp, a.at.sealed())
}

func (a *Agent) writeBackup(ctx context.Context, w io.Writer, c *caseFile, l *ledger.Ledger) (ledger.Tally, error) {
	start := ledger.Start(a.identity().raw)
	header := backup.Header{
		Case: string(c.command.Case), Command: string(c.digest()), Epoch: c.command.Epoch, First: 1,
		Kind: backup.Kind, Prev: hex.EncodeToString(start[:]), Terminal: string(c.command.Terminal), V: 1,
	}
	var tally ledger.Tally
	_, err := backup.Seal(w, c.recipients(a.identity()), header, func(write func([]byte) error) (backup.TrailerInput, error) {
		head, t, err := l.Export(ctx, 1, write)
		if err != nil {
			return backup.TrailerInput{}, err
		}
		tally = t
		sums, err := json.Marshal(sumsOf(t))
		return backup.TrailerInput{Count: t.Count + t.Events + t.Refused, Head: string(envelope.FromRaw(head.Chain)), Last: head.Seq, Sums: sums}, err
	})
	return tally, err
}

func sumsOf(t ledger.Tally) []manifest.Sum {
	sums := []manifest.Sum{}
	for _, s := range t.Sums {
		sums = append(sums, manifest.Sum{
			Amount: s.Amount, Count: s.Count, Currency: envelope.ID(s.Currency), Kind: envelope.ID(s.Kind), Result: envelope.ID(s.Result),
		})
	}
	return sums
}

func total(m *manifest.Manifest, t ledger.Tally) {
	m.Count, m.Events, m.Refused = int64(t.Count), int64(t.Events), int64(t.Refused)
	m.Lost = int64(t.Lost)
	m.First, m.Last, m.Sums = int64(t.First), int64(t.Last), sumsOf(t)
}

// signManifest signs what was sealed, with the challenge that the reader's
// ticket must answer.
func (a *Agent) signManifest(n *journal.Note, m manifest.Manifest, seen inspection) error {
	m.Reader = manifest.Reader{EraCnt: int64(seen.EraCnt), RC: seen.Challenge, SN: envelope.ID(seen.Serial)}
	for _, slot := range seen.Scope {
		m.Scope = append(m.Scope, int64(slot))
	}
	e, err := envelope.Seal(envelope.Type(manifest.Kind), m, deviceSigner(a.keys))
	if err != nil {
		return err
	}
	n.Say("%d transactions, %d bytes, manifest %d", m.Count, m.Size, m.N)
	return errors.Join(n.Keep(noteInspect, seen), n.Keep(noteManifest, json.RawMessage(e.Encode())))
}

// discardBackup removes the sealed file. It is sealed to keys that are not
// here, so removing it is enough.
func (a *Agent) discardBackup(context.Context, *journal.Note) error {
	for _, path := range []string{a.at.sealed(), a.at.sealed() + ".new"} {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("cannot discard the backup: %w", err)
		}
	}
	if !exists(a.at.spool()) {
		return nil
	}
	return syncDir(a.at.spool())
}

// awaitSuccessor passes at once unless the action is replace, which this version
// does not accept (check 17).
func (a *Agent) awaitSuccessor(_ context.Context, n *journal.Note) error {
	c, err := a.openCase()
	if err != nil {
		return giveUpOn(err)
	}
	if c.command.Action == command.Replace {
		return giveUp("E17", "action", "cannot go on: this version does not carry out %s", c.command.Action)
	}
	n.Say("no successor to wait for")
	return nil
}

// manifestNow is the manifest in force.
func (a *Agent) manifestNow() (manifest.Manifest, *envelope.Envelope, error) {
	e, ok, err := noteEnvelope(a.journal.Get, noteManifest)
	if err != nil {
		return manifest.Manifest{}, nil, err
	}
	if !ok {
		return manifest.Manifest{}, nil, envelope.Refuse("E28", "manifest", "cannot take it: no backup is sealed yet")
	}
	m, err := manifest.Open(e, devicePublic(a.keys.DevicePublic()))
	return m, e, err
}

// enoughSpace asks for half the room that the ledger takes (sealed records
// shrink to less than that), and the reserve.
func (a *Agent) enoughSpace() error {
	free, err := freeSpace(a.at.root)
	if err != nil {
		return err
	}
	size, err := treeSize(a.at.ledger())
	if err != nil {
		return err
	}
	if need := size/2 + a.Config.Spool.Reserve; free < need {
		return giveUp("E27", "spool", "cannot seal the backup: %d bytes are free, %d are needed", free, need)
	}
	return nil
}

func treeSize(root string) (size int64, err error) {
	err = filepath.WalkDir(root, func(_ string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}

func freeSpace(path string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, fmt.Errorf("cannot read the free space: %w", err)
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}

// noSpace turns a full disk into the end of the command: nothing is erased and
// the terminal trades again.
func noSpace(err error) error {
	if err != nil && errors.Is(err, syscall.ENOSPC) {
		return giveUp("E27", "spool", "cannot go on: %w", err)
	}
	return err
}

// slots of a manifest's scope, as the reader counts them.
func slotsOf(scope []int64) []uint16 {
	out := make([]uint16, 0, len(scope))
	for _, s := range scope {
		out = append(out, uint16(s))
	}
	return slices.Clip(out)
}
