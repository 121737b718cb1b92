package said

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// speaking are the packages whose errors a person reads, at one of the programs.
var speaking = []string{
	"agent", "agent/backup", "agent/certificate", "agent/command", "agent/enrol", "agent/envelope", "agent/journal", "agent/keys", "agent/ledger", "agent/local",
	"agent/manifest", "agent/merkle", "agent/profile", "agent/receipt", "agent/ticket", "agent/trust", "configs", "device", "transport", "transport/broker", "wipe",
	"cmd/help", "cmd/readersim", "cmd/unbindctl", "cmd/unbindd", "device/devicesim",
	"cmd/unbind-desk", "cmd/unbind-desk/internal/authority", "cmd/unbind-desk/internal/blob", "cmd/unbind-desk/internal/blob/folder",
	"cmd/unbind-desk/internal/campaign", "cmd/unbind-desk/internal/console", "cmd/unbind-desk/internal/desk", "cmd/unbind-desk/internal/directory",
	"cmd/unbind-desk/internal/dossier", "cmd/unbind-desk/internal/grounds", "cmd/unbind-desk/internal/hook", "cmd/unbind-desk/internal/parcel",
	"cmd/unbind-desk/internal/rotation", "cmd/unbind-desk/internal/sealed", "cmd/unbind-desk/internal/serve", "cmd/unbind-desk/internal/signer", "cmd/unbind-desk/internal/space",
	"cmd/unbind-desk/internal/store", "cmd/unbind-desk/internal/store/bolt",
}

// finding are those that tell in sentences what they found, too.
var finding = []string{"agent", "agent/profile", "agent/command", "cmd/unbind-desk/internal/dossier", "device", "wipe", "configs"}

// sayers are what makes an error of a sentence, or of a part of one.
var sayers = []string{
	"Errorf", "New", "Refuse", "refuse", "record", "misuse", "malformed", "with", "missing", "demanded",
	"blame", "problem", "refusal", "giveUp", "Say", "alarm", "courtesy", "ended",
}

// plain are words that stay as they are: keys of settings, and what is typed.
var plain = []string{"baud", "driver", "identity", "path", "state", "unbindctl"}

// Every part of every sentence in which a program tells what is wrong is in the
// catalogue: a new one fails here until it has its Chinese.
func TestEveryErrorIsSaidInBothLanguages(t *testing.T) {
	n := 0
	for _, dir := range speaking {
		files, err := filepath.Glob(filepath.Join("..", "..", dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(dir, err)
		}
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			for _, text := range sentences(t, path, slices.Contains(finding, dir)) {
				for _, part := range strings.Split(text, ": ") {
					if bare := argument.ReplaceAllString(part, ""); !strings.ContainsAny(bare, "abcdefghijklmnopqrstuvwxyz") || slices.Contains(plain, part) {
						continue
					}
					n++
					if catalogue().Said[part] == "" && catalogue().Said[part+"%s"] == "" { // more may be put behind it
						t.Errorf("%s: there is no Chinese for %q", path, part)
					}
				}
			}
		}
	}
	if n < 1200 {
		t.Fatalf("%d parts of sentences were found", n)
	}
}

// No sentence stands in the catalogue twice, each is in Chinese, and takes the arguments of the English.
func TestTheCatalogueIsInChinese(t *testing.T) {
	for en, zh := range catalogue().Said {
		if !strings.ContainsFunc(zh, func(r rune) bool { return unicode.Is(unicode.Han, r) }) && !strings.HasPrefix(en, "/ @") {
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

// sentences are the texts of errors in a file; where findings are told, also those that
// are put together or handed back as a reason.
func sentences(t *testing.T, path string, found bool) (all []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.CallExpr:
			name := ""
			switch f := n.Fun.(type) {
			case *ast.Ident:
				name = f.Name
			case *ast.SelectorExpr:
				name = f.Sel.Name
			}
			if slices.Contains(sayers, name) || name == "Sprintf" && found {
				all = append(all, texts(n.Args)...)
			}
		case *ast.ReturnStmt:
			if found {
				all = append(all, texts(n.Results)...)
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && slices.Contains([]string{"Text", "Hint", "Message"}, key.Name) {
				all = append(all, texts([]ast.Expr{n.Value})...)
			}
		}
		return true
	})
	return all
}

// texts are those among some expressions that have a space in them.
func texts(list []ast.Expr) (all []string) {
	for _, e := range list {
		if plus, ok := e.(*ast.BinaryExpr); ok {
			e = plus.X
		}
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil && strings.Contains(text, " ") {
				all = append(all, strings.TrimSuffix(text, ": "))
			}
		}
	}
	return all
}

// What varies is said in its own language, names and quoted texts stay, and what is indented stays so.
func TestASentenceIsPutTogether(t *testing.T) {
	for english, chinese := range map[string]string{
		"cannot enrol: no reader answers":                                "无法登记：没有读卡器应答",
		"the settings cannot be used: x.yaml:3:1: \"a\" is not a key":    "设置无法使用：x.yaml:3:1：\"a\" 不是设置项",
		"    did you mean erase.roots?":                                  "    是否想写 erase.roots？",
		"    state_dir: /x":                                              "    state_dir: /x",
		"nobody knows":                                                   "nobody knows",
		`required flag(s) "nvm", "out" not set`:                          "缺少必需的选项 --nvm、--out",
		"at least one of the flags in the group [one other] is required": "选项 --one、--other 至少须给出其一",
		"cannot use --hours":                                             "无法使用 --hours",
		"cannot use a.yaml: no roots, a, b":                              "无法使用 a.yaml：no roots, a, b",
		"cannot use broker: C=CN, O=x":                                   "无法使用 broker：C=CN, O=x",
		"no reader answers: PED-1, PED-2":                                "没有读卡器应答：PED-1、PED-2",
		"the desk answered 503":                                          "后台返回 503",
		`cannot enrol: the desk refuses: the desk answered 409 E30:used ("cannot enrol: the ticket was used by another request, sha256:ab") [E30:used]`: "无法登记：后台拒绝：后台返回 409 E30:used（“无法登记：该票据已被另一个请求使用，sha256:ab”） [E30:used]",
		`the desk answered 502 E99:x ("no sentence of ours")`: `后台返回 502 E99:x（"no sentence of ours"）`,
	} {
		if got := Chinese(english); got != chinese {
			t.Errorf("%q is said as %q, want %q", english, got, chinese)
		}
	}
	if Word("manifest") != "清单" || Word("xyz") != "xyz" {
		t.Error("the fixed words are not said")
	}
}
