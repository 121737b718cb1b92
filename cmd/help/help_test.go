package help

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// A page has everything that cobra's has, in columns, and the program's own texts come
// from its catalogue: a paragraph by itself, a sentence by its short text, and what is
// typed as it stands.
func TestAPageInChinese(t *testing.T) {
	root := &cobra.Command{Use: "shop", Short: "A shop", Version: "1"}
	sell := &cobra.Command{
		Use: "sell THING", Aliases: []string{"give"}, Short: "Sell it", Long: "Sell it.\n\nOne at a time:\n\n\tshop sell x", Example: "  shop sell x",
		Run: func(*cobra.Command, []string) {},
	}
	sell.Flags().String("to", "anybody", "to `whom`")
	sell.Flags().IntP("count", "c", 0, "how many")
	sell.Flags().Duration("wait", 1e9, "not in the catalogue")
	sell.Flags().String("secret", "", "hidden")
	if err := sell.Flags().MarkHidden("secret"); err != nil {
		t.Fatal(err)
	}
	root.PersistentFlags().Var(new(Flag), "lang", "language")
	root.AddCommand(sell)
	Topics(root)
	if err := InChinese(root, []byte(`{"A shop": "商店", "Sell it": "卖出", "One at a time:": "一次一件：", "to `+"`whom`"+`": "卖给`+"`某人`"+`", "how many": "几件", "language": "语言"}`)); err != nil {
		t.Fatal(err)
	}
	page := func(args ...string) string {
		var out strings.Builder
		root.SetOut(&out)
		root.SetErr(&out)
		root.SetArgs(args)
		if err := root.Execute(); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	for want, args := range map[string][]string{
		`卖出。

一次一件：

	shop sell x

用法：
  shop sell THING [选项]

别名：
  sell, give

示例：
  shop sell x

选项：
  -c, --count 整数   几件
  -h, --help         显示帮助
      --to 某人      卖给某人（默认 "anybody"）
      --wait 时长    not in the catalogue（默认 1s）

全局选项：
      --lang zh|en   语言
`: {"sell", "--help"},
		`商店

用法：
  shop [动词]

可用动词：
  completion  生成指定 shell 的自动补全脚本
  help        任一动词的帮助
  sell        卖出

选项：
  -h, --help         显示帮助
      --lang zh|en   语言
  -v, --version      显示版本

用 "shop [动词] --help" 查看各动词的说明。
`: nil,
	} {
		if got := page(args...); got != want {
			t.Errorf("%v says\n%s\nwant\n%s", args, got, want)
		}
	}
	if got := page("help", "sell"); !strings.HasPrefix(got, "卖出。") {
		t.Errorf("the verb help says %s", got)
	}
	if InChinese(root, []byte("no JSON")) == nil {
		t.Error("a catalogue that is none was taken")
	}
}

// Nothing that cobra says by itself is missing in its catalogue, and nothing is in it that
// it says no more.
func TestCobrasOwnTexts(t *testing.T) {
	root := &cobra.Command{Use: "shop", Short: "PROGRAM", Version: "1"}
	root.AddCommand(&cobra.Command{Use: "sell", Short: "PROGRAM", Run: func(*cobra.Command, []string) {}})
	words, err := Read(Cobra)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, text := range Texts(root) {
		zh, key := words.Find(text.Bare(root))
		if used[key] = true; zh == "" && text.English != "PROGRAM" {
			t.Errorf("add to cmd/help/words/cobra.json, with PROGRAM in the place of shop: %s: %q", text.At, text.English)
		}
	}
	for key := range words {
		if !used[key] {
			t.Errorf("take out of cmd/help/words/cobra.json: %q", key)
		}
	}
}
