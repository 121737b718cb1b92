package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"unbindd/agent/certificate"
	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/dossier"
)

func validateCommand() *cobra.Command {
	var s second
	var partial, reject bool
	c := &cobra.Command{
		Use:   "validate CASE --dir DIR | FOLDER [--anchor DIGEST --key PERSON.pem]",
		Short: "A second person says what a certificate is worth",
		Long: `A second person says what a certificate is worth.

A terminal verifies that its techniques ended; whether the outcome is good enough is
validated by somebody else. The whole case is verified first, with --identity the
backup too. Then a second statement on the certificate's own subjects is drafted,
signed with --key, and kept in the case. The person must be in another role, and be
another one, than those who signed the command, and have had no hand in the case.

A partial certificate is accepted only with --accept-partial; the statement then
names everything that is open. With --reject it says that the outcome is not good
enough, whatever the certificate says.`,
		Args: cobra.ExactArgs(1),
		RunE: does(func(c *cobra.Command, args []string) (err error) {
			l, end, err := s.look(c, args[0])
			defer func() { err = errors.Join(err, end()) }()
			if err != nil {
				return err
			}
			accepts := envelope.ID(certificate.Complete)
			switch {
			case reject:
				accepts = certificate.Rejected
			case partial:
				accepts = certificate.Partial
			}
			return s.validate(c, l, accepts)
		}),
	}
	s.flags(c)
	c.Flags().BoolVar(&partial, "accept-partial", false, "accept a partial certificate, with what it leaves open")
	c.Flags().BoolVar(&reject, "reject", false, "say that the outcome is not good enough")
	c.MarkFlagsMutuallyExclusive("accept-partial", "reject")
	return c
}

func (s *second) validate(c *cobra.Command, l dossier.Looked, accepts envelope.ID) error {
	v, err := l.DraftValidation(accepts, time.Now().Unix())
	if err != nil {
		return unsignable(err)
	}
	e, err := envelope.Seal(envelope.Statement, v)
	if err != nil {
		return err
	}
	if err := s.sign(c, e, l.CheckValidation); err != nil {
		return err
	}
	told := map[string]any{"statement": v.Predicate, "signed": s.key != "", "anchor": s.anchored(), "digest": e.Digest()}
	return show(c, told, func() {
		p := v.Predicate
		say(c, "%s", text{"Case %s, certificate %d of terminal %s: %s", "案件 %s，终端 %[3]s 的第 %[2]d 份证书：%[4]s"}.in(p.Case, p.N, p.Terminal, acceptWords(p.Accepts)))
		for _, open := range p.Open {
			say(c, "%s", text{"  open: %s", "  未完成：%s"}.in(open))
		}
		s.saySecond(c, e)
	})
}

func acceptWords(accepts envelope.ID) string {
	return map[envelope.ID]text{
		certificate.Complete: {"accepted as complete", "认可为完整"},
		certificate.Partial:  {"accepted as PARTIAL", "认可为部分完成"},
		certificate.Rejected: {"REJECTED", "不予认可"},
	}[accepts].in()
}
