package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"unbindd/agent/envelope"
)

// pairs collects every words{"…", "…"} of the program, also where the type is
// left out inside a table.
func pairs(t *testing.T) map[string]words {
	t.Helper()
	files, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]words{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			if lit, ok := n.(*ast.CompositeLit); ok && len(lit.Elts) == 2 {
				en, zh := text(lit.Elts[0]), text(lit.Elts[1])
				if typ, named := lit.Type.(*ast.Ident); en != "" && zh != "" && (lit.Type == nil || named && typ.Name == "words") {
					out[set.Position(n.Pos()).String()] = words{en, zh}
				}
			}
			return true
		})
	}
	return out
}

func text(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return s
}

var verbs = regexp.MustCompile(`%(?:\[\d\])?[a-z]`)

// TestBothLanguagesSayTheSame: the same arguments in the same order, and Chinese
// where there is Chinese to say.
func TestBothLanguagesSayTheSame(t *testing.T) {
	all := pairs(t)
	if len(all) < 150 {
		t.Errorf("found only %d texts", len(all))
	}
	for at, w := range all {
		en, zh := verbs.FindAllString(w.en, -1), verbs.FindAllString(w.zh, -1)
		if !strings.Contains(w.en+w.zh, "%[") && !slices.Equal(en, zh) {
			t.Errorf("%s: %v in English, %v in Chinese", at, en, zh)
		}
		bare := strings.TrimPrefix(verbs.ReplaceAllString(w.en, ""), "unbindctl")
		if strings.ContainsFunc(bare, unicode.IsLetter) && !strings.ContainsFunc(w.zh, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("%s: no Chinese in %q", at, w.zh)
		}
	}
}

func TestEveryStepHasAName(t *testing.T) {
	if len(stepNames) != len(allSteps()) {
		t.Errorf("%d names for %d steps", len(stepNames), len(allSteps()))
	}
	for _, name := range allSteps() {
		w, ok := stepNames[name]
		if !ok || w.en == "" || w.zh == "" || width(w.en) > stepColumns || width(w.zh) > stepColumns {
			t.Errorf("step %s is called %q and %q", name, w.en, w.zh)
		}
	}
}

func TestChooseLanguage(t *testing.T) {
	for _, c := range []struct {
		flag, own, lang string
		want            envelope.Language
		code            exit
	}{
		{"", "", "", envelope.English, exitDone},
		{"", "", "C.UTF-8", envelope.English, exitDone},
		{"", "", "fr_FR.UTF-8", envelope.English, exitDone},
		{"", "", "zh_CN.UTF-8", envelope.Chinese, exitDone},
		{"", "", "zh-Hans-CN", envelope.Chinese, exitDone},
		{"", "en", "zh_CN.UTF-8", envelope.English, exitDone},
		{"zh", "en", "C", envelope.Chinese, exitDone},
		{"en_GB", "zh", "zh", envelope.English, exitDone},
		{"", "fr", "zh", envelope.English, exitConfig},
		{"fr", "", "zh", envelope.Chinese, exitUsage},
		{"fr", "zh", "C", envelope.Chinese, exitUsage},
		{"fr", "", "C", envelope.English, exitUsage},
	} {
		env := map[string]string{"UNBINDCTL_LANG": c.own, "LANG": c.lang}
		read := func(name string) string { return env[name] }
		got, err := spoken([]string{"--lang", c.flag}, read), checkLanguage(c.flag, read)
		if got != c.want || exitOf(err) != c.code {
			t.Errorf("%+v: %s, %v", c, got, err)
		}
	}
}
