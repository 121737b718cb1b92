package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/keys"
	"unbindd/agent/local"
	"unbindd/agent/profile"
	"unbindd/wipe"
)

// liveFor is how long acceptance waits for the reader to say who it is.
const liveFor = 2 * time.Second

// takeCommand verifies a command and writes it down; the same command again is
// known, another one while one runs is refused.
func (a *Agent) takeCommand(text []byte, e *envelope.Envelope) local.Object {
	if len(text) > envelope.MaxCommand {
		return a.refuse("command", e, a.unnamed(), envelope.Refuse("E01", "bytes", "cannot read the command: it has %d bytes, %d are allowed", len(text), envelope.MaxCommand))
	}
	id := a.identity()
	if id == nil {
		o, _ := a.turnDown("command", e.Digest(), "", errNotBound)
		return o
	}
	run, begun, err := a.current()
	if err != nil {
		o, _ := a.turnDown("command", e.Digest(), "", envelope.Refuse("E18", "", "cannot read the journal: %w", err))
		return o
	}
	caseID, _, peeked := command.Peek(e, id.trust)
	if !peeked {
		caseID = a.unnamed()
	}
	if begun && run.Name == string(e.Digest()) {
		return a.knownCommand(e, run, caseID)
	}
	if begun && run.Outcome == journal.Running {
		return a.refuse("command", e, caseID, envelope.Refuse("E19", "", "cannot obey the command: another one is running"))
	}
	v, err := a.verify(id, e)
	if err != nil {
		a.wrongChallenge(err)
		return a.refuse("command", e, caseID, err)
	}
	if err := a.ledgerAllows(v.Command()); err != nil {
		return a.refuse("command", e, caseID, err)
	}
	return a.begin(id, v)
}

// knownCommand answers a command that was accepted before: while it runs that
// is a resumption, afterwards a replay.
func (a *Agent) knownCommand(e *envelope.Envelope, run journal.Run, caseID envelope.ID) local.Object {
	if run.Outcome == journal.Running || run.Outcome == journal.Done {
		return local.Object{Kind: "command", Digest: run.Name, Outcome: "known", Case: string(caseID)}
	}
	return a.refuse("command", e, caseID, envelope.Refuse("E11", "id", "cannot obey the command: it was %s before", run.Outcome))
}

func (a *Agent) verify(id *identity, e *envelope.Envelope) (*command.Verified, error) {
	at, err := a.standing(id)
	if err != nil {
		return nil, envelope.Refuse("E18", "", "cannot verify the command: %w", err)
	}
	return command.Verify(e, at)
}

// standing is what a command is held against, as it is now.
func (a *Agent) standing(id *identity) (command.Terminal, error) {
	seq, err1 := a.journal.LastSeq()
	used, err2 := a.journal.ConsumedIDs()
	challenge, err3 := a.outstanding()
	if err := errors.Join(err1, err2, err3); err != nil {
		return command.Terminal{}, err
	}
	now, quality := a.clock.read()
	return command.Terminal{
		Trust: id.trust, ID: id.binding.Terminal, Device: id.binding.Device.ID(), Epoch: id.binding.Epoch,
		Binding: id.digest, Reader: string(id.binding.Reader.SN), Live: a.liveReader(),
		LastSeq: seq, Consumed: func(c envelope.ID) bool { return slices.Contains(used, string(c)) },
		Challenge: envelope.ID(challenge), Now: now, Clock: quality == clockTrusted, Floor: a.clock.low(),
		Policy: func(c *command.Command) (string, string) { return a.policy(id, c) },
	}, nil
}

// outstanding is the challenge that still lives, or "".
func (a *Agent) outstanding() (string, error) {
	c, ok, err := a.journal.Challenge()
	if err != nil || !ok || c.Failures >= command.MaxFailures {
		return "", err
	}
	lives, err := alive(c)
	if err != nil || !lives {
		return "", err
	}
	return c.Value, nil
}

// liveReader reads the reader's serial number now; "" when it is silent.
func (a *Agent) liveReader() string {
	ctx, stop := context.WithTimeout(context.Background(), liveFor)
	defer stop()
	who, err := a.who(ctx)
	if err != nil {
		return ""
	}
	return who.Serial
}

// policy is check 17: what this terminal cannot or will not do. An open batch
// is not asked here but by the step settle.
func (a *Agent) policy(id *identity, c *command.Command) (detail, why string) {
	p, err := id.profile(c.Profile.ID, c.Profile.Digest)
	if err != nil {
		return "profile", "the profile is not one that this terminal has"
	}
	if detail, why := p.Admits(c.Action, c.Reason, c.Scope); detail != "" {
		return detail, why
	}
	switch {
	case c.Action == command.Replace || c.Action == command.Quarantine:
		return "action", "this version does not carry out " + string(c.Action)
	case len(id.recipients(c.Backup.Set)) == 0 && c.Backup.Gate != command.GateNone:
		return "set", "the recipient set is not in the trust bundle"
	case (c.Backup.Gate == command.GateSealed || c.Backup.SealedAfter > 0) && a.Courier.Path == "":
		return "gate", "no courier medium is set up for a sealed backup"
	}
	if best := wipe.Dry(a.Sys, wipe.Target{Name: "state", Kind: "dir", Path: a.at.ledger(), Root: a.at.root, Requested: wipe.LevelClear, Depth: a.depth()}).Best; best.Rank() < requested(c.Level).Rank() {
		return "level", "this medium can be erased to the level " + string(best) + " at most"
	}
	if len(p.Inventory) > maxPlaces {
		return "inventory", "the inventory is too long for one certificate"
	}
	return a.placesPolicy(p, c)
}

// maxPlaces bounds the inventory, so that the certificate with the evidence of
// each place fits an envelope.
const maxPlaces = 256

// placesPolicy looks at everything of the host that the command would erase: what
// is this terminal's own, and every place of the inventory in its scope.
func (a *Agent) placesPolicy(p profile.Profile, c *command.Command) (detail, why string) {
	own, err := a.ownData()
	if err != nil {
		return "inventory", "nobody can tell what lies in the state directory"
	}
	for _, t := range slices.Concat(own, a.keyTargets(keys.Data, "data-key"), a.whoTargets()) {
		if detail, why := a.placePolicy(t.Target, t.Name, c); detail != "" {
			return detail, why
		}
	}
	if t, _, ok := a.passwordTarget(); ok {
		if detail, why := a.placePolicy(t, t.Name, c); detail != "" {
			return detail, why
		}
	}
	for i, place := range p.Inventory {
		if !slices.Contains(c.Scope, place.Class) {
			continue
		}
		if a.holdsPassword(place.Path) {
			return "inventory", fmt.Sprintf("place %d of the inventory of profile %s cannot be erased: %s", i+1, p.ID, errNeeded)
		}
		root, ok := a.rootOf(place.Path)
		if !ok {
			return "inventory", fmt.Sprintf("place %d of the inventory of profile %s is outside erase.roots, the folders that may be erased", i+1, p.ID)
		}
		at := wipe.Target{Name: "place", Kind: "data", Path: place.Path, Root: root, Requested: wipe.LevelClear}
		if detail, why := a.placePolicy(at, fmt.Sprintf("place %d of the inventory of profile %s", i+1, p.ID), c); detail != "" {
			return detail, why
		}
	}
	return "", ""
}

// placePolicy looks at one target. What would stop the erase behind the point of no
// return stops it here, where nothing has been touched.
func (a *Agent) placePolicy(t wipe.Target, called string, c *command.Command) (detail, why string) {
	t.Depth = a.depth()
	at := wipe.Dry(a.Sys, t)
	for _, h := range at.Blockers {
		if h.Stops() {
			return "inventory", fmt.Sprintf("%s cannot be erased: %s", called, h)
		}
	}
	if at.Items > 0 && at.Best.Rank() < requested(c.Level).Rank() {
		return "level", called + " can be erased to the level " + string(at.Best) + " at most"
	}
	return "", ""
}

// requested is the level of a command in the words of package wipe.
func requested(level envelope.ID) wipe.Level {
	if level == command.Purge {
		return wipe.LevelPurgeAsserted
	}
	return wipe.Level(level)
}

// wrongChallenge counts a command that answers another challenge; the tenth
// kills the one outstanding.
func (a *Agent) wrongChallenge(err error) {
	if envelope.CodeOf(err) != "E12" {
		return
	}
	c, ok, jerr := a.journal.Challenge()
	if jerr == nil && ok {
		c.Failures++
		jerr = a.journal.SetChallenge(c)
	}
	if jerr != nil {
		a.Log.Error().Err(jerr).Msg("a failed challenge cannot be counted")
	}
}

// begin is check 18: the command, its id, its number and the challenge in one
// transaction, with the answer. Then the terminal stops trading and obeys.
func (a *Agent) begin(id *identity, v *command.Verified) local.Object {
	c := v.Command()
	a.Moment("accept:starting")
	p, err := a.answer(c.Case, v.Digest(), command.Accepted, command.CodeNone)
	if err == nil {
		now, quality := a.clock.read()
		err = a.journal.Begin(journal.Order{
			Name: string(v.Digest()), ID: string(c.ID), Seq: c.Seq, Parcels: []journal.Parcel{p},
			Notes: map[string]any{noteAccepted: accepted{
				Command: v.Envelope().Encode(), Bundle: id.bundles[len(id.bundles)-1].Encode(),
				Revoked: id.trust.Revoked(), Binding: id.envelope.Encode(), Route: id.route, Clock: quality, At: now,
			}},
		})
	}
	if errors.Is(err, journal.ErrOther) {
		return a.refuse("command", v.Envelope(), c.Case, envelope.Refuse("E19", "", "cannot obey the command: another one is running"))
	}
	if err != nil {
		a.lookAtOrders() // nobody knows whether it was written: what the journal says is obeyed
		o, _ := a.turnDown("command", v.Digest(), c.Case, envelope.Refuse("E18", "", "cannot write the command down, or to know whether it was: %w", err))
		return o
	}
	a.acceptedNow(v.Digest())
	a.Moment("accept:recorded")
	a.Log.Info().Str("case", string(c.Case)).Str("command", string(v.Digest())).Msg("a command was accepted")
	a.hub.tell(local.Event{Kind: "command", Name: string(c.Case), State: "accepted"})
	a.lookAtOrders()
	a.bell.ring()
	return local.Object{Kind: "command", Digest: string(v.Digest()), Outcome: "accepted", Case: string(c.Case)}
}

// lookAtOrders ends the trade for a moment, so that the journal is read and a
// command in it obeyed.
func (a *Agent) lookAtOrders() {
	select {
	case a.orders <- struct{}{}:
	default: // one is enough
	}
}

// takeFollowUp takes a cancel, an amendment or a close of the running case.
func (a *Agent) takeFollowUp(e *envelope.Envelope) local.Object {
	kind := map[string]string{
		envelope.Type("cancel"): "cancel", envelope.Type("amend"): "amend", envelope.Type("close"): "close",
	}[e.PayloadType]
	run, begun, err := a.current()
	if err != nil {
		o, _ := a.turnDown(kind, e.Digest(), "", envelope.Refuse("E18", "", "cannot read the journal: %w", err))
		return o
	}
	if !begun || (run.Outcome != journal.Running && kind != "cancel") {
		return a.refuse(kind, e, a.unnamed(), envelope.Refuse("E28", "case", "cannot take it: no case runs here"))
	}
	var r command.Running
	c, err := a.openCase()
	if err == nil {
		r, err = a.running(c)
	}
	if err != nil {
		o, _ := a.turnDown(kind, e.Digest(), "", err)
		return o
	}
	known, err := a.follow(kind, e, r, run, c)
	if err != nil {
		return a.refuse(kind, e, a.caseOf(c, err), err)
	}
	if !known {
		a.followed(kind, e, c)
	}
	return local.Object{Kind: kind, Digest: string(e.Digest()), Outcome: "accepted", Case: string(c.command.Case)}
}

// caseOf is the case that a refusal belongs to: of an order on which no signature counts
// nothing is believed, and it takes no number of the case's own.
func (a *Agent) caseOf(c *caseFile, why error) envelope.ID {
	switch code, _, _ := strings.Cut(envelope.CodeOf(why), ":"); code {
	case "E03", "E04", "E05":
		return a.unnamed()
	}
	return c.command.Case
}

func (a *Agent) follow(kind string, e *envelope.Envelope, r command.Running, run journal.Run, c *caseFile) (known bool, err error) {
	switch kind {
	case "cancel":
		return a.takeCancel(e, r, run)
	case "amend":
		for _, have := range c.amends {
			if have.Digest == e.Digest() {
				return true, nil
			}
		}
		if _, err = command.VerifyAmend(e, r); err != nil {
			return false, err
		}
		return false, a.addAmend(e)
	}
	if _, err = command.VerifyClose(e, r); err != nil {
		return false, err
	}
	return false, a.journal.Save(noteClose, json.RawMessage(e.Encode()))
}

// takeCancel writes the cancel down, where the crossing of the point of no
// return will find it, or refuses because it came too late.
func (a *Agent) takeCancel(e *envelope.Envelope, r command.Running, run journal.Run) (known bool, err error) {
	if _, err := command.VerifyCancel(e, r); err != nil {
		return false, err
	}
	switch run.Outcome {
	case journal.Cancelled:
		return true, nil
	case journal.Undone:
		return false, envelope.Refuse("E28", "case", "cannot cancel: the case has ended, and nothing was erased")
	}
	ok, err := a.journal.Cancel()
	if err != nil {
		return false, envelope.Refuse("E18", "", "cannot write the cancel down: %w", err)
	}
	if !ok {
		return false, envelope.Refuse("E23", "", "cannot cancel: the point of no return has been crossed")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case <-a.cancel:
	default:
		close(a.cancel)
	}
	return false, nil
}

func (a *Agent) addAmend(e *envelope.Envelope) error {
	var raw []json.RawMessage
	if _, err := a.journal.Get(noteAmends, &raw); err != nil {
		return err
	}
	return a.journal.Save(noteAmends, append(raw, e.Encode()))
}

// followed answers a follow-up that was taken, and wakes whoever waits for it.
func (a *Agent) followed(kind string, e *envelope.Envelope, c *caseFile) {
	p, err := a.answer(c.command.Case, e.Digest(), command.Accepted, command.CodeNone)
	if err == nil {
		err = a.journal.Post(p)
	}
	if err != nil {
		a.Log.Error().Err(err).Msg("a follow-up cannot be answered")
	}
	a.Log.Info().Str("kind", kind).Str("case", string(c.command.Case)).Msg("taken")
	a.hub.tell(local.Event{Kind: "command", Name: kind, State: "accepted"})
	a.bell.ring()
}
