package main

import (
	_ "embed"
	"os"

	"unbindd/cmd/help"
)

// chineseHelp is the help in Chinese, by its English.
//
//go:embed words/zh.json
var chineseHelp []byte

// heed takes --lang out of the arguments for the whole process, as UNBIND_DESK_LANG.
func heed(args []string) error {
	if name := help.Asked(args); name != "" {
		return os.Setenv("UNBIND_DESK_LANG", name)
	}
	return nil
}
