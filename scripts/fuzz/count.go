package main

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// lines is where a function stands.
type lines struct {
	file        string
	first, last int
}

// count fills in which statements of its decoder a target's inputs reach: the
// committed ones alone, and together with those that the fuzzer found.
func (f *fuzz) count(ctx context.Context, t target, r *result) error {
	functions, err := locate(filepath.Join(f.tree.dir, t.dir), decoders[t.String()].functions)
	if err != nil {
		return err
	}
	seeds := filepath.Join(f.tree.dir, t.seeds())
	committed, err := names(seeds)
	if err != nil {
		return err
	}
	r.Seeds = len(committed)
	if r.BySeeds, r.Statements, err = f.reached(ctx, t, functions); err != nil {
		return err
	}
	undo, err := f.lend(t, r)
	if err == nil {
		r.Reached, _, err = f.reached(ctx, t, functions)
	}
	return errors.Join(err, undo())
}

// lend puts what the fuzzer found among the seeds of the unpacked tree; undo
// makes the tree again what was committed.
func (f *fuzz) lend(t target, r *result) (undo func() error, err error) {
	var lent []string
	undo = func() (all error) {
		for _, name := range lent {
			all = errors.Join(all, os.Remove(name))
		}
		return all
	}
	found := filepath.Join(f.corpus(t), t.name)
	inputs, err := names(found)
	r.Inputs = len(inputs)
	for name := range inputs {
		to := filepath.Join(f.tree.dir, t.seeds(), "lent-"+name)
		lent = append(lent, to)
		err = errors.Join(err, copyFile(to, filepath.Join(found, name)))
	}
	return undo, err
}

// reached runs a target over the inputs in its folder.
func (f *fuzz) reached(ctx context.Context, t target, functions []lines) (ran, all int, err error) {
	program, err := f.build.forCounting(ctx, t.dir)
	if err != nil {
		return 0, 0, err
	}
	profile := filepath.Join(filepath.Dir(program), strings.ReplaceAll(t.dir, "/", ".")+"."+t.name+".profile")
	counting := exec.CommandContext(ctx, "nice", "-n", "19", program, "-test.run=^"+t.name+"$", "-test.coverprofile="+profile)
	counting.Dir = filepath.Join(f.tree.dir, t.dir)
	if text, err := counting.CombinedOutput(); err != nil {
		return 0, 0, fmt.Errorf("cannot count: %w: %s", err, tail(text))
	}
	text, err := os.ReadFile(profile)
	if err != nil {
		return 0, 0, fmt.Errorf("cannot count: %w", err)
	}
	ran, all = tally(string(text), functions)
	return ran, all, os.Remove(profile)
}

// block is one line of a profile: file:line.column,line.column statements count.
var block = regexp.MustCompile(`(?m)^\S*/([^/:\s]+\.go):(\d+)\.\d+,\d+\.\d+ (\d+) (\d+)$`)

// tally adds up the blocks that lie in the functions.
func tally(profile string, functions []lines) (ran, all int) {
	for _, b := range block.FindAllStringSubmatch(profile, -1) {
		line, statements := number(b[2]), number(b[3])
		for _, f := range functions {
			if f.file != b[1] || line < f.first || line > f.last {
				continue
			}
			all += statements
			if b[4] != "0" {
				ran += statements
			}
			break
		}
	}
	return ran, all
}

// number reads digits, which is all that the expression lets through.
func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}

// locate finds functions in a package by their names, methods as Type.Method.
func locate(dir, wanted string) ([]lines, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	all := map[string][]lines{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range file.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				at := lines{filepath.Base(name), set.Position(fn.Pos()).Line, set.Position(fn.End()).Line}
				all[called(fn)] = append(all[called(fn)], at)
			}
		}
	}
	var functions []lines
	for name := range strings.FieldsSeq(wanted) {
		if len(all[name]) == 0 {
			return nil, fmt.Errorf("there is no function %s", name)
		}
		functions = append(functions, all[name]...)
	}
	return functions, nil
}

// called is a function's name, with its receiver's type.
func called(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return fn.Name.Name
	}
	of := fn.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if named, ok := of.(*ast.Ident); ok {
		return named.Name + "." + fn.Name.Name
	}
	return fn.Name.Name
}
