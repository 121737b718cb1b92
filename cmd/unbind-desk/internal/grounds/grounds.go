// Package grounds is what a case stands on: the trust that was anchored, the
// command it began with, and the binding that command names. Who checks a
// manifest, a receipt or a ticket opens the grounds first and asks them.
//
// It promises that Grounds exist only when the bundles follow from the anchor,
// the command met its rule, and both name the same terminal, device and epoch.
//
//	grounds.go  opening, and what follows from a manifest or an amendment
//	since.go    what was signed by keys that have gone since
//	revoked.go  whose key was revoked since, and when
//	hands.go    who had a hand in the case
//	custody.go  a custodian's receipt for the backup
//	validation.go  a second person's word on the certificate
//	erase.go    the ticket that a manifest asks for
//	record.go   the erase record that the reader signs
package grounds

import (
	"slices"
	"strings"

	"unbindd/agent/command"
	"unbindd/agent/enrol"
	"unbindd/agent/envelope"
	"unbindd/agent/manifest"
	"unbindd/agent/receipt"
	"unbindd/agent/trust"
)

// Grounds are a command and the binding it names, verified together: Accepted
// is the trust version the command was made for with every revocation known,
// Current the newest one.
type Grounds struct {
	Current  *trust.Trust
	Accepted *trust.Trust
	Command  *command.Verified
	Binding  enrol.Binding
	since    []*trust.Trust // from Accepted to Current
}

// Open verifies the chain of bundles from the anchor, the command against the
// version it was made for, and that it is for the bound terminal.
func Open(anchor envelope.Digest, bundles []*envelope.Envelope, order, binding *envelope.Envelope) (*Grounds, error) {
	versions, err := trust.Versions(anchor, bundles)
	if err != nil {
		return nil, err
	}
	return On(versions, order, binding)
}

// On is Open for who has verified every version already, the first one first.
func On(versions []*trust.Trust, order, binding *envelope.Envelope) (*Grounds, error) {
	g := &Grounds{Current: versions[len(versions)-1]}
	var err error
	if g.Accepted, err = acceptedTrust(versions, order); err != nil {
		return nil, err
	}
	g.Accepted = g.Accepted.WithRevoked(g.Current.Revoked())
	for _, t := range versions[g.Accepted.Version-1:] {
		g.since = append(g.since, t.WithRevoked(g.Current.Revoked()))
	}
	if g.Command, err = command.Resume(order, g.Accepted); err != nil {
		return nil, revokedSince(versions, g.Accepted, order, err)
	}
	if g.Binding, err = Bound(versions[:g.Accepted.Version], g.Current, binding); err != nil {
		return nil, err
	}
	return g, g.bound(binding.Digest())
}

// Bound opens a binding under the newest of the versions that knows its signer, for
// an enrolment outlives the key that signed it; a key that was revoked counts nowhere.
func Bound(versions []*trust.Trust, current *trust.Trust, binding *envelope.Envelope) (b enrol.Binding, err error) {
	for _, t := range slices.Backward(versions) {
		b, err = enrol.OpenBinding(binding, t.WithRevoked(current.Revoked()))
		if !strings.HasPrefix(envelope.CodeOf(err), "E04") {
			break
		}
	}
	return b, err
}

// acceptedTrust picks the version that the command names. The payload is read
// before its signatures only to choose among bundles that are all believed.
func acceptedTrust(versions []*trust.Trust, order *envelope.Envelope) (*trust.Trust, error) {
	var c command.Command
	if err := envelope.Decode(order.Payload, &c); err != nil {
		return nil, err
	}
	if c.Root < 1 || c.Root > int64(len(versions)) {
		return nil, envelope.Refuse("E08", "", "cannot verify the command: it was made for trust version %d, there are %d", c.Root, len(versions))
	}
	return versions[c.Root-1], nil
}

func (g *Grounds) bound(digest envelope.Digest) error {
	c, b := g.Command.Command(), g.Binding
	switch {
	case c.Binding != digest:
		return envelope.Refuse("E20", "", "cannot verify the command: it names another binding")
	case c.Terminal != b.Terminal:
		return envelope.Refuse("E09", "terminal", "cannot verify the command: it is for another terminal than the binding")
	case c.Device != b.Device.ID():
		return envelope.Refuse("E09", "device", "cannot verify the command: it is for another device key than the binding")
	case c.Epoch != b.Epoch:
		return envelope.Refuse("E10", "", "cannot verify the command: it is for another enrolment than the binding")
	}
	return nil
}

// Manifest opens a manifest of the bound terminal for the command.
func (g *Grounds) Manifest(e *envelope.Envelope) (manifest.Manifest, error) {
	m, err := manifest.Open(e, g.Binding.Device)
	if err != nil {
		return m, err
	}
	c := g.Command.Command()
	switch {
	case m.Command != g.Command.Digest():
		return m, envelope.Refuse("E28", "command", "cannot use the manifest: it is for another command")
	case m.Case != c.Case:
		return m, envelope.Refuse("E28", "case", "cannot use the manifest: it is for another case")
	case m.Terminal != c.Terminal:
		return m, envelope.Refuse("E09", "terminal", "cannot use the manifest: it is for another terminal")
	case m.Epoch != c.Epoch:
		return m, envelope.Refuse("E10", "", "cannot use the manifest: it is for another enrolment")
	case m.Reader.SN != g.Binding.Reader.SN:
		return m, envelope.Refuse("E21", "", "cannot use the manifest: it names another reader than the binding")
	}
	return m, nil
}

// Amendment opens an amendment of the command, whatever its number.
func (g *Grounds) Amendment(e *envelope.Envelope) (command.Amend, error) {
	var a command.Amend
	if err := envelope.Decode(e.Payload, &a); err != nil {
		return a, err
	}
	running := g.Running()
	running.Amended = a.N - 1
	err := g.Under(func(t *trust.Trust) (err error) {
		running.Trust = t
		a, err = command.VerifyAmend(e, running)
		return err
	})
	return a, err
}

// Running is the case as follow-up orders must name it.
func (g *Grounds) Running() command.Running {
	c := g.Command.Command()
	return command.Running{Trust: g.Current, Terminal: c.Terminal, Case: c.Case, Command: g.Command.Digest()}
}

// WantBackup is what the receipt for a manifest must say.
func WantBackup(m manifest.Manifest, digest envelope.Digest) receipt.Want {
	totals := receipt.Totals{Count: m.Count, Head: m.Head, Sums: []receipt.Sum{}}
	for _, s := range m.Sums {
		totals.Sums = append(totals.Sums, receipt.Sum(s))
	}
	return receipt.Want{
		Case: m.Case, Command: m.Command, Kind: KindBackup, N: m.N, Subject: digest,
		Terminal: m.Terminal, Totals: &totals, Verified: receipt.Restored,
	}
}

// The kinds of a receipt.
const (
	KindAnswer      = receipt.Answer
	KindBackup      = receipt.Backup
	KindCertificate = receipt.Certificate
	KindTombstone   = receipt.Tombstone
)

// WantCertificate is what the receipt for certificate n of a case must say.
func (g *Grounds) WantCertificate(n int64, digest envelope.Digest) receipt.Want {
	c := g.Command.Command()
	return receipt.Want{
		Case: c.Case, Command: g.Command.Digest(), Kind: KindCertificate, N: n, Subject: digest,
		Terminal: c.Terminal, Verified: receipt.Checked,
	}
}

// AllowSealed verifies an amendment that stands in for the receipt.
func (g *Grounds) AllowSealed(e *envelope.Envelope) error {
	a, err := g.Amendment(e)
	if err != nil {
		return err
	}
	if !slices.Contains(a.Allow, command.AllowSealed) {
		return envelope.Refuse("E29", "amend", "cannot use the amendment: it does not allow a sealed backup in place of a receipt")
	}
	return nil
}
