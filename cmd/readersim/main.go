// Command readersim is a card reader in software, for demonstrations, tests and training: it makes a
// reader's memory file with its keys and serves it on a tty.
//
//	main.go   the program, and its words in two languages; init.go  a new reader; run.go  switching it on; control.go  talking to its socket
package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"unbindd/agent/said"
	"unbindd/cmd/help"
)

// version is set by the build.
var version = "unknown"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := program()
	chinese := help.Wanted(os.Args[1:], os.Getenv)
	var err error
	if chinese {
		err = help.InChinese(root, chineseHelp)
	}
	if err == nil {
		err = root.ExecuteContext(ctx)
	}
	if err != nil {
		complain(os.Stderr, err, chinese)
		stop()
		os.Exit(1)
	}
}

// chineseHelp is the help in Chinese, by its English.
//
//go:embed words/zh.json
var chineseHelp []byte

// complain tells an error, and where to read on.
func complain(w io.Writer, err error, chinese bool) {
	what, next := err.Error(), "Next: Read: readersim --help, or --help behind the verb."
	if chinese {
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
	root.PersistentFlags().Var(new(help.Flag), "lang", "language of answers and help, zh or en")
	root.AddCommand(initCommand(), runCommand(), controlCommand())
	help.Topics(root)
	return root
}
