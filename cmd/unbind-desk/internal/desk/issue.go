package desk

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"unbindd/agent/command"
	"unbindd/agent/enrol"
	"unbindd/agent/envelope"
	"unbindd/agent/profile"
	"unbindd/cmd/unbind-desk/internal/grounds"
	"unbindd/cmd/unbind-desk/internal/store"
)

// Wish is what an operator asks an unbind command for. An empty Scope means all
// that the profile covers; Valid is in seconds.
type Wish struct {
	Terminal    string            `json:"terminal"`
	Action      envelope.ID       `json:"action"`
	Profile     envelope.ID       `json:"profile"`
	Reason      envelope.ID       `json:"reason"`
	Challenge   envelope.ID       `json:"challenge,omitempty"`
	Gate        envelope.ID       `json:"gate"`
	SealedAfter int64             `json:"sealed_after,omitempty"`
	Exception   []command.OpenSum `json:"exception,omitempty"`
	Scope       []envelope.ID     `json:"scope,omitempty"`
	Level       envelope.ID       `json:"level"`
	Set         envelope.ID       `json:"set"`
	Valid       int64             `json:"valid"`
	Papers      []command.Paper   `json:"papers,omitempty"`
}

// Actions are what terminals of this version carry out.
var Actions = []envelope.ID{command.Rebind, command.Retire}

// CarriedOut refuses an action that every terminal would refuse.
func CarriedOut(action envelope.ID) error {
	if slices.Contains(Actions, action) {
		return nil
	}
	return refuse(ErrUnfit, "E17", "action", "cannot issue the command: terminals of this version do not carry out %s", action)
}

// Draft is an unsigned order, and the unsigned papers it refers to, if any.
type Draft struct {
	Case   envelope.ID `json:"case"`
	Order  []byte      `json:"order"`
	Papers []byte      `json:"papers,omitempty"`
	// Version is the case's, as it was seen when the order was drafted.
	Version int64 `json:"version"`
	// Validated are the people who have validated the case, and so may not sign.
	Validated []envelope.ID `json:"validated,omitempty"`
}

// Issue opens a case with an unsigned command. The number comes from the
// database, so no two commands of one enrolment have the same.
func (d *Desk) Issue(w Wish) (Draft, error) {
	drawn, err := d.random(nonceSize)
	if err != nil {
		return Draft{}, err
	}
	var draft Draft
	err = d.grow("issue", func(tx *store.Tx) error {
		c, err := d.wish(tx, w)
		if err != nil {
			return judged(err)
		}
		c.ID = envelope.ID(hex.EncodeToString(drawn))
		draft, err = d.draft(tx, c, w.Papers)
		return err
	})
	return draft, err
}

// wish fills a command with what the desk knows and checks it as far as it can
// be checked before anybody has signed.
func (d *Desk) wish(tx *store.Tx, w Wish) (command.Command, error) {
	now := d.now()
	c := command.Command{
		Action: w.Action, Backup: command.Backup{Gate: w.Gate, SealedAfter: w.SealedAfter, Set: w.Set},
		Challenge: w.Challenge, Exception: w.Exception, Issued: now, Level: w.Level,
		NotBefore: now, NotAfter: now + w.Valid, Reason: w.Reason, Root: d.trust().Version, V: 1,
	}
	if err := CarriedOut(w.Action); err != nil {
		return c, err
	}
	if w.Valid <= 0 || w.Valid > int64(10*365*24*time.Hour/time.Second) {
		return c, refuse(ErrMalformed, "E13", "valid", "cannot issue the command: it would never be valid, or longer than ten years")
	}
	_, b, err := d.bound(tx, w.Terminal)
	if err != nil {
		return c, err
	}
	binding, err := d.binding(b)
	if err != nil {
		return c, err
	}
	c.Terminal, c.Binding, c.Epoch, c.Device = binding.Terminal, b.Digest, binding.Epoch, binding.Device.ID()
	p, err := d.profile(tx, w.Profile)
	if err != nil {
		return c, err
	}
	c.Profile = command.Named{Digest: d.trust().Profiles[w.Profile], ID: w.Profile}
	if c.Scope = slices.Sorted(slices.Values(w.Scope)); len(c.Scope) == 0 {
		c.Scope = slices.Sorted(slices.Values(p.Scope))
	}
	return c, d.fits(c, p, w.Papers)
}

// bound reads a terminal that is enrolled, and its binding.
func (d *Desk) bound(tx *store.Tx, terminal string) (store.Terminal, store.Binding, error) {
	id, err := Name("terminal", terminal)
	if err != nil {
		return store.Terminal{}, store.Binding{}, err
	}
	t, err := tx.Terminal(id)
	if err != nil || t.Binding == "" {
		return t, store.Binding{}, refuse(ErrAbsent, "E28", "terminal", "cannot find the terminal: none of that name is enrolled")
	}
	b, err := tx.Binding(t.Binding)
	return t, b, err
}

func (d *Desk) binding(b store.Binding) (enrol.Binding, error) {
	e, err := envelope.Parse(b.Envelope, envelope.MaxSize)
	if err != nil {
		return enrol.Binding{}, err
	}
	return grounds.Bound(d.versions(), d.trust(), e)
}

func (d *Desk) profile(tx *store.Tx, id envelope.ID) (profile.Profile, error) {
	body, err := tx.Profile(id)
	if errors.Is(err, store.ErrAbsent) {
		err = refuse(ErrAbsent, "E28", "profile", "cannot find the profile %q: the trust in force names %s", id, slices.Sorted(maps.Keys(d.trust().Profiles)))
	}
	if err != nil {
		return profile.Profile{}, err
	}
	e, err := envelope.Parse(body, envelope.MaxSize)
	if err != nil {
		return profile.Profile{}, err
	}
	p, err := profile.Open(e, d.trust())
	if gone := grounds.Departed(d.versions(), e); strings.HasPrefix(envelope.CodeOf(err), "E0") && len(gone) > 0 {
		err = envelope.Refuse("E17", "profile-signer", "cannot use profile %s: %s, and those who are left are not enough", id, strings.Join(gone, ", and "))
	}
	return p, err
}

// fits is what the desk itself holds against a command: the profile, the papers
// it demands, and a recipient set that exists.
func (d *Desk) fits(c command.Command, p profile.Profile, papers []command.Paper) error {
	if detail, why := p.Admits(c.Action, c.Reason, c.Scope); detail != "" {
		return refuse(ErrUnfit, "E17", detail, "cannot issue the command: %s", why)
	}
	gates, levels := []envelope.ID{command.GateReceipt, command.GateSealed, command.GateNone}, []envelope.ID{command.Clear, command.Purge}
	if !slices.Contains(gates, c.Backup.Gate) || !slices.Contains(levels, c.Level) || c.Backup.SealedAfter < 0 {
		return refuse(ErrMalformed, "E07", "gate", "cannot issue the command: its gate or level is not known")
	}
	if len(d.trust().Recipients[c.Backup.Set]) == 0 {
		return refuse(ErrUnfit, "E17", "set", "cannot issue the command: the trust bundle has no recipient set of that name")
	}
	for _, kind := range p.Papers {
		if !slices.ContainsFunc(papers, func(have command.Paper) bool { return have.Type == kind }) {
			return refuse(ErrUnfit, "E17", "papers", "cannot issue the command: the profile demands the paper %s", kind)
		}
	}
	return nil
}

// draft gives case and number and writes both down.
func (d *Desk) draft(tx *store.Tx, c command.Command, papers []command.Paper) (Draft, error) {
	year := d.Now().UTC().Year()
	n, err := tx.Count(fmt.Sprintf("case-%d", year))
	if err != nil {
		return Draft{}, err
	}
	c.Case = envelope.ID(fmt.Sprintf("C-%d-%06d", year, n))
	if c.Seq, err = tx.Count(fmt.Sprintf("seq-%d-%s", c.Epoch, c.Terminal)); err != nil {
		return Draft{}, err
	}
	out := Draft{Case: c.Case}
	if len(papers) > 0 {
		e, err := envelope.Seal(envelope.Type("papers"), command.Papers{Case: c.Case, Papers: papers, V: 1})
		if err != nil {
			return Draft{}, err
		}
		c.Papers, out.Papers = e.Digest(), e.Encode()
	}
	e, err := envelope.Seal(envelope.Type(command.Kind), c)
	if err != nil {
		return Draft{}, refuse(ErrMalformed, "E06", "wrong-class", "cannot issue the command: %w", err)
	}
	out.Order = e.Encode()
	record := store.Case{
		ID: c.Case, Terminal: c.Terminal, State: Drafted, Since: d.now(),
		Command: e.Digest(), Binding: c.Binding, Draft: out.Order, Version: 1,
	}
	out.Version = record.Version
	return out, errors.Join(
		tx.AddNumber(c.Terminal, c.Epoch, c.Seq, c.Case), tx.PutCase(record),
		tx.NoteVersion(record, store.Entry{At: d.now(), State: Drafted, What: "command drafted"}),
	)
}
