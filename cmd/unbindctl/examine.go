package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/enrol"
	"unbindd/agent/envelope"
	"unbindd/agent/local"
	"unbindd/agent/manifest"
	"unbindd/agent/receipt"
	"unbindd/agent/trust"
)

// check is one look of verify. Why and Code are empty when it holds.
type check struct {
	Check string `json:"check"`
	File  string `json:"file,omitempty"`
	OK    bool   `json:"ok"`
	Code  string `json:"code,omitempty"`
	Why   string `json:"why,omitempty"`
	Note  string `json:"note,omitempty"`
	words words  // the note in both languages
}

func (c check) refusal() local.Error { return local.Error{Code: c.Code, Message: c.Why} }

var checkNames = map[string]words{
	"trust":       {"trust bundles from the anchor", "自锚定摘要起的信任包"},
	"binding":     {"binding of the terminal", "终端绑定"},
	"certificate": {"certificate, signed by the device key", "设备密钥签名的证书"},
	"identity":    {"certificate and binding name the same", "证书与绑定一致"},
	"gate":        {"every line of the gate held", "关口各项均满足"},
	"reader":      {"the reader's part", "读卡器部分"},
	"sequence":    {"the certificates follow each other", "各证书前后相承"},
	"command":     {"command, signed as its rule demands", "按规则签名的指令"},
	"manifest":    {"manifest of the backup", "备份清单"},
	"receipt":     {"desk's receipt for the certificate", "后台对证书的回执"},
	"tombstone":   {"tombstone opens the certificate's commitment", "墓碑与证书的承诺相符"},
}

// examination gathers the checks of one dossier.
type examination struct {
	dossier
	verification
	versions []*trust.Trust // newest first
	bound    enrol.Binding
}

// examine makes every check that can be made. Without trust and binding nothing
// else means anything, so the first two end it when they fail.
func examine(d dossier) verification {
	x := &examination{dossier: d, verification: verification{Schema: schema, Valid: true, Certificates: []opened{}}}
	x.note("trust", "", x.checkTrust)
	if x.Valid {
		x.note("binding", d.binding.file, x.checkBinding)
	}
	if x.Valid {
		x.checkCertificates()
	}
	return x.verification
}

// note runs one check and keeps what came of it.
func (x *examination) note(name, file string, look func() (words, error)) {
	note, err := look()
	c := check{Check: name, File: file, OK: err == nil}
	if err != nil {
		x.Valid = false
		e := refusalOf(err)
		c.Code, c.Why = e.Code, e.Message
	} else {
		c.Note, c.words = note.en, note
	}
	x.Checks = append(x.Checks, c)
}

// resultNote is a result in both languages.
func resultNote(result string) words {
	if w, ok := terms[result]; ok {
		return w
	}
	return words{result, result}
}

// checkTrust believes the chain from the anchor. Every version is kept with all
// revocations known at the end, because what a case refers to may have been
// signed under an older one.
func (x *examination) checkTrust() (words, error) {
	newest, err := trust.Chain(x.anchor, x.trust)
	if err != nil {
		return words{}, err
	}
	for n := len(x.trust); n > 0; n-- {
		t, err := trust.Chain(x.anchor, x.trust[:n])
		if err != nil {
			return words{}, err
		}
		x.versions = append(x.versions, t.WithRevoked(newest.Revoked()))
	}
	return words{"version %d", "版本 %d"}.fill(newest.Version), nil
}

// any accepts what one version of the trust accepts; the newest one's refusal
// is told when none does.
func (x *examination) any(accept func(*trust.Trust) error) error {
	var first error
	for _, t := range x.versions {
		err := accept(t)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

func (x *examination) checkBinding() (words, error) {
	err := x.any(func(t *trust.Trust) (err error) {
		x.bound, err = enrol.OpenBinding(x.binding.envelope, t)
		return err
	})
	return words{"terminal %s, enrolment %d", "终端 %s，登记号 %d"}.fill(x.bound.Terminal, x.bound.Epoch), err
}

func (x *examination) checkCertificates() {
	for _, c := range x.certificates {
		var s certificate.Statement
		x.note("certificate", c.file, func() (_ words, err error) {
			s, err = certificate.Open(c.envelope, x.bound.Device)
			return resultNote(s.Predicate.Result), err
		})
		if !x.Valid {
			return
		}
		x.Certificates = append(x.Certificates, opened{File: c.file, Digest: c.envelope.Digest(), Statement: s})
		p := &s.Predicate
		x.note("identity", c.file, func() (words, error) { return words{}, x.sameIdentity(p) })
		x.note("gate", c.file, func() (words, error) { return gate(p) })
		x.note("reader", c.file, func() (words, error) {
			return checkRecord(&p.Reader, x.bound.Reader.SN, x.bound.Reader.Pub)
		})
	}
	x.checkRest()
}

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
	if x.tombstone != nil {
		x.note("tombstone", "", func() (words, error) { return words{}, x.checkTombstone(newest) })
	}
}

// differs refuses the first pair that is not the same.
func differs(of string, pairs ...[3]string) error {
	for _, p := range pairs {
		if p[1] != p[2] {
			return fmt.Errorf("cannot use the %s: its %s is another", of, p[0])
		}
	}
	return nil
}

func (x *examination) sameIdentity(p *certificate.Predicate) error {
	pairs := [][3]string{
		{"binding", string(p.Binding), string(x.binding.envelope.Digest())},
		{"terminal", string(p.Terminal.ID), string(x.bound.Terminal)},
		{"serial number", string(p.Terminal.Serial), string(x.bound.Serial)},
		{"enrolment", fmt.Sprint(p.Terminal.Epoch), fmt.Sprint(x.bound.Epoch)},
	}
	if p.Reader.Outcome != "foreign" {
		pairs = append(pairs, [3]string{"reader", string(p.Reader.SN), string(x.bound.Reader.SN)})
	}
	return differs("certificate", pairs...)
}

func gate(p *certificate.Predicate) (words, error) {
	if len(p.Gate) == 0 {
		return words{}, errors.New("cannot tell what allowed the erasure: the certificate has no line of the gate")
	}
	for _, line := range p.Gate {
		if !line.OK {
			return words{}, fmt.Errorf("cannot accept the gate: %s did not hold", line.Check)
		}
	}
	return words{"%d lines", "%d 项"}.fill(len(p.Gate)), nil
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
	return words{"received %s, entry %d of the desk's log", "收到于 %s，后台日志第 %d 条"}.fill(moment(r.Received), r.Index), err
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
