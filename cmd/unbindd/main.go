// Command unbindd is the daemon on a payment terminal: it keeps every
// transaction of the card reader, and takes the terminal out of service when a
// signed command says so.
//
//	main.go    the root, the exit codes
//	run.go     opens the parts and hands them to the agent
//	enrol.go   becoming bound, with an anchor that a person compared
//	check.go   the settings, all problems at once
//	language.go the two languages, and which one is spoken
//	ledger.go  the ledger looked at, mended and saved while no daemon runs;
//	           ledgertell.go what came of it, in words, figures and exit codes
//	image.go   what of this process others may see, and a new image of it
//	pause.go   the moments at which a test may cut the power
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/cmd/help"
)

// version is set by the linker.
var version = "dev"

// The exit codes of the daemon; the table is in docs/WIRE.md.
const (
	exitDone      = 0
	exitFailed    = 1
	exitUsage     = 2
	exitBlocked   = 3
	exitRefused   = 6
	exitRepaired  = 9
	exitBadConfig = 78
)

// errBadConfig marks an error of the settings.
var errBadConfig = errors.New("the settings cannot be used")

// errUsage marks a wrong call.
var errUsage = errors.New("wrong usage")

func main() { os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr)) }

func execute(args []string, out, problems io.Writer) int {
	c := root()
	c.SetArgs(args)
	c.SetOut(out)
	c.SetErr(problems)
	l := spoken(args)
	if l == envelope.Chinese {
		if err := help.InChinese(c, chineseHelp); err != nil {
			tell(problems, err, l)
			return exitFailed
		}
	}
	began := false
	marking(c, &began)
	err := c.Execute()
	if err != nil && !began {
		err = fmt.Errorf("%w: %w", errUsage, err)
	}
	var said ended
	if err != nil && !errors.As(err, &said) {
		tell(problems, err, l)
	}
	return exitCode(err)
}

// marking has every verb tell that it began: an error before that is about how it
// was called.
func marking(c *cobra.Command, began *bool) {
	if do := c.RunE; do != nil {
		c.RunE = func(c *cobra.Command, args []string) error {
			*began = true
			return do(c, args)
		}
	}
	for _, verb := range c.Commands() {
		marking(verb, began)
	}
}

func root() *cobra.Command {
	c := &cobra.Command{
		Use:           "unbindd",
		Short:         "Keep a payment terminal's transactions, and take the terminal out of service truthfully",
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version,
	}
	c.PersistentFlags().String("config", "", "settings file (default: the built-in settings)")
	c.PersistentFlags().StringSlice("set", nil, "one setting over the file's, as key=value (reader.path=/dev/ttyS1)")
	c.PersistentFlags().Var(new(help.Flag), "lang", "language of answers and help, zh or en (default: that of LC_ALL, LC_MESSAGES or LANG)")
	c.AddCommand(runCommand(), enrolCommand(), checkCommand(), ledgerCommand())
	help.Topics(c)
	return c
}

func exitCode(err error) int {
	var said ended
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &said):
		return int(said)
	case errors.Is(err, errBadConfig):
		return exitBadConfig
	case errors.Is(err, errUsage):
		return exitUsage
	case strings.HasPrefix(envelope.CodeOf(err), "E26"), errors.Is(err, journal.ErrLocked):
		return exitBlocked
	case envelope.CodeOf(err) != "":
		return exitRefused
	}
	return exitFailed
}

// tell prints an error for a person: what, why, code, and what to do now.
func tell(w io.Writer, err error, l envelope.Language) {
	var lines = "unbindd: " + heard(l, err.Error()) + "\n"
	if m, ok := envelope.MeaningAt(placeOf(err), envelope.CodeOf(err)); ok {
		lines += next.in(l, m.Next(l)) + "\n"
	} else if step := nextStep(err).in(l); step != "" {
		lines += next.in(l, step) + "\n"
	}
	if _, err := fmt.Fprint(w, lines); err != nil {
		return // nobody is there to be told
	}
}

// placed is an error that is told in the words of a place.
type placed struct {
	error
	at envelope.Place
}

func (p placed) Unwrap() error { return p.error }

func placeOf(err error) envelope.Place {
	var p placed
	if errors.As(err, &p) {
		return p.at
	}
	return envelope.AtTerminal
}

// next stands before what to do now.
var next = words{"Next: %s", "下一步：%s"}

// nextStep is what to do about an error that has no code.
func nextStep(err error) words {
	switch {
	case errors.Is(err, errUsage):
		return words{"Read: unbindd --help, or --help behind the verb.", "请查看：unbindd --help，或在动词后加 --help。"}
	case errors.Is(err, errBadConfig):
		return words{
			"Mend what is named, then look again: unbindd check --config FILE. Nothing was changed.",
			"请更正所述内容，再检查：unbindd check --config 文件。未作任何更改。",
		}
	case errors.Is(err, journal.ErrLocked) && placeOf(err) == envelope.AtEnrolment:
		return words{
			"Stop the daemon, enrol, and start it again: it would not notice that it is bound. Nothing was changed.",
			"请停止守护进程，登记后再启动：它不会察觉本终端已登记。未作任何更改。",
		}
	case errors.Is(err, journal.ErrLocked):
		return words{
			"Ask the daemon that runs (unbindctl status), or stop it first; nothing was changed.",
			"请询问正在运行的守护进程（unbindctl status），或先停止它；未作任何更改。",
		}
	case placeOf(err) == envelope.AtEnrolment:
		return words{
			"Mend the named cause and type the same again, with the same ticket: this terminal is not bound yet. If the desk does not answer, call its operator.",
			"请消除所述原因，用同一票据再次运行同一命令：本终端尚未登记。若后台没有应答，请联系后台人员。",
		}
	}
	return words{}
}
