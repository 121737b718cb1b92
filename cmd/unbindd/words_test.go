package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/transport"
)

func han(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

// Every sentence of this program stands in both languages with the same arguments, and no
// English one is printed past them. What errors say is held in package said.
func TestTheDaemonSaysEverythingInBothLanguages(t *testing.T) {
	verbs := regexp.MustCompile(`%[-0-9.]*[a-z]`)
	printed := regexp.MustCompile(`^Fp?rint(f|ln)?$`)
	files, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		text := func(e ast.Expr) string {
			if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				s, err := strconv.Unquote(lit.Value)
				if err == nil {
					return s
				}
			}
			return ""
		}
		ast.Inspect(file, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.CompositeLit:
				if kind, ok := node.Type.(*ast.Ident); !ok || kind.Name != "words" || len(node.Elts) != 2 {
					return true
				}
				n++
				en, zh := text(node.Elts[0]), text(node.Elts[1])
				if !han(zh) || !slices.Equal(verbs.FindAllString(en, -1), verbs.FindAllString(zh, -1)) {
					t.Errorf("%s: %q is said as %q", set.Position(node.Pos()), en, zh)
				}
			case *ast.CallExpr:
				call, ok := node.Fun.(*ast.SelectorExpr)
				if !ok || !printed.MatchString(call.Sel.Name) {
					return true
				}
				for _, arg := range node.Args {
					if said := text(arg); strings.Contains(verbs.ReplaceAllString(said, ""), " ") && !strings.HasPrefix(said, "ready ") && !strings.HasPrefix(said, "paused ") {
						t.Errorf("%s: %q is printed in English alone", set.Position(node.Pos()), said)
					}
				}
			}
			return true
		})
	}
	if n < 15 {
		t.Fatalf("%d sentences were found", n)
	}
}

// A settings file that cannot be used, a call that is wrong and an error of the daemon are
// told in Chinese to whoever asks for it, to the end of the line.
func TestTheDaemonIsReadInChinese(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "unbindd.yaml")
	if err := os.WriteFile(bad, []byte("reeder:\n  path: /dev/x\nstate_dir: here\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string][]string{
		"check --lang zh --config " + bad: {"设置无法使用", `"reeder" 不是设置项`, "是否想写 reader？", "不是普通的绝对路径", "下一步：请更正所述内容"},
		"--lang=zh nonsense":              {"用法错误", "没有动词", "下一步：请查看"},
		"check --lang zh --set x":         {"无法设置", "请写 键=值"},
		"check --lang zh --config /none":  {"无法读取设置", "没有该文件或目录"},
		"enrol --lang zh --ticket /none":  {"无法登记", "没有该文件或目录", "下一步：请消除所述原因，用同一票据再次运行"},
	} {
		var problems bytes.Buffer
		if code := execute(strings.Fields(line), io.Discard, &problems); code == exitDone {
			t.Errorf("%s ends with 0", line)
		}
		for _, w := range want {
			if !strings.Contains(problems.String(), w) {
				t.Errorf("%s does not say %q: %s", line, w, problems.String())
			}
		}
	}
	var out bytes.Buffer
	if code := execute([]string{"check", "--lang", "zh"}, &out, io.Discard); code != exitDone || !strings.HasPrefix(out.String(), "设置正确：") {
		t.Errorf("ends with %d: %s", code, out.String())
	}
	for _, err := range []error{
		fmt.Errorf("cannot enrol: %w", journal.ErrLocked),
		placed{envelope.Refuse("E16", "anchor", "cannot take over a trust bundle"), envelope.AtEnrolment},
	} {
		var problems bytes.Buffer
		tell(&problems, err, envelope.Chinese)
		if lines := strings.Split(problems.String(), "\n"); !han(lines[0]) || !strings.HasPrefix(lines[1], "下一步：") {
			t.Errorf("it says %s", problems.String())
		}
	}
}

// What the desk answered, its sentence too, is told in Chinese: it says it in English, for
// programs.
func TestTheDesksAnswerIsReadInChinese(t *testing.T) {
	for want, status := range map[string]transport.Status{
		"后台返回 503":            {Code: 503},
		"后台返回 507 E27:space":  {Code: 507, Err: "E27:space"},
		"后台返回 404（“没有这样的路由”）": {Code: 404, Message: "there is no such route"},
		"后台返回 409 E30:used（“无法登记：该票据已被另一个请求使用，sha256:ab”）": {Code: 409, Err: "E30:used", Message: "cannot enrol: the ticket was used by another request, sha256:ab"},
	} {
		if got := heard(envelope.Chinese, fmt.Errorf("cannot enrol: the desk refuses: %w", &status).Error()); got != "无法登记：后台拒绝："+want {
			t.Errorf("%v is told as %s", &status, got)
		}
	}
}
