package help

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// kinds are the names that pflag gives to values of flags that name none themselves.
var kinds = map[string]string{
	"string": "值", "strings": "值", "stringArray": "值", "int": "整数", "uint": "整数", "float": "数", "duration": "时长", "value": "值",
}

// table is what pflag shows of flags, in Chinese, and in columns also where a name of a
// value is.
func table(flags *pflag.FlagSet) string {
	var names, uses []string
	widest := 0
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		name, use := shown(f)
		names, uses = append(names, name), append(uses, use)
		widest = max(widest, width(name))
	})
	var b strings.Builder
	for i, name := range names {
		fmt.Fprintf(&b, "%s%s   %s\n", name, strings.Repeat(" ", widest-width(name)), uses[i])
	}
	return b.String()
}

// shown is a flag with the name of its value, and what it is for.
func shown(f *pflag.Flag) (name, use string) {
	name = "      --" + f.Name
	if f.Shorthand != "" {
		name = "  -" + f.Shorthand + ", --" + f.Name
	}
	value, use := pflag.UnquoteUsage(f)
	if zh := kinds[value]; zh != "" {
		value = zh
	}
	if value != "" {
		name += " " + value
	}
	kind := f.Value.Type()
	switch {
	case kind == "string" && f.DefValue != "":
		use += fmt.Sprintf("（默认 %q）", f.DefValue)
	case kind != "string" && !slices.Contains([]string{"", "false", "0", "0s", "[]", "<nil>"}, f.DefValue):
		use += fmt.Sprintf("（默认 %s）", f.DefValue)
	}
	return name, use
}

// width is how many columns a text takes: what is Chinese takes two each.
func width(s string) (columns int) {
	for _, r := range s {
		if columns++; r > 0x2e7f {
			columns++
		}
	}
	return columns
}
