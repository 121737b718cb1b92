package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"unbindd/agent/certificate"
	"unbindd/agent/envelope"
)

// sources are the files that verify is told to use; empty ones are left out.
type sources struct {
	certificates []string
	trust        string
	anchor       string
	binding      string
	tombstone    string
	receipt      string
	manifest     string
	command      string
	proof        string
	checkpoint   string
	growth       string
	index        string
}

// verification is verify's JSON.
type verification struct {
	Schema       string   `json:"schema"`
	Valid        bool     `json:"valid"`
	Checks       []check  `json:"checks"`
	Certificates []opened `json:"certificates"`
	Index        *listed  `json:"index,omitempty"`
}

// opened is one certificate whose signature and content hold.
type opened struct {
	File      string                `json:"file"`
	Digest    envelope.Digest       `json:"digest"`
	Statement certificate.Statement `json:"statement"`
}

func (t *tool) verifyCommand() *cobra.Command {
	var s sources
	cmd := &cobra.Command{
		Use:   "verify FILE...",
		Short: "Check certificates offline and tell them in words",
		Long: `Check one or more certificates of one case without any daemon: the trust bundles
from their anchor, the binding that names the device key, the certificate's
signature and content, the reader's erase record, and whatever else is given.
Compare the anchor with the one people were told by another way.

With --index, the file index.json of an exported case, every file that the desk
listed must lie beside it as it was, and what is given here must be among them;
the last line then says as of when. Without it nothing commits to the number of
the case's files, and the last line says that.

Ends with 0 when every check holds, even of a certificate whose result is
"partial": the result is a part of what was verified. Ends with 1 otherwise.`,
		Example: `  unbindctl verify certificate.json --trust trust.json --anchor sha256:... \
    --binding binding.json --receipt receipts/certificate.json`,
		Args: cobra.MinimumNArgs(1),
		RunE: t.verb(func(_ context.Context, args []string) error {
			s.certificates = args
			return t.verify(s)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&s.trust, "trust", "", "the trust bundles: a `file` with an array, from version 1 on (needed)")
	flags.StringVar(&s.anchor, "anchor", "", "the `digest` of the first trust bundle (needed)")
	flags.StringVar(&s.binding, "binding", "", "the `file` of the terminal's binding (needed)")
	flags.StringVar(&s.tombstone, "tombstone", "", "the `file` of the tombstone of the newest certificate")
	flags.StringVar(&s.receipt, "receipt", "", "the `file` of the desk's receipt for the newest certificate")
	flags.StringVar(&s.manifest, "manifest", "", "the `file` of the backup's manifest")
	flags.StringVar(&s.proof, "proof", "", "the `file` with the proof that the newest certificate stands in the desk's log")
	flags.StringVar(&s.checkpoint, "checkpoint", "", "the `file` with a checkpoint of the desk's log that was kept earlier")
	flags.StringVar(&s.growth, "growth", "", "the `file` with the proof that the log of --proof continues the one of --checkpoint")
	flags.StringVar(&s.index, "index", "", "the `file` with the desk's index of the case's files, in the case's folder")
	flags.StringVar(&s.command, "command", "", "the `file` of the command")
	return cmd
}

func (t *tool) verify(s sources) error {
	d, err := t.dossier(s)
	if err != nil {
		return err
	}
	v := examine(d)
	if t.json {
		if err := t.out.json(v); err != nil {
			return err
		}
	} else {
		t.tellVerification(v, s.left())
	}
	if !v.Valid {
		return verdict(exitFailed)
	}
	return nil
}

func (t *tool) tellVerification(v verification, left []string) {
	for _, c := range v.Checks {
		if !t.quiet {
			t.out.check(c)
		}
		if !c.OK {
			t.err.line(words{"unbindctl: the check of %s failed.", "unbindctl: %s 检查未通过。"}, t.err.in(checkNames[c.Check]))
			t.err.refusalAt(envelope.AtVerify, "  ", c.refusal(), exitFailed)
		}
	}
	if t.quiet {
		return
	}
	for _, c := range v.Certificates {
		t.out.certificate(c)
	}
	t.out.sum(v, left)
}

// sum is the last word: what was checked and what of it holds, and what was not given,
// of which nothing is known.
func (p *paper) sum(v verification, left []string) {
	if len(left) > 0 {
		p.line(words{"Not given, and not looked at: %s.", "未提供、未检查：%s。"}, strings.Join(left, ", "))
	}
	held := 0
	for _, c := range v.Checks {
		if c.OK {
			held++
		}
	}
	if !v.Valid {
		p.line(words{"NOT VALID: do not rely on what is written here (%d of %d checks hold).", "无效：请勿采信以上内容（%d 项通过，共 %d 项检查）。"}, held, len(v.Checks))
		return
	}
	p.line(lastWords(v.Index))
	newest := v.Certificates[len(v.Certificates)-1].Statement.Predicate
	p.line(words{"Every check holds (%d of %d): certificate %d of case %s, terminal %s, %s.", "全部检查通过（%d/%d）：证书 %d，案件 %s，终端 %s，%s。"},
		held, len(v.Checks), newest.N, newest.Case, newest.Terminal.ID, p.term(newest.Result))
}

// left are the flags of what may be checked, too, and was not given.
func (s sources) left() []string {
	var out []string
	for _, may := range []struct{ flag, value string }{
		{"command", s.command}, {"manifest", s.manifest}, {"receipt", s.receipt}, {"proof", s.proof}, {"tombstone", s.tombstone},
	} {
		if may.value == "" {
			out = append(out, "--"+may.flag)
		}
	}
	return out
}

func (p *paper) check(c check) {
	mark := words{"[ok]  ", "[通过]"}
	if !c.OK {
		mark = words{"[FAIL]", "[失败]"}
	}
	p.plain("%s %s", p.in(mark), joined(p.in(checkNames[c.Check]), c.File, p.in(c.words)))
}

// missing names every flag that verify cannot do without and was not given.
func (s sources) missing() error {
	var flags []string
	for _, needed := range []struct{ flag, value string }{
		{"trust", s.trust}, {"anchor", s.anchor}, {"binding", s.binding},
	} {
		if needed.value == "" {
			flags = append(flags, "--"+needed.flag)
		}
	}
	switch len(flags) {
	case 0:
		if kept := s.checkpoint != ""; kept != (s.growth != "") || kept && s.proof == "" {
			return misuse(errors.New("cannot verify: --checkpoint and --growth are needed together, and with --proof"))
		}
		return nil
	case 1:
		return misuse(fmt.Errorf("cannot verify: %s is needed", flags[0]))
	}
	return misuse(fmt.Errorf("cannot verify: %s are needed", strings.Join(flags, ", ")))
}
