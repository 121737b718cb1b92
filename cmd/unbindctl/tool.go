package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
	"unbindd/agent/local"
	"unbindd/cmd/help"
)

// schema names the form of this tool's own JSON, where it is not the daemon's.
const schema = "unbindctl/v1"

// answerTime is how long one question may take before the daemon counts as
// silent.
const answerTime = 30 * time.Second

// maxFile bounds what is read of one file or of standard input, in bytes.
const maxFile = 4 << 20

// screen is what standard output can show. Live means that it is a terminal on
// which a page can be redrawn in place.
type screen struct {
	live bool
	size func() (columns, rows int)
}

// tool is one run of the program.
type tool struct {
	in     io.Reader
	out    *paper
	err    *paper
	env    func(string) string
	now    func() time.Time
	screen screen

	socket  string
	lang    string
	json    bool
	quiet   bool
	noColor bool

	client *local.Client
	ran    bool // a verb began, so that an error is no longer one of usage
}

// run carries out one command line and returns the exit code.
func (t *tool) run(ctx context.Context, args []string) exit {
	root := t.root()
	root.SetArgs(args)
	root.SetIn(t.in)
	root.SetOut(t.out)
	root.SetErr(t.err)
	err := t.helped(root, args)
	if err == nil {
		err = root.ExecuteContext(ctx)
	}
	if err != nil && !t.ran {
		err = t.unstarted(err)
	}
	if err == nil {
		err = t.out.failed()
	}
	code := exitOf(err)
	if !said(err) {
		t.complain(err, code)
	}
	return code
}

// helped puts the help into the language that the command line asks for, and with it
// what is said before a verb begins. A language that cannot be used is an error only
// where a verb begins: help is given all the same.
func (t *tool) helped(root *cobra.Command, args []string) error {
	t.out.lang = spoken(args, t.env)
	t.err.lang = t.out.lang
	if t.err.lang != envelope.Chinese {
		return nil
	}
	return help.InChinese(root, chineseHelp)
}

// unstarted takes an error that came before any verb began: cobra's own about
// the command line, or one of the language.
func (t *tool) unstarted(err error) error {
	var f *fault
	if errors.As(err, &f) {
		return err
	}
	return misuse(err)
}

// verb makes a cobra function of a verb that is told in args what to do.
func (t *tool) verb(do func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := checkLanguage(t.lang, t.env); err != nil {
			return err
		}
		t.ran = true
		return do(cmd.Context(), args)
	}
}

// question makes one of a verb that asks the daemon.
func (t *tool) question(do func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		return t.verb(func(ctx context.Context, args []string) error {
			if err := t.connect(cmd.Flags().Changed("socket")); err != nil {
				return err
			}
			return do(ctx, args)
		})(cmd, args)
	}
}

// connect decides the socket: flag before environment before default. A wrong
// flag is misuse, a wrong environment is bad settings.
func (t *tool) connect(flag bool) error {
	socket, wrong := t.socket, misuse
	if own := t.env("UNBINDCTL_SOCKET"); own != "" && !flag {
		socket, wrong = own, misconfigured
	}
	// The kernel's limit for the path of a socket is 107 bytes and a zero.
	if socket == "" || len(socket) > 107 {
		return wrong(fmt.Errorf("cannot use the socket path: it has %d bytes, 1 to 107 are possible", len(socket)))
	}
	t.client = local.NewClient(socket)
	return nil
}

// ask bounds one question to the daemon.
func ask[T any](ctx context.Context, question func(context.Context) (T, error)) (T, error) {
	return askWithin(ctx, answerTime, question)
}

// askWithin bounds one that may take longer.
func askWithin[T any](ctx context.Context, longest time.Duration, question func(context.Context) (T, error)) (T, error) {
	bounded, stop := context.WithTimeoutCause(ctx, longest, errNoAnswer)
	defer stop()
	answer, err := question(bounded)
	if err != nil && context.Cause(bounded) == errNoAnswer {
		return answer, errNoAnswer
	}
	return answer, err
}
