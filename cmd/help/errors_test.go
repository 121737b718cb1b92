package help

import (
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"unbindd/agent/said"
)

// shop is a program in which everything can be called wrongly.
func shop() *cobra.Command {
	do := func(*cobra.Command, []string) error { return nil }
	root := &cobra.Command{Use: "shop", SilenceErrors: true, SilenceUsage: true}
	sell := &cobra.Command{Use: "sell", Args: cobra.NoArgs, RunE: do}
	f := sell.Flags()
	f.Duration("wait", time.Second, "")
	f.Int("count", 0, "")
	f.Uint("seed", 0, "")
	f.Bool("dry", false, "")
	f.String("one", "", "")
	f.String("other", "", "")
	f.String("must", "", "")
	f.Var(new(Flag), "lang", "")
	if err := sell.MarkFlagRequired("must"); err != nil {
		panic(err)
	}
	sell.MarkFlagsMutuallyExclusive("one", "other")
	sell.MarkFlagsOneRequired("one", "other")
	root.AddCommand(
		sell,
		&cobra.Command{Use: "exact", Args: cobra.ExactArgs(2), RunE: do},
		&cobra.Command{Use: "least", Args: cobra.MinimumNArgs(1), RunE: do},
		&cobra.Command{Use: "most", Args: cobra.MaximumNArgs(1), RunE: do},
		&cobra.Command{Use: "range", Args: cobra.RangeArgs(1, 2), RunE: do},
		&cobra.Command{Use: "paint", Args: cobra.OnlyValidArgs, ValidArgs: []string{"red"}, RunE: do},
	)
	both := &cobra.Command{Use: "both", RunE: do}
	both.Flags().String("a", "", "")
	both.Flags().String("b", "", "")
	both.MarkFlagsRequiredTogether("a", "b")
	root.AddCommand(both)
	Topics(root)
	return root
}

// typedAs is what the person who called typed, or has to type.
var typedAs = regexp.MustCompile(`"[^"]*"|'[^']*'|\[[^\]]*\]|--?[a-z=]+|true|false|30s|10m|\tsell\b|\bb\b|\bone other\b|\bzh\b|\ben\b`)

// What cobra and pflag, and the packages that read values for them, say of a wrong call is
// said in Chinese, with nothing left but what was typed.
func TestAWrongCallIsToldInChinese(t *testing.T) {
	for call, wants := range map[string]string{
		"nonsense":                          "\"shop\" 没有动词 \"nonsense\"",
		"sel":                               "是否想输入：\n\tsell",
		"help nonsense":                     "没有 \"nonsense\" 的帮助",
		"help sell x":                       "没有 \"sell x\" 的帮助",
		"sell x":                            "\"shop sell\" 没有动词 \"x\"",
		"sell --nonsense":                   "未知选项：--nonsense",
		"sell -x":                           "未知短选项：-x 中的 'x'",
		"sell --count":                      "选项缺少值：--count",
		"sell --=x":                         "选项写法不正确：--=x",
		"sell --one a":                      "缺少必需的选项 --must",
		"sell --must a":                     "选项 --one、--other 至少须给出其一",
		"sell --must a --one b --other c":   "选项 --one、--other 只能给出其一；给出了 --one、--other",
		"both --a x":                        "选项 --a、--b 须同时给出；缺少 --b",
		"sell --count x":                    "选项 \"--count\" 的值 \"x\" 无效：应为整数：读到 \"x\"：写法不正确",
		"sell --count 99999999999999999999": "超出范围",
		"sell --seed -1":                    "应为非负整数",
		"sell --dry=perhaps":                "应为 true 或 false",
		"sell --wait 5":                     "\"5\" 没有单位，应如 30s 或 10m",
		"sell --wait 5x":                    "\"5x\" 的单位 \"x\" 未知",
		"sell --wait x":                     "\"x\" 不是时长",
		"sell --lang fr":                    "\"fr\" 既不是 zh 也不是 en",
		"exact a":                           "应有 2 个参数，给出了 1 个",
		"least":                             "至少应有 1 个参数，只给出 0 个",
		"most a b":                          "至多应有 1 个参数，给出了 2 个",
		"range":                             "应有 1 至 2 个参数，给出了 0 个",
		"paint fish":                        "\"shop paint\" 的参数 \"fish\" 无效",
	} {
		root := shop()
		if strings.HasPrefix(call, "help ") {
			root.Args = cobra.NoArgs // as unbindctl has it: every topic is found, and is the root
		}
		root.SetArgs(strings.Fields(call))
		root.SetOut(io.Discard)
		root.SetErr(io.Discard)
		err := root.Execute()
		if err == nil {
			t.Errorf("%q is no wrong call", call)
			continue
		}
		zh := said.Chinese(err.Error())
		if rest := typedAs.ReplaceAllString(zh, ""); !strings.Contains(zh, wants) || regexp.MustCompile(`[A-Za-z]`).MatchString(rest) {
			t.Errorf("%q: %v\nis said as %s\nwant %s", call, err, zh, wants)
		}
	}
}
