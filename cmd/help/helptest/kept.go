package helptest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// kept are what stays as it is in both languages, by what a person would call it.
var kept = []struct {
	what string
	form *regexp.Regexp
}{
	{"flag", regexp.MustCompile(`(?:^|[^a-z-])(--[a-z][a-z-]*)`)},
	{"file or setting", regexp.MustCompile(`(?:^|[^A-Za-z0-9_/~-])((?:~?/)?[a-z0-9][a-z0-9_/-]*(?:\.[a-z][a-z0-9_-]*)+)`)},
	{"path", regexp.MustCompile(`(?:^|[\s"(=])((?:~?/)[a-z][A-Za-z0-9_./-]*[A-Za-z0-9])`)},
	{"variable", regexp.MustCompile(`\b([A-Z][A-Z0-9]*_[A-Z0-9_]+|LANG)\b`)},
	{"placeholder", regexp.MustCompile(`\b(DIR|FOLDER|PATH|PROGRAM|NEXT|NAME|URL|PORT|DESK)\b`)},
	{"address", regexp.MustCompile(`\b((?:mqtts?|https?)://)`)},
	{"code", regexp.MustCompile(`\b(E[0-9]{2}(?::[a-z-]+)?)\b`)},
	{"number", regexp.MustCompile(`\b[0-9]+\b`)},
	{"verb", regexp.MustCompile(`\b(unbind(?:d|ctl|-desk)(?: (?:run|check|ledger [a-z]+|load|sign|open|publish|verify|console|cases [a-z]+))?)`)},
	{"argument", regexp.MustCompile(`%(?:\[\d\])?[a-z]`)},
}

// names are of values of flags; they may be in their own language, and each text has one
// where the other has.
var names = regexp.MustCompile("`[^`]+`")

// quotedText is what a person types or sees as it stands; a longer one is a sentence.
var quotedText = regexp.MustCompile(`"([^"]{1,40})"`)

// missing says what of a text is not in its Chinese, and what is there and not in the
// text.
func missing(english, chinese string) (all []string) {
	for _, k := range kept {
		en, zh := found(k.form, english), found(k.form, chinese)
		for _, word := range en {
			if !strings.Contains(chinese, word) {
				all = append(all, fmt.Sprintf("has lost the %s %s", k.what, word))
			}
		}
		for _, word := range zh {
			if !slices.Contains(en, word) && !strings.Contains(english, word) {
				all = append(all, fmt.Sprintf("has a %s that the English has not: %s", k.what, word))
			}
		}
	}
	for _, m := range quotedText.FindAllStringSubmatch(english, -1) {
		if !strings.Contains(chinese, m[1]) {
			all = append(all, "has lost what is quoted, "+m[0])
		}
	}
	if en, zh := len(names.FindAllString(english, -1)), len(names.FindAllString(chinese, -1)); en != zh {
		all = append(all, fmt.Sprintf("has %d names of a value between backquotes and not %d", zh, en))
	}
	if en, zh := rows(english), rows(chinese); en != zh {
		all = append(all, fmt.Sprintf("has %d rows of a list and not %d", zh, en))
	}
	return all
}

func found(form *regexp.Regexp, text string) (all []string) {
	for _, m := range form.FindAllStringSubmatch(text, -1) {
		all = append(all, m[len(m)-1])
	}
	return all
}

// rows are the lines of a list: what begins with two spaces, and a word at once or a
// number.
func rows(text string) (n int) {
	for line := range strings.Lines(text) {
		if rest, indented := strings.CutPrefix(line, "  "); indented && (!strings.HasPrefix(rest, "        ")) {
			n++
		}
	}
	return n
}
