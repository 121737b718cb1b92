package main

import (
	"errors"
	"fmt"

	"unbindd/agent/certificate"
	"unbindd/agent/enrol"
	"unbindd/agent/local"
	"unbindd/agent/merkle"
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
	"trust":       {"trust bundles from the anchor", "自锚点起的信任包"},
	"binding":     {"binding of the terminal", "终端绑定"},
	"certificate": {"certificate, signed by the device key", "设备密钥签名的证书"},
	"identity":    {"certificate and binding name the same", "证书与绑定一致"},
	"gate":        {"every line of the gate held", "关口各项均满足"},
	"reader":      {"the reader's part", "读卡器部分"},
	"sequence":    {"the certificates follow each other", "各证书前后相承"},
	"command":     {"command, signed as its rule demands", "按规则签名的指令"},
	"manifest":    {"manifest of the backup", "备份清单"},
	"receipt":     {"desk's receipt for the certificate", "后台对证书的回执"},
	"log":         {"certificate in the desk's log", "证书已入后台日志"},
	"growth":      {"desk's log continues the one that was kept", "后台日志延续所存检查点"},
	"index":       {"desk's index of the case's files", "后台对案件文件的索引"},
	"tombstone":   {"tombstone opens the certificate's commitment", "墓碑与证书的承诺相符"},
}

// examination gathers the checks of one dossier.
type examination struct {
	dossier
	verification
	versions []*trust.Trust // newest first
	bound    enrol.Binding
	log      merkle.Checkpoint // under which the certificate stands in the desk's log
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
			return checkRecord(&p.Reader, x.bound.Reader)
		})
	}
	x.checkRest()
	if x.index != nil {
		x.note("index", x.index.file, x.checkIndex)
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
