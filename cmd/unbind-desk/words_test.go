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
)

// verbs are what a format takes arguments by.
var verbs = regexp.MustCompile(`%(?:\[\d+\])?[-0-9.]*[a-z]`)

// Every sentence of the verbs is there in both languages and takes the same arguments.
func TestEverySentenceIsSaidInBothLanguages(t *testing.T) {
	set := token.NewFileSet()
	files, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			if bare := printed(node); !slices.Contains(forPrograms, bare) {
				t.Errorf("%s: %q is printed in English alone", set.Position(node.Pos()), bare)
			}
			for _, elided := range within(node) {
				elided.Type = ast.NewIdent("text")
			}
			lit := sentence(node)
			if lit == nil || len(lit.Elts) != 2 {
				return true
			}
			en, ok1 := unquoted(lit.Elts[0])
			zh, ok2 := unquoted(lit.Elts[1])
			if !ok1 || !ok2 {
				return true
			}
			n++
			if in, out := verbs.FindAllString(en, -1), verbs.FindAllString(zh, -1); len(in) != len(out) || !strings.Contains(zh, "%[") && !slices.Equal(in, out) {
				t.Errorf("%s: %v in English, %v in Chinese", set.Position(lit.Pos()), in, out)
			}
			if letters := verbs.ReplaceAllString(en, ""); strings.ContainsAny(letters, "abcdefghijklmnopqrstuvwxyz") && !han(zh) {
				t.Errorf("%s: no Chinese in %q", set.Position(lit.Pos()), zh)
			}
			return true
		})
	}
	if n < 100 {
		t.Fatalf("%d sentences were found", n)
	}
}

// forPrograms are lines that programs wait for, and what is no word.
var forPrograms = []string{"", "broker %s", "paused %s", "ready %s", "console %s", "ready"}

// printed is what a call of say has as its format, where that is in words.
func printed(node ast.Node) string {
	call, ok := node.(*ast.CallExpr)
	if !ok || len(call.Args) < 2 {
		return ""
	}
	if f, ok := call.Fun.(*ast.Ident); !ok || f.Name != "say" {
		return ""
	}
	said, ok := unquoted(call.Args[1])
	if letters := verbs.ReplaceAllString(said, ""); !ok || !strings.ContainsAny(letters, "abcdefghijklmnopqrstuvwxyz") {
		return ""
	}
	return said
}

// sentence is a literal of the type text.
func sentence(node ast.Node) *ast.CompositeLit {
	if lit, ok := node.(*ast.CompositeLit); ok && isText(lit.Type) {
		return lit
	}
	return nil
}

// within are the sentences of a map or a list of them, whose type is left out.
func within(node ast.Node) (all []*ast.CompositeLit) {
	lit, ok := node.(*ast.CompositeLit)
	if !ok {
		return nil
	}
	switch kind := lit.Type.(type) {
	case *ast.MapType:
		ok = isText(kind.Value)
	case *ast.ArrayType:
		ok = isText(kind.Elt)
	default:
		return nil
	}
	for _, e := range lit.Elts {
		if pair, of := e.(*ast.KeyValueExpr); of {
			e = pair.Value
		}
		if one, of := e.(*ast.CompositeLit); ok && of && one.Type == nil {
			all = append(all, one)
		}
	}
	return all
}

func isText(e ast.Expr) bool {
	name, ok := e.(*ast.Ident)
	return ok && name.Name == "text"
}

func unquoted(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}
