package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"unbindd/agent/local"
	"unbindd/cmd/help"
)

const about = `unbindctl asks the unbindd daemon on this terminal, hands signed files in,
follows an unbinding to its end and checks a certificate offline.

It decides nothing itself: an unbinding runs in the daemon, and leaving this
tool never stops it. Answers go to standard output, errors and hints to standard
error. No colour is ever used.

Environment:
  UNBINDCTL_SOCKET  the daemon's socket, where --socket is not given
  UNBINDCTL_LANG    zh or en, where --lang is not given; then LC_ALL,
                    LC_MESSAGES and LANG are asked

Exit codes:
`

// root builds the whole command tree anew for one run.
func (t *tool) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "unbindctl",
		Short:         "The technician's tool on a terminal that unbindd looks after",
		Long:          about + exitTable(),
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
	}
	root.CompletionOptions.DisableDefaultCmd = true
	flags := root.PersistentFlags()
	flags.StringVar(&t.socket, "socket", local.DefaultSocket, "the daemon's Unix `socket`")
	flags.BoolVar(&t.json, "json", false, "answer in JSON; fields are only ever added")
	flags.StringVar(&t.lang, "lang", "", "`language` of answers and help, zh or en")
	flags.BoolVarP(&t.quiet, "quiet", "q", false, "say only what a script needs")
	flags.BoolVar(&t.noColor, "no-color", false, "accepted; no colour is ever used (a QR code then leaves the terminal's own two shades)")
	root.AddCommand(
		t.statusCommand(), t.readerCommand(), t.planCommand(), t.explainCommand(), t.challengeCommand(), t.loadCommand(),
		t.watchCommand(), t.cancelCommand(), t.verifyCommand(), t.completionCommand(), t.manCommand(), t.versionCommand(),
	)
	help.Topics(root)
	return root
}

// exitTable is the table of exit.go as the help shows it.
func exitTable() string {
	var b strings.Builder
	for _, row := range exits {
		fmt.Fprintf(&b, "  %3d  %s\n", row.code, row.means.en)
	}
	return b.String()
}
