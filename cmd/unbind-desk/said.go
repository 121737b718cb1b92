package main

import (
	"fmt"
	"strings"

	"unbindd/agent/envelope"
	"unbindd/agent/said"
)

// translated is an error, or the detail of a check, in the language of whoever reads. What is
// not ours, as what the system says, stays as it is.
func translated(text string) string {
	if language() != envelope.Chinese {
		return text
	}
	return said.Chinese(text)
}

// checkName is the name of a check, or the word for how it went, or for a state or an object of a case.
func checkName(name string) string {
	if language() != envelope.Chinese {
		return name
	}
	return said.Word(name)
}

// column is a word and the space behind it; what is Chinese is two columns wide.
func column(word string, width int) string {
	has := 0
	for _, r := range word {
		if has++; r > 0x2e7f {
			has++
		}
	}
	return fmt.Sprint(word, strings.Repeat(" ", max(1, width-has)))
}
