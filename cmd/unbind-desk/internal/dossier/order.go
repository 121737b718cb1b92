package dossier

import (
	"errors"
	"fmt"
	"strings"

	"unbindd/agent/command"
	"unbindd/agent/enrol"
	"unbindd/agent/envelope"
	"unbindd/agent/profile"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/campaign"
	"unbindd/cmd/unbind-desk/internal/directory"
	"unbindd/cmd/unbind-desk/internal/grounds"
)

func (r *reader) trust() (string, error) {
	told := "as given"
	if r.Anchor == "" {
		text, err := read(r.src, Anchor)
		if err != nil {
			return "", demanded(err, "everything")
		}
		r.Anchor, told = envelope.Digest(text), "from the folder itself: compare it out of band"
	}
	text, err := read(r.src, Trust)
	if err != nil {
		return "", demanded(err, "everything")
	}
	if r.bundles, err = directory.ParseArray(text); err != nil {
		return "", err
	}
	if r.believed, err = trust.Chain(r.Anchor, r.bundles); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d bundle(s) follow from anchor %s (%s)", len(r.bundles), r.Anchor, told), nil
}

func (r *reader) enrolTicket() (string, error) {
	if r.believed == nil {
		return "", errSkipped
	}
	e, err := readEnvelope(r.src, EnrolTicket)
	if err != nil {
		return "", err
	}
	first, err := trust.Chain(r.Anchor, r.bundles[:1])
	if err != nil {
		return "", err
	}
	t, err := enrol.ReadTicket(e)
	if err != nil {
		return "", err
	}
	if _, err := first.Verify(e, "enrol-ticket"); err != nil {
		return "", err
	}
	if t.Trust != r.Anchor {
		return "", fmt.Errorf("it names another anchor, %s", t.Trust)
	}
	return fmt.Sprintf("for terminal %s, serial number %s", t.Terminal, t.Serial), nil
}

func (r *reader) command() (string, error) {
	if r.believed == nil {
		return "", errSkipped
	}
	order, err := readEnvelope(r.src, Command)
	if err != nil {
		return "", demanded(err, "everything")
	}
	binding, err := readEnvelope(r.src, Binding)
	if err != nil {
		return "", demanded(err, "the command")
	}
	g, err := grounds.Open(r.Anchor, r.bundles, order, binding)
	if err != nil {
		return "", err
	}
	r.grounds = g
	var who []string
	for _, a := range g.Command.Approvers() {
		who = append(who, fmt.Sprintf("%s (%s)", a.Holder, a.Role))
	}
	c := g.Command.Command()
	return fmt.Sprintf("%s of terminal %s, enrolment %d, case %s, approved by %s", c.Action, c.Terminal, c.Epoch, c.Case, strings.Join(who, ", ")), nil
}

func (r *reader) profile() (string, error) {
	if r.grounds == nil {
		return "", errSkipped
	}
	e, err := readEnvelope(r.src, Profile)
	if err != nil {
		return "", demanded(err, "the command")
	}
	p, err := profile.Open(e, r.grounds.Accepted)
	if err != nil {
		return "", err
	}
	c := r.grounds.Command.Command()
	if c.Profile.ID != p.ID || c.Profile.Digest != e.Digest() {
		return "", envelope.Refuse("E17", "profile", "cannot use the profile: the command names another one")
	}
	if detail, why := p.Admits(c.Action, c.Reason, c.Scope); detail != "" {
		return "", envelope.Refuse("E17", detail, "cannot use the profile: %s", why)
	}
	return fmt.Sprintf("%s, which admits reason %s", p.ID, c.Reason), nil
}

func (r *reader) papers() (string, error) {
	if r.grounds == nil {
		return "", errSkipped
	}
	named := r.grounds.Command.Command().Papers
	e, err := readEnvelope(r.src, Papers)
	if err != nil && named != "" {
		return "", demanded(err, "the command")
	}
	if err != nil {
		return "", err
	}
	if e.Digest() != named {
		return "", fmt.Errorf("the command names others")
	}
	if _, err := r.grounds.Accepted.Verify(e, "papers"); err != nil {
		return "", err
	}
	r.others = append(r.others, e)
	var p command.Papers
	if err := envelope.Decode(e.Payload, &p); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d paper(s) seen", len(p.Papers)), nil
}

// campaign verifies the approval that the command was published in with others.
func (r *reader) campaign() (string, error) {
	if r.grounds == nil {
		return "", errSkipped
	}
	e, err := readEnvelope(r.src, Campaign)
	if err != nil {
		return "", err
	}
	c, err := campaign.Open(e, r.grounds.Accepted)
	if err != nil {
		return "", err
	}
	if !c.Lists(r.grounds.Command.Digest()) {
		return "", errors.New("it does not list the command")
	}
	r.others = append(r.others, e)
	return fmt.Sprintf("one of %d command(s) that were published together", c.Count), nil
}

// orders verifies every amend and cancel; a close needs the certificate and is
// looked at here only for its signatures and names.
func (r *reader) orders() (string, error) {
	if r.grounds == nil {
		return "", errSkipped
	}
	names, err := r.src.List(ordersDir)
	if err != nil {
		return "", err
	}
	if len(names) == 0 {
		return "", missing("an amend, cancel or close")
	}
	for _, name := range names {
		e, err := readEnvelope(r.src, name)
		if err == nil {
			err = r.order(e)
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
	}
	return fmt.Sprintf("%d follow-up(s) of the command", len(names)), nil
}

func (r *reader) order(e *envelope.Envelope) error {
	running := r.grounds.Running()
	if e.PayloadType != envelope.Type("acceptance") {
		r.others = append(r.others, e)
	}
	switch e.PayloadType {
	case envelope.Type("cancel"):
		return r.grounds.Under(func(t *trust.Trust) error {
			running.Trust = t
			_, err := command.VerifyCancel(e, running)
			return err
		})
	case envelope.Type("amend"):
		_, err := r.grounds.Amendment(e)
		r.amends = append(r.amends, e)
		return err
	case envelope.Type("close"):
		var c command.Close
		if err := envelope.Decode(e.Payload, &c); err != nil {
			return err
		}
		running.Certificate = c.Certificate
		return r.grounds.Under(func(t *trust.Trust) error {
			running.Trust = t
			_, err := command.VerifyClose(e, running)
			return err
		})
	case envelope.Type("acceptance"):
		return nil // the successor's key is in the successor's binding, which is not here
	}
	return envelope.Refuse("E03", "", "cannot take it as an order: its type is another")
}
