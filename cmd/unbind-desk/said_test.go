package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"unbindd/cmd/unbind-desk/internal/dossier"
)

// speaking are the packages whose errors a person reads at this program: its own, and
// those of the formats.
var speaking = []string{
	".", "internal/authority", "internal/blob", "internal/blob/folder", "internal/campaign", "internal/desk", "internal/directory", "internal/dossier",
	"internal/grounds", "internal/hook", "internal/parcel", "internal/rotation", "internal/sealed", "internal/serve", "internal/signer", "internal/space", "internal/store",
	"internal/store/bolt", "../../transport/broker", "../../agent/backup",
	"../../agent/certificate", "../../agent/command", "../../agent/enrol", "../../agent/envelope", "../../agent/manifest", "../../agent/merkle",
	"../../agent/profile", "../../agent/receipt", "../../agent/ticket", "../../agent/trust",
}

// sayers are what makes an error of a sentence, or of a part of one.
var sayers = []string{"Errorf", "New", "Refuse", "refuse", "record", "misuse", "malformed", "with", "missing", "demanded"}

// Every part of every sentence in which this program, its desk or a check tells what is
// wrong is in the catalogue: a new one fails here until it has its Chinese.
func TestEveryErrorIsSaidInBothLanguages(t *testing.T) {
	n := 0
	for _, dir := range speaking {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(dir, err)
		}
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			for _, text := range sentences(t, path, dir == "internal/dossier") {
				for _, part := range strings.Split(text, ": ") {
					if bare := argument.ReplaceAllString(part, ""); !strings.ContainsAny(bare, "abcdefghijklmnopqrstuvwxyz") {
						continue
					}
					n++
					if catalogue().Said[part] == "" {
						t.Errorf("%s: there is no Chinese for %q", path, part)
					}
				}
			}
		}
	}
	if n < 500 {
		t.Fatalf("%d parts of sentences were found", n)
	}
	for en, zh := range catalogue().Said {
		if !han(zh) && !strings.HasPrefix(en, "/ @") {
			t.Errorf("no Chinese in %q, for %q", zh, en)
		}
		if !fits(en, zh) {
			t.Errorf("%q does not take the arguments of %q, each once", zh, en)
		}
	}
	for zh, right := range map[string]bool{"%s，%s": true, "%[2]s，%[1]s": true, "%s": false, "%[3]s，%[1]s": false, "%[0]s，%s": false, "%[2]s，%s": false} {
		if fits("%s of %d", zh) != right {
			t.Errorf("%q takes two arguments, each once: %v", zh, !right)
		}
	}
}

// fits says whether the Chinese takes each argument of the English, and once.
func fits(en, zh string) bool {
	at := spots(zh)
	slices.Sort(at)
	for i, n := range at {
		if i != n {
			return false
		}
	}
	return len(at) == len(argument.FindAllString(en, -1))
}

// sentences are the texts of errors in a file; in a check also of what it found.
func sentences(t *testing.T, path string, found bool) (all []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(node ast.Node) bool {
		c, ok := node.(*ast.CallExpr)
		if !ok {
			return true
		}
		name := ""
		switch f := c.Fun.(type) {
		case *ast.Ident:
			name = f.Name
		case *ast.SelectorExpr:
			name = f.Sel.Name
		}
		if !slices.Contains(sayers, name) && (name != "Sprintf" || !found) {
			return true
		}
		for _, arg := range c.Args {
			if plus, ok := arg.(*ast.BinaryExpr); ok {
				arg = plus.X
			}
			if lit, ok := arg.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil && strings.Contains(text, " ") {
					all = append(all, strings.TrimSuffix(text, ": "))
				}
			}
		}
		return true
	})
	return all
}

// What verify prints, and why a verb failed, is Chinese for who reads Chinese, to the end
// of the line; for programs it is as it was.
func TestChecksAndErrorsAreSaidInChinese(t *testing.T) {
	t.Setenv("UNBIND_DESK_LANG", "zh")
	out, problems, exit := verb(t, "verify", t.TempDir())
	if exit != exitFailed || !strings.Contains(problems, "案件核验未通过") {
		t.Errorf("exit %d, %s", exit, problems)
	}
	lines := 0
	for line := range strings.Lines(out) {
		lines++
		words := strings.Fields(line)
		if len(words) < 3 || !han(words[0]) || !han(words[1]) || !han(strings.Join(words[2:], " ")) {
			t.Errorf("no Chinese in %q", line)
		}
	}
	all, _ := dossier.Verify(dossier.Folder(t.TempDir()), dossier.Options{})
	if lines != len(all) || lines == 0 {
		t.Errorf("%d lines for %d checks", lines, len(all))
	}
	for _, r := range all {
		if checkName(r.Check) == r.Check || checkName(r.Status) == r.Status || translated(r.Detail) == r.Detail {
			t.Errorf("not in Chinese: %+v", r)
		}
	}
	if out, _, _ := verb(t, "verify", "--json", t.TempDir()); han(out) {
		t.Errorf("for programs it says %s", out)
	}
	for english, chinese := range map[string]string{
		"cannot verify the envelope: the signature of ed25519:00 does not fit [E05:bad-signature]":                   "无法核验信封：ed25519:00 的签名不相符 [E05:bad-signature]",
		"trust.json is not there, and everything asks for it":                                                        "缺少 trust.json，而 全部检查 需要它",
		"cannot read the case: open /x/y: no such file or directory":                                                 "无法读取案件：open /x/y：没有该文件或目录",
		"cannot keep it: trust version 2, which is in force, has no key K for role R":                                "无法保存：生效的信任版本 2 没有用于角色 R 的密钥 K",
		"cannot sign for the case: backup receipt: there is a receipt and no manifest that holds [E24] [E24:signer]": "无法为该案件签署：备份回执：有回执，却没有成立的清单 [E24] [E24:signer]",
		"one\ncannot sign: nobody knows":                                                                             "one\n无法签署：nobody knows",
		"cannot read the case: open /srv/a: b.json: no such file or directory":                                       "无法读取案件：open /srv/a: b.json：没有该文件或目录",
		"cannot read the case: open `/srv/a: b`: no such file or directory":                                          "无法读取案件：open `/srv/a: b`：没有该文件或目录",
		`cannot find "a: \"no such file or directory: b": no such file or directory`:                                 `无法找到 "a: \"no such file or directory: b"：没有该文件或目录`,
		"a mark \" alone: no such file or directory":                                                                 "a mark \" alone：没有该文件或目录",
		"cannot sign: nobody: knows: ":                                                                               "无法签署：nobody: knows: ",
	} {
		if got := translated(english); got != chinese {
			t.Errorf("%q is said as %q, want %q", english, got, chinese)
		}
	}
}

// A refusal goes over the wire in English, and is said here as it is read here.
func TestARefusalOfTheDeskIsSaidInChinese(t *testing.T) {
	o := newOffice(t)
	t.Setenv("UNBIND_DESK_LANG", "zh")
	_, problems, exit := verb(t, "cases", "show", "C-2026-999999", "--dir", string(o.dir))
	first, _, _ := strings.Cut(problems, "\n")
	if exit != exitRefused || first != "unbind-desk: 无法找到 案件：没有 [E28:case]" {
		t.Errorf("exit %d, %s", exit, problems)
	}
	if _, problems, _ := verb(t, "cases", "show", "C-2026-999999", "--dir", string(o.dir), "--json"); !strings.Contains(problems, `"message":"cannot find the case: there is none [E28:case]"`) {
		t.Errorf("for programs it says %s", problems)
	}
}
