package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/ledger"
	"unbindd/agent/local"
	"unbindd/agent/manifest"
	"unbindd/agent/profile"
	"unbindd/agent/ticket"
	"unbindd/device"
)

// trialSize is all that can still come after the line: the list of what was there,
// what each target was and became, and a certificate beside the one it replaces. A
// test adds up the largest of each.
const trialSize = journalReserve

// opened is the record that destruction began: it is written in the transaction
// that crosses the point of no return, and becomes part of the certificate.
type opened struct {
	Started int64               `json:"started"`
	Clock   string              `json:"clock"`
	Gate    []certificate.Check `json:"gate"`
	Auth    authority           `json:"auth"`
	Order   ticket.Order        `json:"order"`   // what the reader's ticket is for
	Ticket  []byte              `json:"ticket"`  // as the reader wants it; empty where no slot is erased
	Profile profile.Profile     `json:"profile"` // as the command named it
}

// gateCheck is one condition before the point of no return. Its error decides:
// GiveUp undoes, Again reseals, anything else is waited for.
type gateCheck struct {
	name string
	hold func(ctx context.Context, c *caseFile) (detail string, err error)
}

// gate holds every condition, each a line in the log and in the certificate.
// One that does not hold keeps everything reversible.
func (a *Agent) gate(ctx context.Context, n *journal.Note) error {
	c, err := a.openCase()
	if err != nil {
		return giveUpOn(err)
	}
	lines, err := a.askAll(ctx, c, a.gateChecks())
	if err != nil {
		return err
	}
	o := opened{Gate: lines}
	o.Started, o.Clock = a.clock.read()
	if err := a.fix(c, &o); err != nil {
		return err
	}
	return n.Keep(noteOpened, o)
}

// askAll asks every condition in order; the first that does not hold keeps the
// gate closed.
func (a *Agent) askAll(ctx context.Context, c *caseFile, checks []gateCheck) (lines []certificate.Check, err error) {
	for _, check := range checks {
		detail, err := check.hold(ctx, c)
		a.gateLine(check.name, detail, err)
		if err != nil {
			return nil, err
		}
		lines = append(lines, certificate.Check{Check: check.name, Detail: detail, OK: true})
	}
	return lines, nil
}

// fix keeps what the final steps need, as it was when the line was crossed: no
// rotation of trust and no late receipt can strand a half-erased terminal.
func (a *Agent) fix(c *caseFile, o *opened) (err error) {
	if o.Auth, _, err = a.authority(c); err != nil {
		return err
	}
	if o.Profile, err = c.profile(a.identity()); err != nil {
		return giveUpOn(err) // who signed it was revoked: waiting mends nothing
	}
	if o.Order, err = a.ticketOrder(c); err != nil || len(o.Order.Scope) == 0 {
		return err
	}
	var f ticket.File
	if _, err = a.journal.Get(noteTicket, &f); err != nil {
		return err
	}
	o.Ticket, err = f.Check(o.Order, a.believed(c))
	return err
}

func (a *Agent) gateChecks() []gateCheck {
	return []gateCheck{
		{"command", a.holdCommand},
		{"binding", a.holdBinding},
		{"reader", a.holdReader},
		{"events", a.holdEvents},
		{"ledger", a.holdLedger},
		{"receipt", a.holdReceipt},
		{"ticket", a.holdTicket},
		{"power", a.holdPower},
		{"journal", a.holdJournal},
	}
}

// holdCommand: the command is valid, also against every revocation known now.
func (a *Agent) holdCommand(_ context.Context, c *caseFile) (string, error) {
	return fmt.Sprintf("%d approvers, trust version %d", len(c.verified.Approvers()), c.trust.Version), nil
}

// holdBinding: the binding on disk is the one the command names.
func (a *Agent) holdBinding(_ context.Context, c *caseFile) (string, error) {
	id, ok, err := loadIdentity(a.at)
	if err != nil || !ok || id.digest != c.command.Binding {
		return "", giveUp("E20", "", "cannot cross: the binding on disk is not the one the command names")
	}
	return short(id.digest), nil
}

// holdReader: the bound reader answers, and is the one that was inspected.
func (a *Agent) holdReader(ctx context.Context, c *caseFile) (string, error) {
	seen, err := a.inspected()
	if err != nil {
		return "", err
	}
	who, err := a.who(ctx)
	_, mayMiss := c.allows(command.AllowReaderAbsent)
	switch {
	case seen.Absent && err != nil:
		return "absent, as an amendment allows", nil
	case seen.Absent || (err != nil && mayMiss):
		return "", &journal.Again{Steps: fromInspect, Why: "the reader is there, or gone, unlike when it was inspected"}
	}
	var foreign device.ErrForeign
	if errors.As(err, &foreign) || (err == nil && who.Serial != seen.Serial) {
		return "", giveUp("E21", "", "cannot cross: another reader is connected")
	}
	if err != nil {
		return "", envelope.Refuse("E22", "reader", "cannot cross: the reader does not answer: %w", err)
	}
	if who.EraseCounter != seen.EraCnt {
		return "", &journal.Again{Steps: fromInspect, Why: "the reader's erase counter has moved"}
	}
	return fmt.Sprintf("%s, erase counter %d", who.Serial, who.EraseCounter), nil
}

// holdEvents: the reader's last event is the manifest's, and none is held.
func (a *Agent) holdEvents(ctx context.Context, c *caseFile) (string, error) {
	m, _, err := a.manifestNow()
	if err != nil {
		return "", err
	}
	return a.eventsOf(ctx, c, m)
}

func (a *Agent) eventsOf(ctx context.Context, c *caseFile, m manifest.Manifest) (string, error) {
	seen, err := a.inspected()
	if err != nil {
		return "", err
	}
	if err := c.allowsLoss(m.Lost); err != nil {
		return "", err
	}
	said := "no reader"
	if !seen.Absent {
		if said, err = a.heldBack(ctx, m); err != nil {
			return "", err
		}
	}
	if m.Lost > 0 {
		said += fmt.Sprintf("; %d were lost by the reader, as an amendment allows", m.Lost)
	}
	return said, nil
}

// heldBack says that the reader holds nothing which the manifest does not have.
func (a *Agent) heldBack(ctx context.Context, m manifest.Manifest) (string, error) {
	backlog, err := a.line().Follow(ctx, uint32(m.EvSeq))
	if errors.Is(err, device.ErrUnsupported) && !a.identity().binding.Reader.Signs() {
		return "the reader keeps no events", nil
	}
	if err != nil {
		return "", envelope.Refuse("E22", "events", "cannot cross: the reader does not tell its events: %w", err)
	}
	if int64(backlog.Last) != m.EvSeq {
		return "", again("the reader holds events that the backup does not have")
	}
	// A cut may have undone the last acknowledgement; the ledger has these events, the reader need not keep them.
	if m.EvSeq == 0 {
		return "no event, none held", nil
	}
	if err := a.line().Acknowledge(ctx, uint32(m.EvSeq)); err != nil {
		return "", envelope.Refuse("E22", "events", "cannot cross: the reader does not let go of what was taken over: %w", err)
	}
	return fmt.Sprintf("last event %d, none held", m.EvSeq), nil
}

// holdLedger: the ledger ends where the manifest says, and the whole of it is as
// it was written; one that is not is crossed with the gate "none" alone.
func (a *Agent) holdLedger(ctx context.Context, c *caseFile) (string, error) {
	l, err := a.openLedger(true)
	if err != nil {
		return "", a.ledgerGivesUp(err)
	}
	said, err := a.ledgerEnds(l)
	var damage error
	if err == nil {
		damage = a.wholeLedger(ctx, l)
	}
	a.closeLedger(l)
	if err != nil || damage == nil {
		return said, err
	}
	return a.overDamage(ctx, c, said, damage)
}

func (a *Agent) ledgerEnds(l *ledger.Ledger) (string, error) {
	m, _, err := a.manifestNow()
	if err != nil {
		return "", err
	}
	if err := sameHead(envelope.FromRaw(l.Head().Chain), m); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d transactions, head %s", l.Tally().Count, short(m.Head)), nil
}

// overDamage is a ledger with records that cannot be read. Where they were to be
// saved the command ends. Where three people signed that nothing is saved, the
// terminal can still be taken out of service, and the certificate says how many
// records nobody could have saved.
func (a *Agent) overDamage(ctx context.Context, c *caseFile, said string, damage error) (string, error) {
	if !a.noteDamage(damage) {
		return "", damage
	}
	if c.command.Backup.Gate != command.GateNone {
		return "", a.ledgerGivesUp(damage)
	}
	counts, err := a.damageCounts(ctx)
	return said + "; damaged: " + counts, err
}

func sameHead(head envelope.Digest, m manifest.Manifest) error {
	if head != m.Head {
		return again("the ledger has grown since it was sealed")
	}
	return nil
}

// holdReceipt: the receipt for this manifest, or what is allowed instead.
func (a *Agent) holdReceipt(_ context.Context, c *caseFile) (string, error) {
	auth, ok, err := a.authority(c)
	if err != nil {
		return "", err
	}
	return receipted(auth, ok)
}

func receipted(auth authority, ok bool) (string, error) {
	if !ok {
		return "", again("there is no receipt for the manifest in force")
	}
	return fmt.Sprintf("%s %s", auth.Kind, short(auth.Digest)), nil
}

// holdTicket: the reader's ticket fits manifest, command and receipt.
func (a *Agent) holdTicket(_ context.Context, c *caseFile) (string, error) {
	order, err := a.ticketOrder(c)
	if err != nil {
		return "", err
	}
	if len(order.Scope) == 0 {
		return "no slot to erase", nil
	}
	var f ticket.File
	if _, err := a.journal.Get(noteTicket, &f); err != nil {
		return "", err
	}
	if _, err := f.Check(order, a.believed(c)); err != nil {
		return "", again(err.Error())
	}
	return fmt.Sprintf("%d slots, erase counter %d", len(order.Scope), order.EraCnt), nil
}

// holdPower: mains, or enough charge.
func (a *Agent) holdPower(context.Context, *caseFile) (string, error) {
	s, err := readPower(a.Config.Power.Path)
	if err != nil {
		return "", err
	}
	if !s.enough(a.Config.Power.MinPercent) {
		return "", envelope.Refuse("E22", "power", "cannot cross: %s, %d percent are needed", s, a.Config.Power.MinPercent)
	}
	return s.String(), nil
}

// holdJournal: a record as large as any that can still come is written and
// synced in the reserve. A full disk stops here, not later.
func (a *Agent) holdJournal(context.Context, *caseFile) (string, error) {
	if err := a.journal.Trial(trialSize); err != nil {
		return "", giveUp("E27", "journal", "cannot cross: %w", err)
	}
	free, err := freeSpace(a.at.root)
	if err != nil {
		return "", err
	}
	if free < tombstoneRoom {
		return "", giveUp("E27", "tombstone", "cannot cross: %d bytes are free, %d are needed for the tombstone", free, tombstoneRoom)
	}
	return fmt.Sprintf("%d bytes written and synced in the reserve", trialSize), nil
}

// tombstoneRoom is what the last file needs at most, in bytes.
const tombstoneRoom = 64 << 10

// fromInspect are the steps that depend on the reader as it was inspected.
var fromInspect = []string{"inspect", "freeze", "settle", "drain", "seal-backup", "deliver-backup"}

// again goes back to where the ledger may have grown; what is unsettled is
// looked at again too.
func again(why string) error {
	return &journal.Again{Steps: []string{"settle", "drain", "seal-backup", "deliver-backup"}, Why: why}
}

// inspected is what was found before anything was touched.
func (a *Agent) inspected() (inspection, error) {
	var seen inspection
	_, err := a.journal.Get(noteInspect, &seen)
	return seen, err
}

// gateLine logs and shows one condition.
func (a *Agent) gateLine(name, detail string, err error) {
	a.Log.Info().Str("check", name).Bool("ok", err == nil).Str("detail", detail).AnErr("why", err).Msg("gate")
	a.hub.tell(gateEvent(name, detail, err))
	if err != nil {
		a.waiting(journal.CrossName, name, err)
	}
}

// raw is an envelope as it is kept in a note.
func raw(e *envelope.Envelope) json.RawMessage { return e.Encode() }

func gateEvent(name, detail string, err error) local.Event {
	e := local.Event{Kind: "gate", Name: name, State: "ok", Detail: detail}
	if err != nil {
		e.State, e.Detail, e.Code = "waiting", err.Error(), envelope.CodeOf(err)
	}
	return e
}
