// Command readersim is a card reader in software, for demonstrations, tests and training: it makes a
// reader's memory file with its keys and serves it on a tty.
//
//	main.go   the program, and its errors in the language of LANG; init.go  a new reader; run.go  switching it on; control.go  talking to its socket
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"unbindd/agent/said"
)

// version is set by the build.
var version = "unknown"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := program().ExecuteContext(ctx); err != nil {
		complain(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

// complain tells an error, and where to read on, in the language of the machine.
func complain(w io.Writer, err error) {
	what, next := err.Error(), "Next: Read: readersim --help, or --help behind the verb."
	if strings.HasPrefix(cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG")), "zh") {
		what, next = said.Chinese(what), "下一步：请查看：readersim --help，或在动词后加 --help。"
	}
	fmt.Fprintf(w, "readersim: %s\n%s\n", what, next)
}

func program() *cobra.Command {
	root := &cobra.Command{
		Use:           "readersim",
		Short:         "A simulated card reader",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(initCommand(), runCommand(), controlCommand())
	return root
}
