package main

import (
	"strings"
	"testing"
	"unicode"

	"unbindd/cmd/help/helptest"
)

// Every verb and every flag is there in Chinese, and loses nothing on its way.
func TestTheHelpIsWholeInChinese(t *testing.T) {
	helptest.Whole(t, rootCommand, chineseHelp, "cmd/unbind-desk/words/zh.json")
}

func han(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}
