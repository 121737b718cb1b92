package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/manifest"
	"unbindd/agent/receipt"
	"unbindd/agent/trust"
)

// checkRest looks at what surrounds the certificates; receipt and tombstone
// belong to the newest.
func (x *examination) checkRest() {
	slices.SortFunc(x.Certificates, func(a, b opened) int {
		return cmp.Compare(a.Statement.Predicate.N, b.Statement.Predicate.N)
	})
	newest := x.Certificates[len(x.Certificates)-1]
	if len(x.Certificates) > 1 {
		x.note("sequence", "", x.sequence)
	}
	if x.command != nil {
		x.note("command", x.command.file, x.checkCommand)
	}
	if x.manifest != nil {
		x.note("manifest", x.manifest.file, x.checkManifest)
	}
	if x.receipt != nil {
		x.note("receipt", x.receipt.file, func() (words, error) { return x.checkReceipt(newest) })
	}
	if x.proof != nil {
		x.note("log", "", func() (words, error) { return x.checkLog(newest) })
		if x.checkpoint != nil {
			x.note("growth", "", x.checkGrowth)
		}
	}
	if x.tombstone != nil {
		x.note("tombstone", "", func() (words, error) { return words{}, x.checkTombstone(newest) })
	}
}

// sequence holds each certificate against the one before it.
func (x *examination) sequence() (words, error) {
	for i, c := range x.Certificates[1:] {
		before, p := x.Certificates[i], c.Statement.Predicate
		err := differs("certificate "+c.File,
			[3]string{"case", string(p.Case), string(before.Statement.Predicate.Case)},
			[3]string{"number", fmt.Sprint(p.N), fmt.Sprint(before.Statement.Predicate.N + 1)},
			[3]string{"predecessor", string(p.Supersedes), string(before.Digest)})
		if err != nil {
			return words{}, err
		}
	}
	return words{}, nil
}

// checkCommand verifies the command by the version it was made for, whatever
// came after it, and compares it with every certificate.
func (x *examination) checkCommand() (words, error) {
	var v *command.Verified
	err := x.any(func(t *trust.Trust) (err error) {
		if v, err = command.Resume(x.command.envelope, t); err == nil && v.Command().Root != t.Version {
			err = envelope.Refuse("E08", "", "cannot use the command: it was made for trust version %d", v.Command().Root)
		}
		return err
	})
	if err != nil {
		return words{}, err
	}
	for _, c := range x.Certificates {
		if err := sameOrder(&c.Statement, v); err != nil {
			return words{}, err
		}
	}
	return words{"%d approvers", "%d 人签署"}.fill(len(v.Approvers())), nil
}

func sameOrder(s *certificate.Statement, v *command.Verified) error {
	p, c := &s.Predicate, v.Command()
	subject, _ := s.SubjectDigest("command")
	err := differs("command",
		[3]string{"digest", string(p.Command.Digest), string(v.Digest())},
		[3]string{"subject", string(subject), string(v.Digest())},
		[3]string{"case", string(p.Case), string(c.Case)},
		[3]string{"terminal", string(p.Terminal.ID), string(c.Terminal)},
		[3]string{"enrolment", fmt.Sprint(p.Terminal.Epoch), fmt.Sprint(c.Epoch)},
		[3]string{"binding", string(p.Binding), string(c.Binding)},
		[3]string{"action", string(p.Command.Action), string(c.Action)},
		[3]string{"reason", string(p.Command.Reason), string(c.Reason)},
		[3]string{"profile", string(p.Command.Profile), string(c.Profile.ID)})
	if err != nil {
		return err
	}
	for _, named := range p.Command.Approvers {
		if !slices.Contains(v.Approvers(), named) {
			return fmt.Errorf("cannot use the command: %s did not sign it as %s", named.Holder, named.Role)
		}
	}
	return nil
}

func (x *examination) checkManifest() (words, error) {
	m, err := manifest.Open(x.manifest.envelope, x.bound.Device)
	if err != nil {
		return words{}, err
	}
	for _, c := range x.Certificates {
		p := &c.Statement.Predicate
		subject, _ := c.Statement.SubjectDigest("manifest")
		err := differs("manifest",
			[3]string{"digest", string(subject), string(x.manifest.envelope.Digest())},
			[3]string{"case", string(m.Case), string(p.Case)},
			[3]string{"command", string(m.Command), string(p.Command.Digest)},
			[3]string{"terminal", string(m.Terminal), string(p.Terminal.ID)},
			[3]string{"enrolment", fmt.Sprint(m.Epoch), fmt.Sprint(p.Terminal.Epoch)})
		if err != nil {
			return words{}, err
		}
		if !p.Reader.Covers(m.Scope) {
			return words{}, errors.New("cannot use the manifest: the slots that the certificate calls erased are not those it names")
		}
		sealed := func(s certificate.Subject) bool { return s.Digest["sha256"] == m.Digest.Hex() }
		if m.Size > 0 && !slices.ContainsFunc(c.Statement.Subject, sealed) {
			return words{}, errors.New("cannot use the manifest: the certificate names another sealed file")
		}
	}
	return words{"%d transactions, %s", "交易 %d 笔，%s"}.fill(m.Count, size(m.Size)), nil
}

func (x *examination) checkReceipt(newest opened) (words, error) {
	p := &newest.Statement.Predicate
	want := receipt.Want{
		Case: p.Case, Command: p.Command.Digest, Kind: "certificate", N: p.N,
		Subject: newest.Digest, Terminal: p.Terminal.ID, Verified: receipt.Checked,
	}
	var r receipt.Receipt
	err := x.any(func(t *trust.Trust) (err error) {
		r, err = receipt.Check(x.receipt.envelope, t, want)
		return err
	})
	return words{"received %s, leaf %d of the desk's log", "收到于 %s，后台日志第 %d 条"}.fill(moment(r.Received), r.Index), err
}

func (x *examination) checkTombstone(newest opened) error {
	t, err := certificate.ReadTombstone(x.tombstone)
	if err != nil {
		return err
	}
	if !t.Opens(&newest.Statement, newest.Digest) {
		return errors.New("cannot use the tombstone: it does not open what the certificate committed to")
	}
	return nil
}
