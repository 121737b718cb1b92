package helptest

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"unbindd/cmd/help"
)

// left are words that cobra, or a text that was passed over, would leave in a page.
var left = []string{
	"Usage:", "Flags:", "Examples:", "Aliases:", "Available", "[flags]", "[command]", "(default", "help for", "version for", " the ", " for more",
	" string ", " stringArray ", " strings ", " int ", " uint ", " duration ",
}

// pages are the findings about what is shown.
func pages(root *cobra.Command, catalogue []byte) (found []string) {
	var page strings.Builder
	root.SetOut(&page)
	root.SetErr(&page)
	if err := help.InChinese(root, catalogue); err != nil {
		return []string{err.Error()}
	}
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		page.Reset()
		if err := c.Help(); err != nil || !strings.Contains(page.String(), "用法：") {
			found = append(found, fmt.Sprintf("the help of %s in Chinese: %v\n%s", c.CommandPath(), err, page.String()))
		}
		for _, en := range left {
			if strings.Contains(page.String(), en) {
				found = append(found, fmt.Sprintf("the help of %s in Chinese still says %q:\n%s", c.CommandPath(), en, page.String()))
			}
		}
		for line := range strings.Lines(c.Example) {
			if !strings.HasPrefix(line, "  ") || han(line) {
				found = append(found, fmt.Sprintf("an example is what is typed, in both languages, and one of %s is %q", c.CommandPath(), line))
			}
		}
		for _, verb := range c.Commands() {
			look(verb)
		}
	}
	look(root)
	return found
}
