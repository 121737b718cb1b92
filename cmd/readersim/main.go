// Command readersim is a card reader in software, for demonstrations, tests and training: it makes a
// reader's memory file with its keys and serves it on a tty.
//
//	main.go   the program; init.go  a new reader; run.go  switching it on; control.go  talking to its socket
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the build.
var version = "unknown"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := program().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "readersim:", err)
		stop()
		os.Exit(1)
	}
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
