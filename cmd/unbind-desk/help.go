package main

import _ "embed"

// chineseHelp is the help in Chinese, by its English.
//
//go:embed words/zh.json
var chineseHelp []byte
