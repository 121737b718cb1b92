package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/directory"
	"unbindd/cmd/unbind-desk/internal/serve"
	"unbindd/cmd/unbind-desk/internal/store"
)

// The exit codes of the house that this program uses.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitBlocked     = 3
	exitUnreachable = 5
	exitRefused     = 6
	exitListed      = 9
)

// errBlocked marks what changed nothing because something stands in the way.
var errBlocked = errors.New("nothing was changed")

// errListed says that a list of what should not be has something in it: no error, and yet
// whoever runs the verb by a timer must hear of it.
var errListed = errors.New("there are some")

// errMisuse marks a flag whose value cannot be used.
var errMisuse = errors.New("see --help")

func misuse(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, errMisuse)...)
}

// attempted marks an error of a verb that began; every other one is about how
// it was called.
type attempted struct{ error }

func (a attempted) Unwrap() error { return a.error }

// does wraps a verb, so that usage errors are told from what it met.
func does(verb func(c *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		if err := verb(c, args); err != nil {
			return attempted{err}
		}
		return nil
	}
}

func exitCode(err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errListed):
		return exitListed
	case !errors.As(err, &attempted{}), errors.Is(err, errMisuse):
		return exitUsage
	case errors.Is(err, serve.ErrUnreachable):
		return exitUnreachable
	case errors.Is(err, errBlocked), errors.Is(err, directory.ErrExists), errors.Is(err, store.ErrInUse), errors.Is(err, fs.ErrExist):
		return exitBlocked
	case errors.Is(err, errNotVerified):
		return exitFailed
	case envelope.CodeOf(err) != "":
		return exitRefused
	}
	return exitFailed
}

// tell writes an error for people or as JSON, and returns the exit code.
func tell(w io.Writer, err error, asJSON bool) int {
	if err == nil {
		return exitDone
	}
	if errors.Is(err, errListed) { // the list said everything
		return exitListed
	}
	out := serve.Refusal{Code: envelope.CodeOf(err), Message: err.Error(), Next: advice(err)}
	if asJSON {
		text, merr := json.Marshal(out)
		if merr != nil {
			text = []byte(`{"code":"","message":"the error cannot be written","next":""}`)
		}
		fmt.Fprintf(w, "%s\n", text)
		return exitCode(err)
	}
	fmt.Fprintf(w, "unbind-desk: %s\n", translated(out.Message))
	if m, ok := envelope.MeaningAt(envelope.AtDesk, out.Code); ok {
		fmt.Fprintf(w, "  %s: %s\n", m.Code, m.Sentence(language()))
	}
	if out.Next != "" {
		fmt.Fprintf(w, "  %s\n", text{"Next: %s", "下一步：%s"}.in(out.Next))
	}
	return exitCode(err)
}

func nextStep(err error) string {
	if next := serve.NextStep(envelope.CodeOf(err), language()); next != "" {
		return next
	}
	if m, ok := envelope.MeaningAt(envelope.AtDesk, envelope.CodeOf(err)); ok {
		return m.Next(language())
	}
	switch exitCode(err) {
	case exitUsage:
		return text{"See unbind-desk --help, or --help behind the verb.", "参见 unbind-desk --help，或在动词后加 --help。"}.in()
	case exitUnreachable:
		return text{"Start it with unbind-desk serve --dir DIR, and give the same --dir here.", "请用 unbind-desk serve --dir DIR 启动，并在此处给出同一个 --dir。"}.in()
	case exitBlocked:
		return text{"Nothing was changed; choose another place, or end what is in the way.", "未作任何更改；请另选位置，或先结束妨碍的事项。"}.in()
	}
	if errors.Is(err, errNotVerified) {
		return text{
			"Do not rely on this case. Get what has failed anew from whoever exported it (unbind-desk cases export), and verify that.",
			"请勿信赖该案件。请向导出者重新索取未通过的内容（unbind-desk cases export），再行核验。",
		}.in()
	}
	return text{"Mend the named cause and type the same again.", "请消除所述原因后再次运行同一命令。"}.in()
}
