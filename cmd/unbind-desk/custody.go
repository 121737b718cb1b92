package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
	"unbindd/agent/receipt"
	"unbindd/cmd/unbind-desk/internal/dossier"
)

func custodyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "custody [check CASE | FOLDER]",
		Short: "A custodian opens a backup, counts it again, and signs for it",
		Args:  cobra.NoArgs,
	}
	c.AddCommand(custodyCheckCommand())
	return c
}

func custodyCheckCommand() *cobra.Command {
	var s second
	c := &cobra.Command{
		Use:   "check CASE --dir DIR | FOLDER, --identity FILE [--anchor DIGEST --key CUSTODIAN.pem]",
		Short: "Open a case's backup, count it, compare, and sign the second receipt",
		Long: `Open a case's backup, count it, compare, and sign the second receipt.

Decrypts the sealed file with the escrow or restore identity, counts records, sums
and chain anew, and compares them with the manifest, the desk's receipt and the
certificate, after the whole case was verified from the anchor on. The file is read as
a stream. With --key, of role custodian, it signs a receipt of its own, which is
kept in the case and exported with it. Refused are a file that is cut or changed
(E24:digest, E24:sealed), one that is sealed for somebody else (E24:recipient), another
count, sum or head than was signed (E24), and the person who signed the desk's receipt.`,
		Example: `  unbind-desk custody check C-2026-000001 --dir desk --identity escrow.key --key cust-1.pem
  unbind-desk custody check exported/ --anchor sha256:... --identity escrow.key --key cust-1.pem --out custody.json`,
		Args: cobra.ExactArgs(1),
		RunE: does(func(c *cobra.Command, args []string) (err error) {
			l, end, err := s.look(c, args[0])
			defer func() { err = errors.Join(err, end()) }()
			if err != nil {
				return err
			}
			return s.custody(c, l)
		}),
	}
	s.flags(c)
	must(c, "identity")
	return c
}

func (s *second) custody(c *cobra.Command, l dossier.Looked) error {
	r, err := l.DraftCustody(time.Now().Unix())
	if err != nil {
		return unsignable(err)
	}
	e, err := envelope.Seal(envelope.Type(receipt.Kind), r)
	if err != nil {
		return err
	}
	if err := s.sign(c, e, l.CheckCustody); err != nil {
		return err
	}
	told := map[string]any{"case": r.Case, "totals": r.Totals, "subject": r.Subject, "signed": s.key != "", "anchor": s.anchored(), "digest": e.Digest(), "certificate": l.Certificate().Result}
	return show(c, told, func() {
		say(c, "%s", text{"Case %s: %d transaction(s) opened and counted, head %s", "案件 %s：已打开并清点 %d 笔交易，链头 %s"}.in(r.Case, r.Totals.Count, r.Totals.Head))
		for _, sum := range r.Totals.Sums {
			say(c, "  %-3s %-12s %-9s %6d  %d", sum.Currency, sum.Kind, sum.Result, sum.Count, sum.Amount)
		}
		say(c, "%s", text{"Manifest and the desk's receipt say the same.", "与清单及后台回执一致。"}.in())
		s.saySecond(c, e)
	})
}
