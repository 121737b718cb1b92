package main

import (
	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
)

// follows says what each follow-up is for.
var follows = map[string]struct{ short, long string }{
	"cancel": {"Write an unsigned cancel of a case", `Write an unsigned cancel of a case.

It works until the terminal crosses its point of no return; afterwards the
terminal answers with a signed refusal. One of role operations signs it.`},
	"amend": {"Write an unsigned amendment of a running case", `Write an unsigned amendment of a running case.

--allow takes reader-absent, sealed-backup, unsettled (with the exact amounts as
--exception CUR:COUNT:AMOUNT), events-lost (the reader lost events before anybody
had them; exactly as many as --lost says) and close-partial. Operations, security
and release sign it: three people.`},
	"close": {"Write an unsigned close of a case without a receipt", `Write an unsigned close of a case.

It names the newest certificate and lets the terminal end without the desk's
receipt for a complete one. Operations, security and release sign it.`},
}

func followCommand(kind string) *cobra.Command {
	var dir, out string
	var allow, exceptions []string
	f := desk.Follow{Kind: kind}
	c := &cobra.Command{
		Use:   kind + " --dir DIR --case C --out FILE",
		Short: follows[kind].short,
		Long:  follows[kind].long,
		Args:  cobra.NoArgs,
		RunE: does(func(c *cobra.Command, _ []string) error {
			if err := vacant(out); err != nil {
				return err
			}
			for _, what := range allow {
				f.Allow = append(f.Allow, envelope.ID(what))
			}
			var err error
			if f.Exception, err = openSums(exceptions); err != nil {
				return err
			}
			draft, err := operator(dir).Follow(c.Context(), f)
			if err != nil {
				return err
			}
			if err := keepNew(out, draft.Order); err != nil {
				return err
			}
			return showDraft(c, draft, out)
		}),
	}
	dirFlag(c, &dir)
	c.Flags().StringVar(&f.Case, "case", "", "the case")
	c.Flags().StringVar(&out, "out", "", "file to write the unsigned order to")
	if kind == "amend" {
		c.Flags().StringSliceVar(&allow, "allow", nil, "reader-absent, sealed-backup, unsettled, events-lost, close-partial")
		c.Flags().Int64Var(&f.Lost, "lost", 0, "exactly how many events the reader lost, with --allow events-lost")
		c.Flags().StringArrayVar(&exceptions, "exception", nil, "CUR:COUNT:AMOUNT that may stay unsettled (repeatable)")
		must(c, "allow")
	}
	must(c, "case", "out")
	return c
}
