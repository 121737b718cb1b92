package agent

import (
	"fmt"
	"slices"
	"strings"

	"unbindd/agent/certificate"
	"unbindd/agent/keys"
	"unbindd/wipe"
)

// statement puts the certificate together from what the journal kept; nothing
// in it is remembered otherwise.
func (a *Agent) statement(c *caseFile, open bool) (certificate.Statement, error) {
	s := certificate.New()
	p := &s.Predicate
	a.named(c, p)
	if err := a.allowed(c, p); err != nil {
		return s, err
	}
	if err := a.done(c, p, open); err != nil {
		return s, err
	}
	if err := a.follows(p); err != nil {
		return s, err
	}
	a.left(p, open)
	return s, a.subjects(c, &s)
}

// named fills in who and what was ordered.
func (a *Agent) named(c *caseFile, p *certificate.Predicate) {
	d := a.Config.Terminal
	id := a.identity()
	p.Case, p.Binding, p.Papers = c.command.Case, c.command.Binding, c.command.Papers
	p.Terminal = certificate.Terminal{
		Agent: "unbindd/" + a.Version, Epoch: c.command.Epoch, ID: c.command.Terminal, Manufacturer: d.Manufacturer,
		Model: d.Model, Property: d.Property, Serial: id.binding.Serial,
	}
	p.Command = certificate.Command{
		Action: c.command.Action, Approvers: c.verified.Approvers(), Digest: c.digest(),
		Profile: c.command.Profile.ID, Reason: c.command.Reason,
	}
	for _, m := range c.amends {
		p.Amendments = append(p.Amendments, m.Digest)
	}
}

// allowed fills in the gate, what allowed the erase, and what stayed open.
func (a *Agent) allowed(_ *caseFile, p *certificate.Predicate) error {
	var o opened
	if _, err := a.journal.Get(noteOpened, &o); err != nil {
		return err
	}
	var st settlement
	if _, err := a.journal.Get(noteSettle, &st); err != nil {
		return err
	}
	p.Started, p.Clock, p.Gate = o.Started, o.Clock, o.Gate
	var quality string
	if p.Finished, quality = a.clock.read(); quality != clockTrusted {
		p.Clock = quality // the weaker of the two: of the gate and of now
	}
	p.Receipt = certificate.Authority{Digest: o.Auth.Digest, Index: o.Auth.Index, Kind: o.Auth.Kind}
	p.Settlement.Exception = st.Exception
	for _, s := range st.Open {
		p.Settlement.Open = append(p.Settlement.Open, certificate.OpenSum(s))
	}
	return nil
}

// done fills in what was done to the reader, the media and the software.
func (a *Agent) done(c *caseFile, p *certificate.Predicate, open bool) error {
	if _, err := a.journal.Get(noteReader, &p.Reader); err != nil {
		return err
	}
	if _, err := a.journal.Get(noteResidue, &p.Software.Residue); err != nil {
		return err
	}
	if _, err := a.journal.Get(noteVerified, &p.Verified); err != nil {
		return err
	}
	if _, err := a.journal.Get(noteCopies, &p.Copies); err != nil {
		return err
	}
	targets, err := a.allTargets(c)
	if err != nil {
		return err
	}
	targets = append(targets, a.keyTargets(keys.Line, lineTarget)...)
	for _, t := range targets {
		var ev wipe.Evidence
		ok, err := a.journal.Get(noteMedia+t.Name, &ev)
		if err != nil {
			return err
		}
		if !ok {
			if open && strings.HasPrefix(t.Name, lineTarget) {
				continue // the pairing key of a reader whose step is open stands under left
			}
			return fmt.Errorf("cannot write the certificate: there is no evidence for %s", t.Name)
		}
		p.Media = append(p.Media, medium(ev))
		if t.class == "software" {
			p.Software.Removed += ev.Items
		}
	}
	if p.Next = nextAction(p.Reader); p.Next == "" && shortfall(p) {
		p.Next = hostNext
	}
	return nil
}

// hostNext is what a person does about a host that fell short.
const hostNext = "have the terminal's medium looked at or destroyed, and sign a close"

// shortfall says whether something on the host is less than was asked for.
func shortfall(p *certificate.Predicate) bool {
	p.Judge()
	return p.Result != certificate.Complete
}

func medium(ev wipe.Evidence) certificate.Medium {
	residual := ev.Residual
	if residual == nil {
		residual = []string{}
	}
	return certificate.Medium{
		Bytes: ev.Bytes, Items: ev.Items, Kind: ev.Kind, LevelAchieved: string(ev.LevelAchieved),
		LevelRequested: string(ev.LevelRequested), Method: ev.Method, Name: ev.Name, Reason: ev.Reason,
		Residual: residual, Standard: ev.Standard, Technique: ev.Technique, Type: ev.Type, Verified: ev.Verified,
	}
}

// nextAction names what a person must do about a reader that was not erased.
func nextAction(r certificate.Reader) string {
	switch r.Outcome {
	case outcomeErased:
		return ""
	case outcomeForeign:
		return "connect the bound reader " + string(r.SN) + ", or sign a close"
	case outcomeMissing:
		return "connect or repair reader " + string(r.SN) + " and switch it off and on, or sign a close"
	case outcomeUnsupported:
		return "retire the keys of reader " + string(r.SN) + " where they were issued, since a terminal cannot erase them, or destroy it; then sign a close"
	}
	return "have reader " + string(r.SN) + " looked at: repair it and switch it off and on, or destroy it under dual control and sign a close"
}

// follows numbers the certificate and names the one it supersedes.
func (a *Agent) follows(p *certificate.Predicate) error {
	p.N = 1
	before, ok, err := a.signed()
	if err != nil || !ok {
		return err
	}
	s, err := certificate.Read(before)
	p.N, p.Supersedes = s.Predicate.N+1, before.Digest()
	return err
}

// left lists what is still there when the certificate is signed, and when it
// goes.
func (a *Agent) left(p *certificate.Predicate, open bool) {
	p.Left = []certificate.Left{
		{Name: "device key", Destroy: "erase-identity, after the receipt for this certificate"},
		{Name: "TLS key", Destroy: "erase-identity, after the receipt for this certificate"},
		{Name: "identity KEK", Destroy: "erase-identity, after the receipt for this certificate"},
		{Name: "binding, trust and time floor", Destroy: "erase-identity, after the receipt for this certificate"},
		{Name: "journal, outbox and route to the desk", Destroy: "tombstone"},
		{Name: "configuration", Destroy: "with the software of the daemon"},
		{Name: "consumed command ids, epoch, certificate digest, preimage", Destroy: "never: the tombstone"},
	}
	p.Left = append(p.Left, a.passwordLeft()...)
	if open {
		p.Left = slices.Insert(p.Left, 0, certificate.Left{Name: "reader link key", Destroy: "when the reader's step is closed, or erase-identity"})
	}
}

// subjects are the command, the manifest and the sealed file.
func (a *Agent) subjects(c *caseFile, s *certificate.Statement) error {
	m, e, err := a.manifestNow()
	if err != nil {
		return err
	}
	s.Subject = []certificate.Subject{
		certificate.About("command", c.digest()),
		certificate.About("manifest", e.Digest()),
		certificate.About("backup", m.Digest),
	}
	return nil
}
