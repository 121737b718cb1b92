package help

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// marks are the words between brackets that cobra puts into a command line.
var marks = strings.NewReplacer("[flags]", "[选项]", "[command]", "[动词]", "[path to command]", "[动词]")

// usage writes what cobra writes of a verb, in Chinese. A template would do it in fewer
// lines and bring text/template into every program.
func usage(c *cobra.Command) error {
	local, inherited := c.LocalFlags(), c.InheritedFlags()
	var b strings.Builder
	b.WriteString("用法：\n")
	if c.Runnable() {
		fmt.Fprintf(&b, "  %s\n", marks.Replace(c.UseLine()))
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s [动词]\n", c.CommandPath())
	}
	if len(c.Aliases) > 0 {
		fmt.Fprintf(&b, "\n别名：\n  %s\n", c.NameAndAliases())
	}
	if c.HasExample() {
		fmt.Fprintf(&b, "\n示例：\n%s\n", c.Example)
	}
	if c.HasAvailableSubCommands() {
		b.WriteString("\n可用动词：\n")
		for _, verb := range c.Commands() {
			if verb.IsAvailableCommand() || verb.Name() == "help" {
				fmt.Fprintf(&b, "  %-*s %s\n", verb.NamePadding(), verb.Name(), verb.Short)
			}
		}
	}
	if c.HasAvailableLocalFlags() {
		b.WriteString("\n选项：\n" + table(local))
	}
	if c.HasAvailableInheritedFlags() {
		b.WriteString("\n全局选项：\n" + table(inherited))
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\n用 \"%s [动词] --help\" 查看各动词的说明。\n", c.CommandPath())
	}
	_, err := fmt.Fprint(c.OutOrStderr(), b.String())
	return err
}
