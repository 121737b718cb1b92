package console

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"unbindd/cmd/unbind-desk/internal/store"
)

// Every sentence that the desk's code writes into a history or an alarm is said in
// the reader's language: a new one is missing here until it has a form.
func TestEverySentenceOfTheDeskIsSaid(t *testing.T) {
	texts, err := catalogues()
	if err != nil {
		t.Fatal(err)
	}
	s := (&Console{words: texts}).speech(chinese)
	sentences := collected(t)
	if len(sentences) < 15 {
		t.Fatalf("only %d sentences are found in the code: %q", len(sentences), sentences)
	}
	sentences = append(sentences, store.PassedOver("1"))
	for _, text := range sentences {
		if said := s.told(text); said.English || strings.Contains(said.Text, "told.") || strings.Contains(said.Text, "no value") {
			t.Errorf("there is no Chinese for %q: %q", text, said.Text)
		}
	}
}

// collected takes the sentences from the desk's source, with something in place of
// what varies.
func collected(t *testing.T) (all []string) {
	t.Helper()
	files, err := filepath.Glob("../desk/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || slices.Contains([]string{"note", "noted", "raise"}, f.Name.Name) {
				continue // these hand on what they are given
			}
			for _, e := range told(f) {
				said := variants(t, path, f, e)
				all = append(all, said...)
			}
		}
	}
	return all
}

// told finds the expressions in a function that become a line of a history, or what
// an alarm is about.
func told(f *ast.FuncDecl) (found []ast.Expr) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if s, ok := n.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{"note", "noted", "raise"}, s.Sel.Name) {
				found = append(found, n.Args[len(n.Args)-1])
			}
		case *ast.CompositeLit:
			if s, ok := n.Type.(*ast.SelectorExpr); !ok || s.Sel.Name != "Entry" {
				return true
			}
			for _, e := range n.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok && fmt.Sprint(kv.Key) == "What" {
					found = append(found, kv.Value)
				}
			}
		}
		return true
	})
	return found
}

// variants is a sentence as it may come out: what varies is "1", but where the code
// has only so many words for it.
func variants(t *testing.T, path string, f *ast.FuncDecl, e ast.Expr) []string {
	t.Helper()
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		if err != nil {
			t.Fatal(err)
		}
		return []string{text}
	case *ast.BinaryExpr:
		var out []string
		for _, x := range variants(t, path, f, e.X) {
			for _, y := range variants(t, path, f, e.Y) {
				out = append(out, x+y)
			}
		}
		return out
	case *ast.Ident:
		if e.Name == "kind" { // publishFollow
			return []string{"cancel", "amend", "close"}
		}
		return variants(t, path, f, assigned(t, path, f, e.Name))
	case *ast.CallExpr:
		if s, ok := e.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "Sprintf" {
			return filled(t, path, f, e.Args)
		}
		if name, ok := e.Fun.(*ast.Ident); ok && name.Name == "verdict" {
			return []string{"rejected", "validated as complete", "validated as partial"}
		}
	}
	return []string{"1"}
}

// filled puts the words of a format in.
func filled(t *testing.T, path string, f *ast.FuncDecl, args []ast.Expr) []string {
	t.Helper()
	out := variants(t, path, f, args[0])
	for _, arg := range args[1:] {
		var next []string
		for _, text := range out {
			at := strings.IndexByte(text, '%')
			for _, word := range variants(t, path, f, arg) {
				next = append(next, text[:at]+word+text[at+2:])
			}
		}
		out = next
	}
	return out
}

// assigned is what a name in a function stands for.
func assigned(t *testing.T, path string, f *ast.FuncDecl, name string) (value ast.Expr) {
	t.Helper()
	ast.Inspect(f, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok && len(a.Lhs) == 1 && fmt.Sprint(a.Lhs[0]) == name {
			value = a.Rhs[0]
		}
		return true
	})
	if value == nil {
		t.Fatalf("%s: nobody knows what %s is: write the sentence where it is noted", path, name)
	}
	return value
}
