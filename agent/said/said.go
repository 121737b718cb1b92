// Package said tells in Chinese what the programs of the house say in English. An error
// is written once, in English, and goes to logs, to programs and over the wire as it is;
// whoever reads Chinese is told the same from the catalogue, and what is not ours, as
// what the system says, stays as it is. The words are those of docs/WORDS.md.
//
//	said.go   sentences: the catalogue, and how a sentence is put together from it
//	words/    said.json: what is signed, the desk and its checks; terminal.json: the
//	          daemon, the reader, the erase, the links and the settings
package said

import (
	"embed"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// "said" has the parts of sentences, which errors put together with ": ", "checks" the
// fixed words: names in a verification, states and objects of a case.
//
//go:embed words/*.json
var files embed.FS

// words are what the files hold.
type words struct {
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
	argument = regexp.MustCompile(`%[-#0-9.]*[a-zA-Z]`)
	spot     = regexp.MustCompile(`%(?:\[(\d)\])?s`)
	codeTail = regexp.MustCompile(`( \[E\d\d(:[a-z0-9-]+)?\])+$`)
	// list is names one after the other, as an error has them; what has its own commas is none.
	list = regexp.MustCompile(`^[\w".:/@+-]+(, [\w".:/@+-]+)*$`)
	// apart is where a part may end, or what is quoted begins; quoted is that, or a lone mark.
	apart  = regexp.MustCompile("(: |[\"`])")
	quoted = regexp.MustCompile("^(?:\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`|[\"`])")
)

var catalogue = sync.OnceValue(func() words {
	w, err := read()
	if err != nil {
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
	slices.SortFunc(w.forms, func(a, b form) int { // the most definite first, and always the same one
		if a.size != b.size {
			return b.size - a.size
		}
		return strings.Compare(a.chinese, b.chinese)
	})
	return w
})

// read takes all files as one.
func read() (words, error) {
	all := words{Said: map[string]string{}, Checks: map[string]string{}}
	names, err := files.ReadDir("words")
	if err != nil {
		return all, err
	}
	for _, name := range names {
		text, err := files.ReadFile("words/" + name.Name())
		if err != nil {
			return all, err
		}
		if err := json.Unmarshal(text, &all); err != nil { // adds to the maps
			return all, err
		}
	}
	return all, nil
}

// Chinese is an error, or the detail of a check, in Chinese, line by line.
func Chinese(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = catalogue().sentence(line)
	}
	return strings.Join(lines, "\n")
}

// Word is a fixed word, as the name of a check or the state of a case, in Chinese; itself
// where it has none.
func Word(name string) string {
	if zh := catalogue().Checks[name]; zh != "" {
		return zh
	}
	return name
}

func (w words) sentence(text string) string {
	bare := strings.TrimLeft(text, " ")
	var out strings.Builder
	out.WriteString(text[:len(text)-len(bare)])
	text = bare
	ours := true // the part before
	for i, part := range clauses(text) {
		code := codeTail.FindString(part) // of an error that is told in another's
		part = strings.TrimSuffix(part, code)
		said := w.part(part)
		switch was := ours; {
		case i == 0:
		case was || said != part:
			out.WriteString("：")
		default:
			out.WriteString(": ") // of a name of somebody else's, it may be
		}
		out.WriteString(said + code)
		ours = said != part
	}
	return out.String()
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

func (w words) part(text string) string {
	if zh, ok := w.Said[text]; ok {
		return zh
	}
	if zh, ok := w.Checks[text]; ok {
		return zh
	}
	for _, f := range w.forms {
		if m := f.english.FindStringSubmatch(text); m != nil {
			return fill(f.chinese, m[1:], w.argument)
		}
	}
	if all := strings.Split(text, ", "); len(all) > 1 && list.MatchString(text) {
		for i, item := range all {
			all[i] = w.part(item)
		}
		return strings.Join(all, "、")
	}
	return text
}

// argument is what varies in a part. What is quoted is a name and stays, unless it is a
// sentence of ours, as the desk's in what a terminal says of it.
func (w words) argument(text string) string {
	if bare, err := strconv.Unquote(text); err == nil && text[0] == '"' && strings.Contains(bare, " ") {
		if zh := w.sentence(bare); zh != bare {
			return "“" + zh + "”"
		}
	}
	return w.part(text)
}

// fill puts the arguments in, in their own language where they are words of ours; behind
// "--" they are flags, which are typed as they stand.
func fill(chinese string, args []string, in func(string) string) string {
	at := spots(chinese)
	var out strings.Builder
	from := 0
	for n, m := range spot.FindAllStringIndex(chinese, -1) {
		out.WriteString(chinese[from:m[0]])
		arg := args[at[n]]
		if strings.HasSuffix(chinese[:m[0]], "--") {
			out.WriteString(flags(arg))
		} else {
			out.WriteString(in(arg))
		}
		from = m[1]
	}
	return out.String() + chinese[from:]
}

// flags are the names of some, as cobra lists them: "a", "b" or [a b] or, inside brackets
// of the sentence, a b.
func flags(text string) string {
	names := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(`[]", `, r) })
	return strings.Join(names, "、--")
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
