package agent

import (
	"encoding/json"
	"errors"
	"slices"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/local"
	"unbindd/agent/profile"
	"unbindd/agent/trust"
)

// motion is what moves this terminal's belief: bundles in order, and the profiles
// that the last of them names.
type motion struct {
	steps    []*envelope.Envelope
	profiles []*envelope.Envelope
	linked   bool // this terminal asked for them itself, of a desk it has pinned
}

func (b bundle) motion() (m motion, err error) {
	for i, text := range b.Trust {
		e, err := envelope.Parse(text, envelope.MaxSize)
		if err != nil {
			return m, &trust.StepError{At: i + 1, Digest: envelope.DigestOf(text), Err: err}
		}
		m.steps = append(m.steps, e)
	}
	m.profiles, err = parseAll(b.Profiles)
	return m, err
}

// ahead is what would be believed after every step, and which of them are new. One
// file brings at most 64; a terminal that slept for years and asks for more itself
// gets them all, for whether a command waits among them, and who has been revoked
// since, only the last one tells.
func (m motion) ahead(t *trust.Trust) (now *trust.Trust, taken []*envelope.Envelope, err error) {
	if !m.linked {
		return t.CatchUp(m.steps)
	}
	now = t
	before := 0
	for turn := range slices.Chunk(m.steps, trust.MaxSteps) {
		var more []*envelope.Envelope
		if now, more, err = now.CatchUp(turn); err != nil {
			var s *trust.StepError
			if errors.As(err, &s) {
				s.At += before
			}
			return nil, nil, err
		}
		before += len(turn)
		taken = append(taken, more...)
	}
	return now, taken, nil
}

// takeBundle takes trust first. A step that does not hold refuses the orders that
// came with it, too: they were made for a trust that is not believed here.
func (a *Agent) takeBundle(text []byte, linked bool) []local.Object {
	var b bundle
	if err := json.Unmarshal(text, &b); err != nil {
		o, _ := a.turnDown("bundle", "", "", envelope.Refuse("E02", "shape", "cannot read the bundle: it is not of the shape {orders, profiles, trust}"))
		return []local.Object{o}
	}
	m, err := b.motion()
	m.linked = linked
	var rest motion
	changed := false
	if err == nil {
		rest, changed, err = a.moveFor(m, b.Orders)
	}
	var out []local.Object
	for _, order := range b.Orders {
		if err != nil {
			out = append(out, a.refuseOrder(order, err))
			continue
		}
		out = append(out, a.takeEnvelope(order))
	}
	if err == nil {
		var more bool
		more, err = a.move(rest, nil)
		changed = changed || more
	}
	if changed || err != nil || len(b.Orders) == 0 {
		out = append([]local.Object{a.trustObject(changed, err)}, out...)
	}
	return out
}

// moveFor takes over what the orders allow to be taken before them. Bundles that
// were published while a command waited are taken after it: it was made for an
// earlier version, and is judged by that one and by every revocation of the later
// ones, as if it had come in time. What is left to take afterwards is handed back.
func (a *Agent) moveFor(m motion, orders []json.RawMessage) (rest motion, changed bool, err error) {
	id := a.identity()
	if id == nil {
		return m, false, errNotBound
	}
	whole, taken, err := m.ahead(id.trust)
	if err != nil {
		return m, false, err
	}
	upTo, waits := a.waitsFor(orders, id.trust.Version, whole.Version)
	if !waits {
		changed, err = a.move(m, nil)
		return motion{}, changed, err
	}
	early := motion{steps: taken[:upTo-id.trust.Version], profiles: m.profiles, linked: m.linked}
	changed, err = a.move(early, whole.Revoked())
	return m, changed, err
}

// waitsFor finds the version that a command among the orders was made for, where
// this terminal is not past it and the steps lead beyond. A command that was accepted
// before waits for nothing.
func (a *Agent) waitsFor(orders []json.RawMessage, now, last int64) (version int64, waits bool) {
	run, begun, err := a.current()
	if err != nil {
		return 0, false
	}
	for _, text := range orders {
		e, err := envelope.Parse(text, envelope.MaxCommand)
		if err != nil || e.PayloadType != envelope.Type(command.Kind) {
			continue
		}
		var said command.Command // only to choose among versions that are all believed
		if envelope.Decode(e.Payload, &said) != nil || said.Root < now || said.Root >= last {
			continue
		}
		if begun && (run.Name == string(e.Digest()) || run.Outcome == journal.Running) {
			continue
		}
		return said.Root, true
	}
	return 0, false
}

// move takes steps and profiles over; nothing changes unless every one holds.
// Profiles are written first: one that no bundle names is not used, but a bundle
// without its profiles would be a case that cannot go on. The write of the bundles is
// the commit, and it is of all of them. The keys revoked by later bundles, which the
// caller has verified, count at once.
func (a *Agent) move(m motion, revoked []envelope.KeyID) (changed bool, err error) {
	defer func() {
		if changed {
			a.closeLink() // what it believes of the desk is of the bundle before
		}
	}()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.id == nil {
		return false, errNotBound
	}
	id := *a.id
	next, taken, err := m.ahead(id.trust)
	if err != nil {
		return false, err
	}
	id.trust = next.WithRevoked(revoked)
	id.bundles = append(slices.Clone(id.bundles), taken...)
	brought := id.bring(m.profiles)
	if brought {
		a.Moment("trust:profiles")
		err = writeFile(a.at.profiles(), encodeAll(id.stored))
	}
	if err == nil && len(taken) > 0 {
		a.Moment("trust:bundles")
		err = writeFile(a.at.bundles(), encodeAll(id.bundles))
	}
	if err != nil {
		return false, envelope.Refuse("E18", "trust", "cannot write the trust bundle down: %w", err)
	}
	a.Moment("trust:taken")
	id.sort()
	a.id = &id
	return len(taken) > 0, nil
}

// bring adds the profiles that the trust in force names and this terminal has not.
// Others are passed over: a desk may know more of them than are named. One that other
// people have signed anew has the digest of the one before and is brought beside it,
// when that one's signatures no longer count; a case may still stand on the one before.
func (id *identity) bring(profiles []*envelope.Envelope) (brought bool) {
	for _, e := range profiles {
		p, err := profile.Open(e, id.trust)
		if err != nil {
			continue
		}
		if _, err := openAny(id.stored, p.ID, e.Digest(), id.trust); err == nil {
			continue
		}
		id.stored = append(slices.Clone(id.stored), e)
		brought = true
	}
	return brought
}

// sort finds the profiles of the trust in force among those that are stored.
func (id *identity) sort() {
	named := map[envelope.ID]*envelope.Envelope{} // never the map that others read
	for _, e := range id.stored {
		if p, err := profile.Open(e, id.trust); err == nil {
			named[p.ID] = e
		}
	}
	id.profiles = named
}

// takeStep takes one bundle that came by itself.
func (a *Agent) takeStep(e *envelope.Envelope) local.Object {
	changed, err := a.move(motion{steps: []*envelope.Envelope{e}}, nil)
	return a.trustObject(changed, err)
}

// trustObject tells what became of trust steps.
func (a *Agent) trustObject(changed bool, err error) local.Object {
	id := a.identity()
	if err == nil && id == nil {
		err = errNotBound
	}
	switch {
	case err != nil:
		return a.refuseTrust(err)
	case changed:
		a.show.setUntrusted(nil)
		return local.Object{Kind: "trust", Digest: string(id.trust.Digest()), Outcome: "accepted"}
	}
	return local.Object{Kind: "trust", Digest: string(id.trust.Digest()), Outcome: "known"}
}

// firstTag is what this terminal asks the desk with when it begins: what it believes
// it need not be sent. Where the bundle in force came without a profile that it
// names, everything is asked for.
func (id *identity) firstTag() string {
	if id == nil {
		return ""
	}
	for name := range id.trust.Profiles {
		if id.profiles[name] == nil {
			return ""
		}
	}
	return trust.Tag(id.trust)
}

// openAny opens a profile by what the envelopes of its digest have under them: who
// signed it first may not count any more, and others have signed the same since.
func openAny(all []*envelope.Envelope, name envelope.ID, digest envelope.Digest, t *trust.Trust) (p profile.Profile, err error) {
	err = errors.New("this terminal does not have it")
	for _, e := range all {
		if e.Digest() != digest {
			continue
		}
		if p, err = profile.Open(e, t); err == nil {
			return p, nil
		}
	}
	return profile.Profile{}, envelope.Refuse("E17", "profile", "cannot use profile %s: %w", name, err)
}

// profile is the one that the case's command names, under the bundle of its
// acceptance: a bundle that names another one since changes nothing for this case, and
// neither does one without the people who signed it. Before the line a person who was
// revoked has not signed, as with the command; the same profile, signed by others
// whom that bundle knows, counts as well.
func (c *caseFile) profile(id *identity) (profile.Profile, error) {
	return openAny(id.stored, c.command.Profile.ID, c.command.Profile.Digest, c.trust)
}

// recipients are those that the case's backup is sealed for: of the set that the
// command names, as the bundle in force has it, because a recipient that was replaced
// must get nothing new; where that set is gone, as it was at the acceptance.
func (c *caseFile) recipients(id *identity) []string {
	if now := id.recipients(c.command.Backup.Set); len(now) > 0 {
		return now
	}
	return recipientsOf(c.trust, c.command.Backup.Set)
}

func recipientsOf(t *trust.Trust, set envelope.ID) (out []string) {
	for _, r := range t.Recipients[set] {
		out = append(out, string(r.Age))
	}
	return out
}
