// Command unbind-desk is the reference back office of unbindd: it enrols
// terminals, issues commands for people to sign, receives backups and
// certificates and signs for them, and verifies a case without itself.
//
// The verbs that need the store speak to the running desk over its socket; sign,
// ticket, verify and open work on files and need no desk. One file a verb:
//
//	init.go     found a desk's directory
//	serve.go    run the desk
//	enrol.go    admit a terminal, get its ticket
//	issue.go    open a case with an unsigned command; follow.go later orders
//	sign.go     sign a file; collect.go keep signatures together; words.go says what is being signed
//	campaign.go many commands at once, with their number under the signatures
//	publish.go  hand a signed order to the desk
//	ticket.go   sign a reader's ticket; tickets.go the same, unattended
//	cases.go    list, show, export
//	log.go      hold the desk to its log
//	overdue.go  what waits too long, what should not be
//	verify.go   check an exported case
//	open.go     open a sealed backup; salvage.go what was saved of a ledger
//	exit.go     exit codes and how errors are told
//	output.go   words or JSON
package main

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// version is set by the build.
var version = "unknown"

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) }

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	asJSON, flagErr := root.PersistentFlags().GetBool("json")
	return tell(errOut, err, asJSON && flagErr == nil)
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "unbind-desk",
		Short: "The reference back office for unbinding payment terminals",
		Long: `The reference back office for unbinding payment terminals.

  init, serve                 found a desk and run it
  enrol                       let a terminal become bound
  issue, sign, publish        order an unbinding: drafted, signed by people, offered
  ticket, tickets             sign what a card reader wants to see before it erases
  collect                     keep the signatures of several people together
  log                         hold the desk to the log it has shown before
  overdue, alarms             what waits too long; what should not be
  cases                       what became of it; export everything of a case
  verify, open                check an exported case, open a sealed backup - offline

Exit codes: 0 done, 1 failed, 2 usage, 3 blocked and nothing changed,
5 the desk is not running, 6 refused (with a code, a sentence and a next step).`,
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().Bool("json", false, "print JSON instead of words")
	root.AddCommand(
		initCommand(), serveCommand(), enrolCommand(), issueCommand(), signCommand(), publishCommand(), collectCommand(),
		campaignCommand(), overdueCommand(), alarmsCommand(), logCommand(),
		ticketCommand(), ticketsCommand(), casesCommand(), verifyCommand(), openCommand(),
	)
	return root
}
