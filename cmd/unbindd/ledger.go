package main

import (
	"github.com/spf13/cobra"

	"unbindd/agent"
	"unbindd/agent/ledger"
)

func ledgerCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "ledger",
		Short: "Check, repair or save the ledger, while the daemon stands still",
		Long:  "Check, repair or save the ledger, while the daemon stands still.\n\n" + endings(),
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.PersistentFlags().Bool("json", false, "answer as JSON, a refusal too; outcome and exit say how it ended")
	c.PersistentFlags().Int("beside", 0, "the folder ledger-beside-N in place of the ledger: what came while that one was lost")
	c.AddCommand(ledgerCheckCommand(), ledgerRepairCommand(), ledgerExportCommand())
	return c
}

func ledgerCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Read the whole ledger and say what is wrong with it",
		Long: "Read the whole ledger and say of every segment how many of its records are whole and which are not. Nothing is\n" +
			"changed.\n\n" + endings(),
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return care(c, func(p agent.Parts, beside int) (ledger.Report, error) {
				return agent.CheckLedger(background(c), p, beside)
			})
		},
	}
}

func ledgerRepairCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "repair",
		Short: "Write damaged segments anew of which no record is missing",
		Long: "Check the ledger, and write each damaged segment anew of which every record is whole. The damaged file is kept\n" +
			"beside it as seg-….db.damaged-1 and goes with the ledger when the terminal is unbound. A segment that lacks a\n" +
			"record is left as it is, and the numbers are named. It may be cut anywhere and called again.\n\n" + endings(),
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return care(c, func(p agent.Parts, beside int) (ledger.Report, error) {
				return agent.RepairLedger(background(c), p, beside)
			})
		},
	}
}

func ledgerExportCommand() *cobra.Command {
	var set, out string
	c := &cobra.Command{
		Use:   "export",
		Short: "Save every record that is whole, sealed to a recipient set",
		Long: "Write every record that is whole into a new file, compressed and sealed with age to the people of a recipient set of\n" +
			"the trust. It is no backup: no case rests on it and nobody receipts it. \"unbind-desk open\" opens it.\n\n" + endings(),
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return care(c, func(p agent.Parts, beside int) (ledger.Report, error) {
				return agent.ExportLedger(background(c), p, beside, set, out)
			})
		},
	}
	c.Flags().StringVar(&set, "recipients", "", "the recipient set")
	c.Flags().StringVar(&out, "out", "", "the file to make")
	for _, name := range []string{"recipients", "out"} {
		if err := c.MarkFlagRequired(name); err != nil {
			panic(err) // both were added above
		}
	}
	return c
}

// care does one thing to the ledger and tells what came of it.
func care(c *cobra.Command, do func(p agent.Parts, beside int) (ledger.Report, error)) error {
	parts, err := assembleBegun(c)
	if err != nil {
		return err
	}
	beside, err := c.Flags().GetInt("beside")
	if err != nil {
		return err
	}
	r, err := do(parts, beside)
	return tellOutcome(c, outcomeOf(r, err), languageOf(c))
}
