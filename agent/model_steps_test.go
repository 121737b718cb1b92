package agent

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/keys"
	"unbindd/agent/manifest"
	"unbindd/agent/receipt"
	"unbindd/agent/ticket"
	"unbindd/device"
)

// plan is the code's own plan, with the model's act in the place of each step's:
// which steps there are, in which order, on which side of the line and which of
// them can be undone is read from agent/unbind.go.
func (w *world) plan() journal.Plan {
	p := w.a.plan
	do := w.acts()
	undo := map[string]func(context.Context, *journal.Note) error{
		"inspect": w.a.uninspect, "freeze": w.a.thaw, "seal-backup": w.discard,
	}
	put := func(steps []journal.Step) (out []journal.Step) {
		for _, s := range steps {
			act := do[s.Name]
			if act == nil || (s.Undo != nil) != (undo[s.Name] != nil) {
				w.violate("the model does not know the step %s", s.Name)
			}
			s.Do = func(ctx context.Context, n *journal.Note) error {
				w.bug.before(w, s.Name)
				return act(ctx, n, w.caseNow())
			}
			if s.Undo != nil {
				s.Undo = undo[s.Name]
			}
			out = append(out, s)
		}
		return out
	}
	return journal.Plan{Reversible: put(p.Reversible), Gate: w.gate, Final: put(p.Final)}
}

type act func(ctx context.Context, n *journal.Note, c *caseFile) error

func nothing(context.Context, *journal.Note, *caseFile) error { return nil }

func (w *world) acts() map[string]act {
	a := w.a
	return map[string]act{
		"check-papers": nothing, "inspect": w.inspect, "settle": w.settle, "drain": w.drain,
		"freeze":      func(ctx context.Context, n *journal.Note, _ *caseFile) error { return a.freeze(ctx, n) },
		"seal-backup": w.seal, "deliver-backup": w.deliver, "await-successor": nothing,
		"erase-reader-keys": func(ctx context.Context, n *journal.Note, c *caseFile) error { return a.eraseReader(ctx, n, c) },
		"erase-keys": func(ctx context.Context, n *journal.Note, c *caseFile) error {
			return a.eraseAll(ctx, n, c, w.modelled(a.keyTargets(keys.Data, "data-key")))
		},
		"erase-data": func(ctx context.Context, n *journal.Note, c *caseFile) error {
			targets, err := a.dataTargets(c)
			if err != nil {
				return err
			}
			return a.eraseAll(ctx, n, c, w.modelled(targets))
		},
		"remove-software": w.software, "verify-erased": w.verify, "sign-certificate": w.sign,
		"deliver-certificate": w.certify, "erase-identity": w.identity, "tombstone": w.tombstone,
	}
}

func (w *world) inspect(ctx context.Context, n *journal.Note, c *caseFile) error {
	seen := inspection{}
	if _, ok := c.allows(command.AllowReaderAbsent); ok && w.a.silent(ctx) {
		seen.Absent, seen.Serial = true, boundReader
		return n.Keep(noteInspect, seen)
	}
	err := w.a.askReader(ctx, c, &seen, []envelope.ID{"TMK"})
	if errors.As(err, new(device.ErrForeign)) {
		return giveUp("E21", "", "another reader is connected")
	}
	if err != nil {
		return err
	}
	return n.Keep(noteInspect, seen)
}

func (w *world) settle(ctx context.Context, n *journal.Note, c *caseFile) error {
	if err := w.drain(ctx, n, c); err != nil {
		return err
	}
	return n.Keep(noteSettle, settlement{Open: []command.OpenSum{}})
}

// drain takes over everything the reader holds now.
func (w *world) drain(ctx context.Context, n *journal.Note, _ *caseFile) error {
	absent, err := w.a.readerAbsent(n)
	if err != nil || absent {
		return err
	}
	return w.a.foreignGivesUp(w.takeOver(ctx))
}

// takeOver appends what the reader holds to the ledger, commits, and only then
// lets the reader forget: agent/trade.go and agent/ledger stand behind it.
func (w *world) takeOver(ctx context.Context) error {
	f := w.disk.find(ledgerName)
	if i := slices.IndexFunc(f.blocks, func(b *cell[string]) bool { return b.now() == "" }); i >= 0 {
		f.blocks = f.blocks[:i] // what a cut tore off, and what came after it
	}
	if err := w.disk.sync(ledgerName, f); err != nil { // the first commit after opening
		return w.die(err)
	}
	last := uint32(len(f.blocks))
	b, err := w.a.line().Follow(ctx, last)
	for err == nil && last < b.Last {
		var events []device.Event
		if events, err = w.a.line().Next(ctx, group); err != nil {
			return err
		}
		for _, e := range events {
			if e.Seq == last+1 {
				if err := w.disk.write(f, int(last), string(e.Body)); err != nil {
					return w.die(err)
				}
				last++
			}
		}
		if err := w.disk.sync(ledgerName, f); err != nil {
			return w.die(err)
		}
		err = w.a.line().Acknowledge(ctx, last)
	}
	return err
}

// die is the end of the process: after a commit of unknown outcome a store
// writes no more (FORMATS, and D6 of the ledger), and what is on disk decides.
func (w *world) die(error) error { panic(killed{}) }

func (w *world) seal(ctx context.Context, n *journal.Note, c *caseFile) error {
	seen, err := w.a.inspected()
	if err != nil {
		return err
	}
	m := manifest.Manifest{Case: "C-1", Command: c.digest(), N: 1, Terminal: "T-1", Scope: []int64{}, Sums: []manifest.Sum{}, V: 1}
	if before, digest, ok := w.manifest(); ok {
		m.N, m.Supersedes = before.N+1, digest
		if !seen.Absent {
			if err := w.a.foreignGivesUp(w.a.challenge(ctx, c, &seen)); err != nil {
				return err
			}
		}
	}
	texts := w.disk.find(ledgerName).texts(false)
	m.EvSeq, m.Head, m.Digest, m.Count = int64(len(texts)), headOf(texts), headOf(texts), int64(len(texts))
	if err := w.writeSealed(texts); err != nil {
		return err
	}
	m.Reader = manifest.Reader{EraCnt: int64(seen.EraCnt), RC: seen.Challenge, SN: envelope.ID(seen.Serial)}
	for _, slot := range seen.Scope {
		m.Scope = append(m.Scope, int64(slot))
	}
	return errors.Join(n.Keep(noteInspect, seen), n.Keep(noteManifest, m))
}

// writeSealed is seal of steps_backup.go: whole or not at all, and durably.
func (w *world) writeSealed(texts []string) error {
	f, err := w.disk.create(sealedName + ".new")
	for i := 0; err == nil && i < len(texts); i++ {
		err = w.disk.write(f, i, texts[i])
	}
	if err == nil {
		err = w.disk.sync(sealedName+".new", f)
	}
	if err == nil {
		err = w.disk.rename(sealedName+".new", sealedName)
	}
	if err == nil {
		err = w.disk.syncDir("spool/")
	}
	return err
}

func (w *world) discard(context.Context, *journal.Note) error {
	for _, name := range []string{sealedName, sealedName + ".new"} {
		if w.disk.find(name) != nil {
			if err := w.disk.unlink(name); err != nil {
				return err
			}
		}
	}
	return w.disk.syncDir("spool/")
}

// deliver is tryDeliver: what allows the line, then the reader's ticket.
func (w *world) deliver(_ context.Context, n *journal.Note, c *caseFile) error {
	auth, ok := w.allowed(c)
	f := w.disk.find(sealedName)
	if !ok && f == nil {
		return &journal.Again{Steps: []string{"seal-backup"}, Why: "the sealed file is gone"}
	}
	if !ok {
		if err := w.send(c, f); err != nil {
			return err
		}
		if auth, ok = w.allowed(c); !ok {
			return errLost
		}
	}
	order := w.order(c, auth)
	if len(order.Scope) == 0 {
		return nil
	}
	var have ticket.File
	if found, err := w.a.journal.Get(noteTicket, &have); err != nil || (found && have.Compare(order) == nil && w.ticketIs(order)) {
		return err
	}
	_, digest, _ := w.manifest()
	got, err := w.desk.ticket(digest, order)
	if err != nil {
		return err
	}
	if err := got.Compare(order); err != nil {
		return err
	}
	return w.a.journal.Save(noteTicket, got)
}

// ticketIs is what the ticket's signature says: the signer made one for this.
func (w *world) ticketIs(o ticket.Order) bool {
	text, err := o.Message()
	return err == nil && string(w.desk.tickets[string(o.RC)+string(rune(o.EraCnt))]) == string(text)
}

// allowed is authority: the grounds from the journal, weighed by the code.
func (w *world) allowed(c *caseFile) (authority, bool) {
	if w.bug == bugWipeFirst {
		return authority{Digest: c.digest(), Kind: "command"}, true
	}
	var have grounds
	if r, ok := w.receipts.of(w, w.disk.pages.now(), "notes", noteReceipt); ok && r.Compare(w.wantBackup(c)) == nil {
		have.receipt = &authority{Digest: w.digestOf(r), Index: r.Index, Kind: "receipt"}
	}
	var on envelope.Digest
	_, digest, _ := w.manifest()
	ok, err := w.a.journal.Get(noteCarried, &on)
	if err != nil {
		panic(err)
	}
	have.carried = ok && on == digest
	return c.allowedBy(have)
}

func (w *world) digestOf(r receipt.Receipt) envelope.Digest {
	return w.digest(append(strconv.AppendInt([]byte("receipt "), r.Index, 10), r.Subject...))
}

func (w *world) wantBackup(c *caseFile) receipt.Want {
	m, digest, _ := w.manifest()
	return receipt.Want{
		Case: m.Case, Command: c.digest(), Kind: "backup", N: m.N, Subject: digest, Terminal: m.Terminal,
		Totals: &receipt.Totals{Count: m.Count, Head: m.Head}, Verified: receipt.Restored,
	}
}

// send is send of steps_deliver.go: onto the courier medium where that is
// enough, to the desk otherwise.
func (w *world) send(c *caseFile, sealed *inode) error {
	m, digest, _ := w.manifest()
	texts := sealed.texts(false)
	if _, enough := c.sealedIsEnough(0); enough && headOf(texts) == m.Head {
		w.desk.carried[digest] = slices.Clone(texts)
		w.step("courier")
		return w.a.journal.Save(noteCarried, digest)
	}
	r, err := w.desk.upload(digest, m.N, c.digest(), m.Head, texts)
	if err != nil {
		return err
	}
	return w.takeReceipt(c, r)
}

// takeReceipt is saveReceipt: compared, and only then written down.
func (w *world) takeReceipt(c *caseFile, r receipt.Receipt) error {
	if err := r.Compare(w.wantBackup(c)); err != nil {
		return err
	}
	return w.a.journal.Save(noteReceipt, r)
}

func (w *world) software(_ context.Context, n *journal.Note, c *caseFile) error {
	data, err := w.a.dataTargets(c)
	if err != nil {
		return err
	}
	_, residue := w.look(data)
	if residue == nil {
		residue = []string{}
	}
	return n.Keep(noteResidue, residue)
}

func (w *world) verify(ctx context.Context, n *journal.Note, c *caseFile) error {
	reader, err := w.a.readerAgain(ctx, c, n)
	if err != nil {
		return err
	}
	targets, err := w.a.allTargets(c)
	if err != nil {
		return err
	}
	verdict, _ := w.look(targets)
	if verdict == certificate.Pass && reader != outcomeErased {
		verdict = certificate.Unknown
	}
	return n.Keep(noteVerified, verdict)
}
