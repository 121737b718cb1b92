package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"unbindd/agent/envelope"
)

// chineseSaid is what errors and checks say, in Chinese, by their English: an error is
// written once, in English, and goes to the log and to programs as it is. "said" has the
// parts of sentences, which errors put together with ": ", "checks" the names in a
// verification.
//
//go:embed words/said.json
var chineseSaid []byte

// saidWords are what chineseSaid holds.
type saidWords struct {
	Said   map[string]string `json:"said"`
	Checks map[string]string `json:"checks"`
	forms  []form
}

// form is a part of a sentence in which something varies.
type form struct {
	english *regexp.Regexp
	chinese string
	size    int
}

// argument is where a format takes one; spot is the same in the Chinese, where it may say which one.
var (
	argument = regexp.MustCompile(`%[-0-9.]*[a-zA-Z]`)
	spot     = regexp.MustCompile(`%(?:\[(\d)\])?s`)
	codeTail = regexp.MustCompile(`( \[E\d\d(:[a-z0-9-]+)?\])+$`)
	// apart is where a part may end, or what is quoted begins; quoted is that, or a lone mark.
	apart  = regexp.MustCompile("(: |[\"`])")
	quoted = regexp.MustCompile("^(?:\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`|[\"`])")
)

var catalogue = sync.OnceValue(func() saidWords {
	var w saidWords
	if err := json.Unmarshal(chineseSaid, &w); err != nil {
		panic(err) // it is compiled in, and a test reads it
	}
	for en, zh := range w.Said {
		parts := argument.Split(en, -1)
		if len(parts) == 1 {
			continue
		}
		size := 0
		for i, part := range parts {
			size += len(part)
			parts[i] = regexp.QuoteMeta(part)
		}
		w.forms = append(w.forms, form{regexp.MustCompile("(?s)^" + strings.Join(parts, "(.+?)") + "$"), zh, size})
	}
	slices.SortFunc(w.forms, func(a, b form) int { return b.size - a.size }) // the most definite first
	return w
})

// translated is an error, or the detail of a check, in the language of whoever reads. What is
// not ours, as what the system says, stays as it is.
func translated(text string) string {
	if language() != envelope.Chinese {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = catalogue().sentence(line)
	}
	return strings.Join(lines, "\n")
}

func (w saidWords) sentence(text string) string {
	code := codeTail.FindString(text)
	var out strings.Builder
	ours := true // the part before
	for i, part := range clauses(strings.TrimSuffix(text, code)) {
		said := part
		if zh, ok := w.Checks[part]; ok {
			said = zh
		}
		said = w.part(said)
		switch was := ours; {
		case i == 0:
		case was || said != part:
			out.WriteString("：")
		default:
			out.WriteString(": ") // of a name of somebody else's, it may be
		}
		out.WriteString(said)
		ours = said != part
	}
	return out.String() + code
}

// clauses cuts a sentence at each ": " that is in no quotation marks.
func clauses(text string) (parts []string) {
	rest := text
	for begin := 0; begin < len(rest); {
		at := begin + apart.FindStringIndex(rest[begin:] + ": ")[0]
		if at >= len(rest) {
			break
		}
		if rest[at] != ':' {
			begin = at + len(quoted.FindString(rest[at:]))
			continue
		}
		parts, rest, begin = append(parts, rest[:at]), rest[at+2:], 0
	}
	return append(parts, rest)
}

func (w saidWords) part(text string) string {
	if zh, ok := w.Said[text]; ok {
		return zh
	}
	for _, f := range w.forms {
		if m := f.english.FindStringSubmatch(text); m != nil {
			return fill(f.chinese, m[1:], w.part)
		}
	}
	return text
}

// fill puts the arguments in, in their own language where they are words of ours.
func fill(chinese string, args []string, in func(string) string) string {
	at := spots(chinese)
	n := 0
	return spot.ReplaceAllStringFunc(chinese, func(string) string { n++; return in(args[at[n-1]]) })
}

// spots are the arguments that the Chinese takes, one after the other.
func spots(chinese string) (at []int) {
	for n, m := range spot.FindAllStringSubmatch(chinese, -1) {
		if m[1] != "" {
			n = int(m[1][0] - '1')
		}
		at = append(at, n)
	}
	return at
}

// checkName is the name of a check, or the word for how it went.
func checkName(name string) string {
	if zh := catalogue().Checks[name]; language() == envelope.Chinese && zh != "" {
		return zh
	}
	return name
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
