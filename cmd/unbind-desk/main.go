// Command unbind-desk is the reference back office of unbindd: it enrols
// terminals, issues commands for people to sign, receives backups and
// certificates and signs for them, and verifies a case without itself.
//
// The verbs that need the store speak to the running desk over its socket; sign,
// ticket, verify and open work on files and need no desk. One file a verb:
//
//	init.go     found a desk's directory
//	serve.go    run the desk
//	console.go  a way into the running desk's console
//	enrol.go    admit a terminal, get its ticket
//	issue.go    open a case with an unsigned command; follow.go later orders
//	sign.go     sign a file; collect.go keep signatures together; words.go says what is being signed
//	campaign.go many commands at once, with their number under the signatures
//	publish.go  hand a signed order to the desk
//	courier.go  a folder that somebody carries, both ways
//	ticket.go   sign a reader's ticket; tickets.go the same, unattended
//	cases.go    list, show, export
//	log.go      hold the desk to its log
//	caps.go     how many commands a day
//	clock.go    whether the desk is sure of its clock
//	overdue.go  what waits too long, what should not be
//	verify.go   check an exported case
//	open.go     open a sealed backup; salvage.go what was saved of a ledger
//	trust.go    whom terminals believe: show; trustdraft.go, trustsign.go (and check), trustmove.go (publish, export), trustwords.go
//	custody.go  a custodian opens and counts a backup again; validate.go a second person's word on a certificate; second.go both
//	language.go  the two languages; help.go the help in Chinese, by package help; said.go errors and checks, by package said
//	exit.go     exit codes and how errors are told; next.go what a person does next
//	output.go   words or JSON
package main

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
	"unbindd/cmd/help"
)

// version is set by the build.
var version = "unknown"

func main() {
	if err := heed(os.Args[1:]); err != nil {
		os.Exit(tell(os.Stderr, err, false))
	}
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errOut)
	if language() == envelope.Chinese {
		if err := help.InChinese(root, chineseHelp); err != nil {
			return tell(errOut, err, false)
		}
	}
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
  console                     a link into the running desk's web page
  enrol                       let a terminal become bound
  issue, sign, publish        order an unbinding: drafted, signed by people, offered
  ticket, tickets             sign what a card reader wants to see before it erases
  courier                     carry between a folder and the desk, for terminals without a network
  collect                     keep the signatures of several people together
  caps                        how many commands may be published in a day
  clock                       whether the desk is sure of its own, before terminals believe it
  trust                       whom terminals believe: draft the next version, sign, publish, carry
  log                         hold the desk to the log it has shown before
  overdue, alarms             what waits too long; what should not be
  cases                       what became of it; export everything of a case
  custody, validate           a second person counts the backup again, and says what the certificate is worth
  verify, open                check an exported case, open a sealed backup - offline

Exit codes: 0 done, 1 failed, 2 usage, 3 blocked and nothing changed,
5 the desk is not running, 6 refused (with a code, a sentence and a next step),
9 overdue lists a case, or alarms one that is not settled.

Words are in Chinese or English, by --lang, UNBIND_DESK_LANG, LC_ALL, LC_MESSAGES
or LANG.`,
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().Bool("json", false, "print JSON instead of words")
	root.PersistentFlags().Var(new(help.Flag), "lang", "language of answers and help, zh or en")
	root.AddCommand(
		initCommand(), serveCommand(), consoleCommand(), enrolCommand(), issueCommand(), signCommand(), publishCommand(), collectCommand(),
		campaignCommand(), overdueCommand(), alarmsCommand(), capsCommand(), clockCommand(), logCommand(),
		ticketCommand(), ticketsCommand(), casesCommand(), verifyCommand(), openCommand(), trustCommand(), custodyCommand(), validateCommand(),
		courierCommand(),
	)
	help.Topics(root)
	return root
}
