package scripts

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// word is a row of docs/WORDS.md.
type word struct {
	english, chinese, never []string
	held                    bool // where the English says it, the Chinese does
	says                    *regexp.Regexp
}

// readWords reads the table.
func readWords(t *testing.T) (all []word) {
	t.Helper()
	page, err := os.ReadFile("../docs/WORDS.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 5 || strings.HasPrefix(cells[0], "-") || strings.TrimSpace(cells[0]) == "English" {
			continue
		}
		list := func(cell, by string) (out []string) {
			for _, w := range strings.Split(cell, by) {
				if w = strings.Trim(w, " `"); w != "" {
					out = append(out, w)
				}
			}
			return out
		}
		w := word{list(cells[0], ","), list(cells[1], "、"), list(cells[3], "、"), strings.TrimSpace(cells[4]) == "=", nil}
		if len(w.english) == 0 || len(w.chinese) == 0 || strings.TrimSpace(cells[2]) == "" {
			t.Errorf("a row has no word or no meaning: %s", line)
		}
		names := make([]string, len(w.english))
		for i, name := range w.english {
			names[i] = regexp.QuoteMeta(name)
		}
		w.says = regexp.MustCompile(`(?i)(^|[^a-z."-])(` + strings.Join(names, "|") + `)s?([^a-z_.=-]|\.?$)`) // as a word of its own
		all = append(all, w)
	}
	return all
}

// spoken is a Chinese text of the house, and its English where that stands beside it.
type spoken struct{ at, english, chinese string }

// chineseTexts are all of them, in catalogues and in code.
func chineseTexts(t *testing.T) (all []spoken) {
	t.Helper()
	for _, path := range []string{
		"agent/said/words/said.json", "agent/said/words/terminal.json", "cmd/unbind-desk/internal/console/words/zh-CN.json",
		"cmd/help/words/cobra.json", "cmd/readersim/words/zh.json", "cmd/unbind-desk/words/zh.json", "cmd/unbindctl/words/zh.json", "cmd/unbindd/words/zh.json",
	} {
		all = append(all, catalogueTexts(t, path)...)
	}
	for _, top := range []string{"agent", "cmd", "configs", "device", "transport", "wipe"} {
		err := filepath.WalkDir(filepath.Join("..", top), func(path string, d os.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, path, nil, 0)
			if err != nil {
				return err
			}
			all = append(all, codeTexts(set, file)...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// catalogueTexts reads a catalogue: by the English, or by a key that an English one beside it has, too.
func catalogueTexts(t *testing.T, path string) (all []spoken) {
	t.Helper()
	read := func(path string) (tree map[string]any) {
		body, err := os.ReadFile(filepath.Join("..", path))
		if err == nil {
			err = json.Unmarshal(body, &tree)
		}
		if err != nil {
			t.Fatal(path, err)
		}
		return tree
	}
	var english map[string]any
	if strings.Contains(path, "console") {
		english = read(strings.Replace(path, "zh-CN", "en", 1))
	}
	var walk func(key string, v any)
	walk = func(key string, v any) {
		switch v := v.(type) {
		case string:
			en := key
			if english != nil {
				en = fmt.Sprint(english[key])
			}
			all = append(all, spoken{path + ": " + key, en, v})
		case map[string]any:
			for k, inner := range v {
				if k == "other" {
					k = key
				}
				walk(k, inner)
			}
		}
	}
	walk("", read(path))
	return all
}

// codeTexts are the literals in a file; the English is the literal before it in the same braces.
func codeTexts(set *token.FileSet, file *ast.File) (all []spoken) {
	seen := map[ast.Expr]bool{}
	add := func(e ast.Expr, english string) {
		if said, ok := literal(e); ok && han(said) && !seen[e] {
			seen[e] = true
			all = append(all, spoken{set.Position(e.Pos()).String(), english, said})
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if len(n.Elts) == 2 {
				if english, ok := literal(n.Elts[0]); ok {
					add(n.Elts[1], english)
				}
			}
		case *ast.BasicLit:
			add(n, "")
		}
		return true
	})
	return all
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

func han(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

// Each thing has one word in Chinese, the one of docs/WORDS.md: none of the others is
// said anywhere, and where the English names the thing, the Chinese does.
func TestOneWordForEachThing(t *testing.T) {
	words := readWords(t)
	if len(words) < 55 {
		t.Fatalf("docs/WORDS.md has %d rows", len(words))
	}
	texts := chineseTexts(t)
	if len(texts) < 2000 {
		t.Fatalf("%d Chinese texts were found", len(texts))
	}
	var mine []string
	for _, w := range words {
		for _, chinese := range w.chinese {
			mine = append(mine, chinese, "·")
		}
	}
	right := strings.NewReplacer(mine...)
	for _, said := range texts {
		rest := right.Replace(said.chinese) // a right word may have a wrong one in it
		for _, w := range words {
			for _, never := range w.never {
				if strings.Contains(rest, never) {
					t.Errorf("%s: %s is %s and never %s: %s", said.at, w.english[0], w.chinese[0], never, said.chinese)
				}
			}
			if w.held && w.says.MatchString(said.english) && !containsAny(said.chinese, append(w.english, w.chinese...)) {
				t.Errorf("%s: %q is called %s, and not in %q", said.at, w.english[0], w.chinese[0], said.chinese)
			}
		}
	}
}

func containsAny(s string, words []string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}
