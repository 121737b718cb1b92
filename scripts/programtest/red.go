package programtest

import "strings"

// Red keeps of what tests said, as -test.v prints it, the lines of those that failed or
// did not come to an end: thousands of lines of the others hide them, and are cut where a
// run prints too much. What belongs to no test (the last word) is kept too.
func Red(said string) string {
	failed := map[string]bool{"": true}
	for line := range strings.Lines(said) {
		if name, ok := speaker(line); ok {
			failed[name] = true // until it is told otherwise: a process that dies tells nothing
		}
		for _, well := range []string{"--- PASS: ", "--- SKIP: "} {
			if name, ok := verdict(line, well); ok {
				failed[name] = false
			}
		}
	}
	var kept strings.Builder
	at := ""
	for line := range strings.Lines(said) {
		if name, ok := speaker(line); ok {
			at = name
			continue
		}
		switch name, over := verdict(line, "--- FAIL: "); {
		case over:
			at = name
		case strings.HasPrefix(strings.TrimSpace(line), "--- "):
			at = ""
			continue
		case strings.HasPrefix(line, "FAIL"), strings.HasPrefix(line, "panic: "):
			at = ""
		}
		if failed[at] {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// speaker is the test whose lines follow.
func speaker(line string) (name string, ok bool) {
	rest, ok := strings.CutPrefix(line, "=== ")
	if words := strings.Fields(rest); ok && len(words) == 2 {
		return words[1], true
	}
	return "", false
}

// verdict is the test whose end a line tells.
func verdict(line, of string) (name string, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(line), of)
	name, _, _ = strings.Cut(rest, " ")
	return name, ok
}
