package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/ledger"
	"unbindd/agent/profile"
	"unbindd/device"
)

// checkPapers demands what the profile demands; nothing is touched yet.
func (a *Agent) checkPapers(_ context.Context, n *journal.Note) error {
	c, err := a.openCase()
	if err != nil {
		return giveUpOn(err)
	}
	p, err := c.profile(a.identity())
	if err != nil {
		return giveUpOn(err)
	}
	if len(p.Papers) == 0 {
		n.Say("profile %s demands no papers", p.ID)
		return nil
	}
	if c.command.Papers == "" {
		return giveUp("E22", "papers", "cannot go on: profile %s demands papers and the command names none", p.ID)
	}
	papers, ok, err := a.papers(c, n)
	if err != nil {
		return giveUpOn(err)
	}
	if !ok {
		a.waiting("check-papers", "the papers that the command names", nil)
		return envelope.Refuse("E22", "papers", "cannot go on: the papers that the command names have not arrived")
	}
	return a.everyPaper(p, papers, n)
}

// papers reads the signed list that the command names by digest.
func (a *Agent) papers(c *caseFile, n *journal.Note) (command.Papers, bool, error) {
	var papers command.Papers
	e, ok, err := noteEnvelope(n.Get, notePapers)
	if err != nil || !ok {
		return papers, false, err
	}
	if e.Digest() != c.command.Papers {
		return papers, false, nil
	}
	if _, err := c.trust.Verify(e, "papers"); err != nil {
		return papers, false, err
	}
	return papers, true, envelope.Decode(e.Payload, &papers)
}

func (a *Agent) everyPaper(p profile.Profile, papers command.Papers, n *journal.Note) error {
	for _, want := range p.Papers {
		if !slices.ContainsFunc(papers.Papers, func(have command.Paper) bool { return have.Type == want }) {
			return giveUp("E22", "papers", "cannot go on: the paper %s that profile %s demands was not seen", want, p.ID)
		}
	}
	n.Say("%d papers seen", len(papers.Papers))
	return nil
}

// inspect records what is there: reader, slots, tamper, power, space; and asks
// the reader for its challenge. A silent reader is waited for, until it comes
// back, an amendment allows its absence, or a cancel arrives.
func (a *Agent) inspect(ctx context.Context, n *journal.Note) error {
	c, err := a.openCase()
	if err != nil {
		return giveUpOn(err)
	}
	p, err := c.profile(a.identity())
	if err != nil {
		return giveUpOn(err)
	}
	if detail, why := a.placesPolicy(p, &c.command); detail != "" {
		return giveUp("E17", detail, "cannot go on: %s", why)
	}
	seen := inspection{}
	if seen.Power, err = readPower(a.Config.Power.Path); err != nil {
		return err
	}
	if seen.Free, err = freeSpace(a.at.root); err != nil {
		return err
	}
	if a.line() == nil {
		a.waiting("inspect", "the card reader", device.ErrUnpaired)
		return device.ErrUnpaired
	}
	if _, ok := c.allows(command.AllowReaderAbsent); ok && a.silent(ctx) {
		seen.Absent, seen.Serial = true, string(a.identity().binding.Reader.SN)
		n.Say("no reader, as an amendment allows; %s", seen.Power)
		return n.Keep(noteInspect, seen)
	}
	if err := a.inspectReader(ctx, c, &seen); err != nil {
		var foreign device.ErrForeign
		if errors.As(err, &foreign) {
			return giveUp("E21", "", "cannot go on: another reader is connected")
		}
		a.waiting("inspect", "the card reader", err)
		return err
	}
	n.Say("reader %s, %d of %d slots to erase, %s", seen.Serial, len(seen.Scope), len(seen.Slots), seen.Power)
	return n.Keep(noteInspect, seen)
}

// silent says whether the reader does not answer now.
func (a *Agent) silent(ctx context.Context) bool {
	_, err := a.who(ctx)
	return err != nil
}

// uninspect takes the reader's challenge back. A reader that cannot be reached
// keeps one that no ticket will ever answer; that holds nothing up.
func (a *Agent) uninspect(ctx context.Context, _ *journal.Note) error {
	if !a.identity().binding.Reader.Signs() {
		return nil // the challenge was the terminal's own
	}
	return a.courtesy(ctx, "the reader's challenge cannot be taken back", a.line().CancelErase)
}

// freeze stops new transactions, in the reader too, so that it survives a
// restart of either.
func (a *Agent) freeze(ctx context.Context, n *journal.Note) error {
	absent, err := a.readerAbsent(n)
	if err != nil || absent {
		n.Say("no reader")
		return err
	}
	if err = a.line().Freeze(ctx); errors.Is(err, device.ErrUnsupported) && !a.identity().binding.Reader.Signs() {
		n.Say("the reader cannot be frozen")
		return nil
	}
	return err
}

// thaw lets the reader trade again. One that cannot be reached now is thawed
// when trading begins.
func (a *Agent) thaw(ctx context.Context, _ *journal.Note) error {
	return a.courtesy(ctx, "the reader cannot be thawed yet", a.line().Thaw)
}

// courtesy is what is done for a reader that goes on living; it is tried once
// and does not hold an undo up.
func (a *Agent) courtesy(ctx context.Context, failed string, do func(context.Context) error) error {
	ctx, stop := context.WithTimeout(ctx, courtesyTime)
	defer stop()
	if err := do(ctx); err != nil {
		a.Log.Warn().Err(err).Msg(failed)
	}
	return nil
}

// readerAbsent says whether an amendment allowed to go on without a reader.
func (a *Agent) readerAbsent(n *journal.Note) (bool, error) {
	var seen inspection
	ok, err := n.Get(noteInspect, &seen)
	if err == nil && !ok {
		err = errors.New("cannot go on: nothing was inspected")
	}
	return seen.Absent, err
}

// settlement is what was open when it was looked at, and what allowed it.
type settlement struct {
	Open      []command.OpenSum `json:"open"`
	Exception envelope.Digest   `json:"exception,omitempty"`
}

// settle refuses an open batch, unless the command or an amendment names
// exactly what may stay open.
func (a *Agent) settle(ctx context.Context, n *journal.Note) error {
	c, err := a.openCase()
	if err != nil {
		return giveUpOn(err)
	}
	l, err := a.openLedger(true)
	if err != nil {
		return a.ledgerGivesUp(err)
	}
	defer a.closeLedger(l)
	if err := a.pull(ctx, l, n, "settle"); err != nil {
		return err
	}
	s := settlement{Open: unsettled(l)}
	if len(s.Open) > 0 {
		var ok bool
		if s.Exception, ok = exception(c, s.Open); !ok {
			return giveUp("E22", "unsettled", "cannot go on: %s not settled, and no exception names exactly that", openWords(s.Open))
		}
	}
	n.Say("%s open", openWords(s.Open))
	return n.Keep(noteSettle, s)
}

func unsettled(l *ledger.Ledger) []command.OpenSum {
	open := []command.OpenSum{}
	for _, o := range l.Unsettled() {
		open = append(open, command.OpenSum{Amount: o.Amount, Count: o.Count, Currency: envelope.ID(o.Currency)})
	}
	return open
}

// exception finds the signed words that allow exactly this to stay open.
func exception(c *caseFile, open []command.OpenSum) (envelope.Digest, bool) {
	if slices.Equal(c.command.Exception, open) {
		return c.digest(), true
	}
	for _, m := range c.amends {
		if slices.Equal(m.Exception, open) {
			return m.Digest, true
		}
	}
	return "", false
}

func openWords(open []command.OpenSum) string {
	count := int64(0)
	for _, o := range open {
		count += o.Count
	}
	return fmt.Sprintf("%d transactions", count)
}

// drain takes over what the reader still holds; settling may have made more.
func (a *Agent) drain(ctx context.Context, n *journal.Note) error {
	l, err := a.openLedger(true)
	if err != nil {
		return a.ledgerGivesUp(err)
	}
	defer a.closeLedger(l)
	if err := a.pull(ctx, l, n, "drain"); err != nil {
		return err
	}
	n.Say("%d transactions in the ledger", l.Tally().Count)
	return nil
}

// pull takes over everything the reader holds now.
func (a *Agent) pull(ctx context.Context, l *ledger.Ledger, n *journal.Note, step string) error {
	absent, err := a.readerAbsent(n)
	if err != nil {
		return err
	}
	if !absent {
		if err := a.pullReader(ctx, l, n); err != nil {
			return err
		}
	}
	return a.lossAllowed(l, n, step)
}

func (a *Agent) pullReader(ctx context.Context, l *ledger.Ledger, n *journal.Note) error {
	backlog, err := a.flow(ctx, l)
	if errors.Is(err, device.ErrUnsupported) && !a.identity().binding.Reader.Signs() {
		n.Say("the reader keeps no events")
		return nil
	}
	if err != nil {
		return a.foreignGivesUp(err)
	}
	for last := uint64(0); last < uint64(backlog.Last); {
		if last, err = a.lastEvent(l); err != nil {
			return err
		}
		if last < uint64(backlog.Last) {
			if _, err := a.takeOver(ctx, l); err != nil {
				return err
			}
		}
	}
	return nil
}

// lossAllowed says whether events that the reader lost, now or while the
// terminal traded, stand in the way. They are gone, so waiting brings nothing
// back but the signed word that allows it, or a cancel.
func (a *Agent) lossAllowed(l *ledger.Ledger, n *journal.Note, step string) error {
	c, err := a.openCase()
	if err != nil {
		return giveUpOn(err)
	}
	lost := int64(l.Tally().Lost)
	if err := c.allowsLoss(lost); err != nil {
		a.waiting(step, "an amendment that allows lost events, or a cancel", err)
		return err
	}
	if lost > 0 {
		n.Say("%d events lost by the reader", lost)
	}
	return nil
}

// allowsLoss wants an amendment that names exactly so many lost events.
func (c *caseFile) allowsLoss(lost int64) error {
	if lost == 0 || slices.ContainsFunc(c.amends, func(m amended) bool { return m.Lost == lost }) {
		return nil
	}
	return envelope.Refuse("E22", "events-lost", "cannot go on: the reader has lost %d events that were never taken over, and no amendment allows exactly that", lost)
}

// foreignGivesUp turns "another reader" into the end of the command.
func (a *Agent) foreignGivesUp(err error) error {
	var foreign device.ErrForeign
	if errors.As(err, &foreign) {
		return giveUp("E21", "", "cannot go on: another reader is connected")
	}
	return err
}

// ledgerGivesUp turns a damaged ledger into the end of the command: what cannot
// be read cannot be backed up.
func (a *Agent) ledgerGivesUp(err error) error {
	if a.noteDamage(err) {
		return giveUp("E26", string(ledger.LossOf(err)), "cannot go on: %w", err)
	}
	return err
}

func (a *Agent) closeLedger(l *ledger.Ledger) {
	a.show.setLedger(l)
	if err := l.Close(); err != nil {
		a.Log.Error().Err(err).Msg("the ledger cannot be closed")
	}
}

// giveUpOn turns a refusal into the end of the command; anything else is tried
// again.
func giveUpOn(err error) error {
	var r *envelope.Refusal
	if errors.As(err, &r) {
		return &journal.GiveUp{Err: err}
	}
	return err
}
