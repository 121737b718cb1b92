package main

import (
	"testing"

	"unbindd/cmd/help/helptest"
)

// Every verb and every flag is there in Chinese, and loses nothing on its way.
func TestTheHelpIsWholeInChinese(t *testing.T) {
	helptest.Whole(t, program, chineseHelp, "cmd/readersim/words/zh.json")
}
