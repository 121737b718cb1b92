package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"unbindd/cmd/help/helptest"
)

// Every verb and every flag is there in Chinese, and loses nothing on its way.
func TestTheHelpIsWholeInChinese(t *testing.T) {
	helptest.Whole(t, func() *cobra.Command { return new(tool).root() }, chineseHelp, "cmd/unbindctl/words/zh.json")
}

// The exit codes are told in the same words as an error that ends with one.
func TestExitCodesAreToldInTheWordsOfTheirTable(t *testing.T) {
	for _, row := range exits {
		if !strings.Contains(string(chineseHelp), "  "+row.means.zh) {
			t.Errorf("the help in Chinese does not say %d: %s", row.code, row.means.zh)
		}
	}
}
