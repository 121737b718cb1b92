package scripts

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// house is every Go file of the module, by the folder it lies in. It is read
// with go/parser and not asked of `go list`: what a child process reads is
// unknown to the test cache, which would then say ok about an old tree.
type house struct {
	packages map[string][]file
	findings []string
}

type file struct {
	name   string // path from the module's top
	test   bool
	text   []byte
	syntax *ast.File
}

func (h *house) find(f string, args ...any) { h.findings = append(h.findings, fmt.Sprintf(f, args...)) }

// readHouse reads the tree, leaving out what is hidden, what is only data, and
// modules of their own.
func readHouse(tree fs.FS) (*house, error) {
	h := &house{packages: map[string][]file{}}
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			_, missing := fs.Stat(tree, path.Join(name, "go.mod"))
			if name != "." && (missing == nil || d.Name()[0] == '.' || d.Name()[0] == '_' || d.Name() == "testdata") {
				return fs.SkipDir
			}
			return nil
		case path.Ext(name) != ".go":
			return nil
		}
		return h.read(tree, name)
	})
	return h, err
}

func (h *house) read(tree fs.FS, name string) error {
	text, err := fs.ReadFile(tree, name)
	if err != nil {
		return err
	}
	syntax, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
	if err != nil {
		return fmt.Errorf("cannot parse: %w", err)
	}
	dir := path.Dir(name)
	h.packages[dir] = append(h.packages[dir], file{name, strings.HasSuffix(name, "_test.go"), text, syntax})
	return nil
}

// examine holds the tree against every rule and tells what it found, sorted.
func examine(tree fs.FS) ([]string, error) {
	h, err := readHouse(tree)
	if err != nil {
		return nil, err
	}
	h.ruleForEach()
	for dir, files := range h.packages {
		h.named(dir, files)
		h.introduced(dir, files)
		for _, f := range files {
			h.imports(dir, f)
			h.shaped(f)
			if dir == "configs" && !f.test {
				h.onlySettings(f)
			}
			if !f.test {
				h.explained(f)
			}
		}
	}
	slices.Sort(h.findings)
	return h.findings, nil
}

// covers tells whether a name of the tables means this package.
func covers(name, dir string) bool {
	tree, all := strings.CutSuffix(name, "/...")
	return dir == tree || all && strings.HasPrefix(dir, tree+"/")
}

func coveredBy(names []string, dir string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return covers(name, dir) })
}

func arrowOf(dir string) *arrow {
	for i := range arrows {
		if covers(arrows[i].of, dir) {
			return &arrows[i]
		}
	}
	return nil
}

// ruleForEach wants a rule for each package and a package for each rule.
func (h *house) ruleForEach() {
	for dir := range h.packages {
		if arrowOf(dir) == nil {
			h.find("%s: no rule says what it may import; draw its arrow", dir)
		}
	}
	for _, a := range arrows {
		found := false
		for dir := range h.packages {
			found = found || covers(a.of, dir)
		}
		if !found {
			h.find("%s: a rule names it, but there is no such package", a.of)
		}
	}
}

func (h *house) imports(dir string, f file) {
	for _, spec := range f.syntax.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			h.find("%s: unreadable import %s", f.name, spec.Path.Value)
			continue
		}
		first, _, _ := strings.Cut(name, "/")
		switch {
		case name == module || strings.HasPrefix(name, module+"/"):
			h.own(dir, f, strings.TrimPrefix(name, module+"/"))
		case strings.Contains(first, "."):
			h.outside(dir, f, name)
		}
	}
}

func (h *house) own(dir string, f file, name string) {
	a := arrowOf(dir)
	if a == nil || coveredBy(a.may, name) {
		return
	}
	if f.test && (covers(dir+"/...", name) || coveredBy(a.tests, name)) {
		return
	}
	h.find("%s: may not import %s: %s", f.name, name, a.why)
}

func (h *house) outside(dir string, f file, name string) {
	for _, d := range doors {
		if !covers(d.module+"/...", name) {
			continue
		}
		if !coveredBy(d.open, dir) && (!f.test || !d.anyTest) {
			h.find("%s: may not import %s: %s", f.name, name, d.why)
		}
		return
	}
	h.find("%s: may not import %s: it has no door", f.name, name)
}

// onlySettings lets configs name only settings of the packages it reads for.
func (h *house) onlySettings(f file) {
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		from, ok := s.X.(*ast.Ident)
		if ok && settingsOnly[from.Name] && !strings.HasSuffix(s.Sel.Name, "Config") {
			h.find("%s: may not use %s.%s: settings are read for others, not used", f.name, from.Name, s.Sel.Name)
		}
		return true
	})
}

// named refuses names that say nothing.
func (h *house) named(dir string, files []file) {
	name := strings.TrimSuffix(files[0].syntax.Name.Name, "_test")
	if slices.Contains(catchAlls, name) || slices.Contains(catchAlls, path.Base(dir)) {
		h.find("%s: a package called %s can hold anything and explains nothing", dir, name)
	}
}

// introduced wants one package comment, in one file.
func (h *house) introduced(dir string, files []file) {
	var with []string
	code := false
	for _, f := range files {
		code = code || !f.test
		if !f.test && f.syntax.Doc != nil {
			with = append(with, path.Base(f.name))
		}
	}
	if code && len(with) != 1 {
		h.find("%s: wants one package comment, has %d %v", dir, len(with), with)
	}
}

// shaped wants gofmt's form and a length that somebody can know.
func (h *house) shaped(f file) {
	if formatted, err := format.Source(f.text); err != nil || !bytes.Equal(formatted, f.text) {
		h.find("%s: is not formatted by gofmt", f.name)
	}
	if lines := bytes.Count(f.text, []byte("\n")); lines > longest {
		h.find("%s: has %d lines, more than %d", f.name, lines, longest)
	}
}

// explained wants a comment for each exported name.
func (h *house) explained(f file) {
	for _, d := range f.syntax.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			fixed := d.Recv != nil && slices.Contains(fixedWords, d.Name.Name)
			if d.Name.IsExported() && d.Doc == nil && receiverExported(d) && !fixed {
				h.find("%s: %s has no comment", f.name, d.Name.Name)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				h.specExplained(f, d, s)
			}
		}
	}
}

// specExplained takes the comment of a group for all in it.
func (h *house) specExplained(f file, d *ast.GenDecl, s ast.Spec) {
	if d.Doc != nil {
		return
	}
	switch s := s.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && s.Doc == nil {
			h.find("%s: %s has no comment", f.name, s.Name.Name)
		}
	case *ast.ValueSpec:
		for _, n := range s.Names {
			if n.IsExported() && s.Doc == nil && s.Comment == nil {
				h.find("%s: %s has no comment", f.name, n.Name)
			}
		}
	}
}

func receiverExported(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}
