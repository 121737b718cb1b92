package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"unbindd/agent"
	"unbindd/agent/envelope"
	"unbindd/agent/ledger"
)

func ledgerCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "ledger",
		Short: "Check, repair or save the ledger, while the daemon stands still",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.PersistentFlags().Bool("json", false, "answer as JSON")
	c.AddCommand(ledgerCheckCommand(), ledgerRepairCommand(), ledgerExportCommand())
	return c
}

func ledgerCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Read the whole ledger and say what is wrong with it",
		Long: "Read the whole ledger and say of every segment how many of its records are whole and which are not. Nothing is\n" +
			"changed. It ends with 0 if all is as it was written, and with 3 (E26) if not.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return care(c, func(p agent.Parts) (ledger.Report, error) { return agent.CheckLedger(background(c), p) })
		},
	}
}

func ledgerRepairCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "repair",
		Short: "Write damaged segments anew of which no record is missing",
		Long: "Check the ledger, and write each damaged segment anew of which every record is whole. The damaged file is kept\n" +
			"beside it as seg-….db.damaged-1 and goes with the ledger when the terminal is unbound. A segment that lacks a\n" +
			"record is left as it is: it ends with 3 (E26) and names the numbers. It may be cut anywhere and called again.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return care(c, func(p agent.Parts) (ledger.Report, error) { return agent.RepairLedger(background(c), p) })
		},
	}
}

func ledgerExportCommand() *cobra.Command {
	var set, out string
	c := &cobra.Command{
		Use:   "export",
		Short: "Save every record that is whole, sealed to a recipient set",
		Long: "Write every record that is whole into a new file, compressed and sealed with age to the people of a recipient set of\n" +
			"the trust. It is no backup: no case rests on it and nobody receipts it.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return care(c, func(p agent.Parts) (ledger.Report, error) {
				return agent.ExportLedger(background(c), p, set, out)
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
func care(c *cobra.Command, do func(agent.Parts) (ledger.Report, error)) error {
	parts, err := assemble(c)
	if err != nil {
		return err
	}
	r, err := do(parts)
	if err != nil {
		return err
	}
	if err := tellReport(c, r); err != nil || r.Sound() {
		return err
	}
	return envelope.Refuse("E26", "", "cannot answer for the ledger: %s", r.Sentence())
}

// account is a report as JSON: the figures, and the same in sentences.
type account struct {
	ledger.Report
	Complete  bool     `json:"complete"`
	Sound     bool     `json:"sound"`
	Sentence  string   `json:"sentence"`
	Sentences []string `json:"sentences"`
}

func tellReport(c *cobra.Command, r ledger.Report) error {
	t := account{Report: r, Complete: r.Complete(), Sound: r.Sound(), Sentence: r.Sentence(), Sentences: []string{}}
	for _, s := range r.Segments {
		t.Sentences = append(t.Sentences, s.Sentence())
	}
	if asJSON, err := c.Flags().GetBool("json"); err != nil || asJSON {
		if err == nil {
			err = json.NewEncoder(c.OutOrStdout()).Encode(t)
		}
		return err
	}
	for i, s := range r.Segments {
		if s.Sound() && !s.Mended {
			continue // the sentence of all says that of them
		}
		if _, err := fmt.Fprintln(c.OutOrStdout(), t.Sentences[i]); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(c.OutOrStdout(), r.Sentence())
	return err
}
