package configs

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with the settings.
type Problem struct {
	Where   string // "file:line:column", a variable, or a flag
	Text    string // what is wrong, one clause
	Excerpt string // the line of the file with a caret below, or empty
	Hint    string // what to do instead, or empty

	line, column int  // in the file, for the order; 0 elsewhere
	place        bool // it is about where the file lies, not about what it says
}

// spot is where a value came from.
type spot struct {
	source       string // as Sources and Problem.Where tell it
	line, column int
	excerpt      string
}

func (s spot) problem() Problem {
	return Problem{Where: s.source, Excerpt: s.excerpt, line: s.line, column: s.column}
}

// String is the problem as a person reads it, on one line or four.
func (p Problem) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", p.Where, p.Text)
	if p.Excerpt != "" {
		b.WriteString("\n" + p.Excerpt)
	}
	if p.Hint != "" {
		b.WriteString("\n    " + p.Hint)
	}
	return b.String()
}

// Problems are all of them, the file's first and in the order of its lines.
type Problems []Problem

// Error is one problem after the other.
func (p Problems) Error() string {
	all := make([]string, len(p))
	for i := range p {
		all[i] = p[i].String()
	}
	return strings.Join(all, "\n")
}

// OnlyPlace tells whether all that is wrong is where the file lies: what it says can
// be used by a terminal that began with it and must come to its end.
func (p Problems) OnlyPlace() bool {
	return len(p) > 0 && !slices.ContainsFunc(p, func(one Problem) bool { return !one.place })
}

func (p Problems) sorted() Problems {
	slices.SortStableFunc(p, func(a, b Problem) int {
		if a.line == 0 || b.line == 0 {
			return cmp.Compare(b.line, a.line)
		}
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
	})
	return p
}

func didYouMean(word string) string {
	if word == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %s?", word)
}

// secretWord is what somebody may call a password, to the end of the word.
var secretWord = regexp.MustCompile(`(?i)(pass|pwd|secret|token|口令|密码)[\pL_]*`)

// excerpt shows a line of the text with a caret below the column, both counted
// from 1. Tabs stay tabs, so that the caret stands where the eye looks.
func excerpt(text []byte, line, column int) string {
	lines := strings.Split(string(text), "\n")
	if line < 1 || line > len(lines) {
		return ""
	}
	shown := printable(strings.TrimSuffix(lines[line-1], "\r"))
	for _, word := range []string{"proxy", "url", "open"} {
		if before, value, _ := strings.Cut(shown, word); strings.Contains(value, "@") { // there may be a password before it
			shown = before + word + " (not shown)"
		}
	}
	if at := secretWord.FindStringIndex(shown); at != nil { // there is no key for a password, and somebody wrote one
		shown = shown[:at[1]] + " (not shown)"
	}
	indent := []rune(shown)
	indent = indent[:max(0, min(column-1, len(indent)))]
	for i, r := range indent {
		if r != '\t' {
			indent[i] = ' '
		}
	}
	return "    " + shown + "\n    " + string(indent) + "^"
}

func printable(line string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return '?'
		}
		return r
	}, line)
}
