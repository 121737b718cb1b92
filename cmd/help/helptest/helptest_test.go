package helptest

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// shop is a small program.
func shop() *cobra.Command {
	root := &cobra.Command{Use: "shop", Short: "A shop", Long: "A shop.\n\nIt sells."}
	sell := &cobra.Command{Use: "sell", Short: "Sell", Run: func(*cobra.Command, []string) {}}
	sell.Flags().String("to", "", "to whom, as in buyers.txt")
	sell.Flags().String("unseen", "", "nobody is shown this")
	if err := sell.Flags().MarkHidden("unseen"); err != nil {
		panic(err)
	}
	root.AddCommand(sell)
	return root
}

// Each way in which a catalogue falls short is found by itself, and says what to add or
// take out, and where.
func TestACatalogueThatFallsShort(t *testing.T) {
	good := map[string]string{"A shop": "商店", "It sells.": "卖东西。", "Sell": "卖出", "to whom, as in buyers.txt": "卖给谁，见 buyers.txt"}
	for name, c := range map[string]struct{ key, chinese, finds string }{
		"nothing":          {"Sell", "卖出", ""},
		"not there":        {"Sell", "", "shop sell is not there in Chinese; add to w/zh.json:\n  \"Sell\": \"…\""},
		"not a paragraph":  {"It sells.", "", "shop is not there in Chinese; add to w/zh.json:\n  \"It sells.\": \"…\""},
		"not a flag":       {"to whom, as in buyers.txt", "", "shop sell --to is not there in Chinese; add to w/zh.json:\n  \"to whom, as in buyers.txt\": \"…\""},
		"English":          {"Sell", "Selling", "shop sell is not there in Chinese; add to w/zh.json:\n  \"Sell\": \"…\""},
		"a file is lost":   {"to whom, as in buyers.txt", "卖给谁", "shop sell --to: its Chinese has lost the file or setting buyers.txt; put right in w/zh.json:\n  \"to whom, as in buyers.txt\": \"…\""},
		"said by nobody":   {"Buy", "买", "no verb and no flag says this any more; take it out of w/zh.json:\n  \"Buy\""},
		"shown to nobody":  {"nobody is shown this", "无人可见", "no verb and no flag says this any more; take it out of w/zh.json:\n  \"nobody is shown this\""},
		"of cobra already": {"Help about any command", "帮助", "\"Help about any command\" is in cmd/help/words/cobra.json; take it out of w/zh.json"},
	} {
		var lines []string
		all := map[string]string{c.key: c.chinese}
		for key, zh := range good {
			if key != c.key {
				all[key] = zh
			}
		}
		for key, zh := range all {
			if zh != "" {
				lines = append(lines, quote(key)+": "+quote(zh))
			}
		}
		found, err := texts(shop(), []byte("{"+strings.Join(lines, ", ")+"}"), "w/zh.json")
		if want := []string{c.finds}; err != nil || !slices.Equal(found, want) && c.finds+strings.Join(found, "") != "" {
			t.Errorf("%s: %v, %q, want %q", name, err, found, want)
		}
	}
}

// A page on which English is left is found, and an example that is no example.
func TestAPageThatFallsShort(t *testing.T) {
	root := shop()
	root.Example = "示例"
	found := strings.Join(pages(root, []byte(`{"A shop": "商店", "It sells.": "It is the shop."}`)), "\n")
	for _, want := range []string{"the help of shop in Chinese still says \" the \"", "an example is what is typed, in both languages, and one of shop is \"示例\""} {
		if !strings.Contains(found, want) {
			t.Errorf("%s is not found: %s", want, found)
		}
	}
}
