package scripts

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestTheHouseIsInOrder holds this repository against the rules.
func TestTheHouseIsInOrder(t *testing.T) {
	findings, err := examine(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		t.Error(f)
	}
}

// goodHouse is the smallest tree in which every rule is kept.
func goodHouse() fstest.MapFS {
	tree := fstest.MapFS{
		"go.mod":                    text("module unbindd\n"),
		"scripts/tools/go.mod":      text("module tools\n"),
		"scripts/tools/a/util.go":   text("package util"),
		"device/testdata/broken.go": text("no Go at all"),
		".hidden/x.go":              text("no Go at all"),
	}
	for _, a := range arrows {
		dir := strings.TrimSuffix(a.of, "/...")
		name := dir[strings.LastIndex(dir, "/")+1:]
		if strings.HasPrefix(dir, "cmd/") {
			name = "main"
		}
		tree[dir+"/doc.go"] = text("// Package " + name + " is here for the test.\npackage " + name + "\n")
	}
	return tree
}

func text(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }

func TestAGoodHouseHasNoFindings(t *testing.T) {
	tree := goodHouse()
	for name, body := range map[string]string{
		"agent/a.go":                        "package agent\n\nimport (\n\t_ \"github.com/rs/zerolog\"\n\t_ \"unbindd/agent/ledger\"\n\t_ \"unbindd/wipe\"\n)\n",
		"agent/a_test.go":                   "package agent\n\nimport _ \"unbindd/transport/transporttest\"\n",
		"device/d_test.go":                  "package device_test\n\nimport (\n\t_ \"pgregory.net/rapid\"\n\t_ \"unbindd/device\"\n\t_ \"unbindd/device/devicesim\"\n)\n",
		"cmd/unbind-desk/internal/s/s.go":   "// Package s is here for the test.\npackage s\n\nimport (\n\t_ \"go.etcd.io/bbolt/errors\"\n\t_ \"unbindd/agent/ledger\"\n)\n",
		"configs/c.go":                      "package configs\n\nimport \"unbindd/agent\"\n\nvar c agent.Config\n",
		"wipe/w.go":                         "package wipe\n\n// Both are explained.\nconst (\n\tA = 1\n\tB = 2\n)\n\nconst C = 3 // C too\n\ntype inner struct{}\n\nfunc (inner) Do() string { return \"\" }\n\n// E is told.\ntype E struct{}\n\nfunc (E) Error() string { return \"\" }\n",
		"agent/backup/stock_test.go":        "package backup\n\nimport _ \"filippo.io/age\"\n",
		"cmd/unbind-desk/internal/s/s_t.go": "package s\n\nimport _ \"unbindd/cmd/unbind-desk/internal/s/deeper\"\n",
	} {
		tree[name] = text(body)
	}
	findings, err := examine(tree)
	if len(findings) > 0 || err != nil {
		t.Errorf("%v\n%s", err, strings.Join(findings, "\n"))
	}
}

// TestEachRuleCanFail breaks the good house in one way at a time.
func TestEachRuleCanFail(t *testing.T) {
	for name, c := range map[string]struct{ file, body, want string }{
		"arrow upward": {
			"agent/ledger/x.go", "package ledger\n\nimport _ \"unbindd/agent/journal\"\n",
			"agent/ledger/x.go: may not import agent/journal: " + alone,
		},
		"arrow sideways": {
			"wipe/x.go", "package wipe\n\nimport _ \"unbindd/device\"\n",
			"wipe/x.go: may not import device: " + alone,
		},
		"arrow upward in a test": {
			"wipe/x_test.go", "package wipe_test\n\nimport _ \"unbindd/agent\"\n",
			"wipe/x_test.go: may not import agent: " + alone,
		},
		"stair upward": {
			"agent/trust/x.go", "package trust\n\nimport _ \"unbindd/agent/command\"\n",
			"agent/trust/x.go: may not import agent/command: " + onStair,
		},
		"tool is the daemon": {
			"cmd/unbindctl/x.go", "package main\n\nimport _ \"unbindd/agent\"\n",
			"cmd/unbindctl/x.go: may not import agent: the tool talks to the daemon and checks papers; it never is the daemon",
		},
		"desk acts as a terminal": {
			"cmd/unbind-desk/internal/s/x.go", "// Package s is here for the test.\npackage s\n\nimport _ \"unbindd/wipe\"\n",
			"cmd/unbind-desk/internal/s/x.go: may not import wipe: the desk reads what terminals send and must not be able to act as one",
		},
		"settings used": {
			"configs/x.go", "package configs\n\nimport \"unbindd/agent\"\n\nvar x = agent.Open\n",
			"configs/x.go: may not use agent.Open: settings are read for others, not used",
		},
		"door": {
			"agent/x.go", "package agent\n\nimport _ \"github.com/tarm/serial\"\n",
			"agent/x.go: may not import github.com/tarm/serial: its traps are handled in one file",
		},
		"door in a test": {
			"agent/x_test.go", "package agent\n\nimport _ \"go.etcd.io/bbolt\"\n",
			"agent/x_test.go: may not import go.etcd.io/bbolt: only who owns a database file opens one",
		},
		"test library in code": {
			"wipe/x.go", "package wipe\n\nimport _ \"pgregory.net/rapid\"\n",
			"wipe/x.go: may not import pgregory.net/rapid: it is for tests",
		},
		"module without a door": {
			"wipe/x.go", "package wipe\n\nimport _ \"example.com/left/pad\"\n",
			"wipe/x.go: may not import example.com/left/pad: it has no door",
		},
		"package without a rule": {
			"printer/x.go", "// Package printer prints.\npackage printer\n",
			"printer: no rule says what it may import; draw its arrow",
		},
		"catch-all": {
			"cmd/unbind-desk/internal/util/x.go", "// Package util is everything.\npackage util\n",
			"cmd/unbind-desk/internal/util: a package called util can hold anything and explains nothing",
		},
		"two package comments": {
			"wipe/x.go", "// Package wipe, again.\npackage wipe\n",
			"wipe: wants one package comment, has 2 [doc.go x.go]",
		},
		"no package comment": {
			"wipe/doc.go", "package wipe\n",
			"wipe: wants one package comment, has 0 []",
		},
		"function without comment": {
			"wipe/x.go", "package wipe\n\nfunc Do() {}\n", "wipe/x.go: Do has no comment",
		},
		"function of a fixed word": {
			"wipe/x.go", "package wipe\n\nfunc Error() {}\n", "wipe/x.go: Error has no comment",
		},
		"method without comment": {
			"wipe/x.go", "package wipe\n\n// T is told.\ntype T[E any] struct{}\n\nfunc (*T[E]) Do() {}\n", "wipe/x.go: Do has no comment",
		},
		"type without comment": {
			"wipe/x.go", "package wipe\n\ntype T int\n", "wipe/x.go: T has no comment",
		},
		"value without comment": {
			"wipe/x.go", "package wipe\n\nvar V, w = 1, 2\n", "wipe/x.go: V has no comment",
		},
		"not formatted": {
			"wipe/x.go", "package wipe\n\nvar  x = 1\n", "wipe/x.go: is not formatted by gofmt",
		},
		"too long": {
			"wipe/x.go", "package wipe\n" + strings.Repeat("\n// A line.\n", longest/2), "wipe/x.go: has 401 lines, more than 400",
		},
	} {
		t.Run(name, func(t *testing.T) {
			tree := goodHouse()
			tree[c.file] = text(c.body)
			findings, err := examine(tree)
			if err != nil || !slices.Equal(findings, []string{c.want}) {
				t.Errorf("%v\ngot  %s\nwant %s", err, strings.Join(findings, "\n     "), c.want)
			}
		})
	}
}

func TestARuleWithoutItsPackageFails(t *testing.T) {
	tree := goodHouse()
	maps.DeleteFunc(tree, func(name string, _ *fstest.MapFile) bool { return strings.HasPrefix(name, "wipe/") })
	findings, err := examine(tree)
	if want := []string{"wipe: a rule names it, but there is no such package"}; err != nil || !slices.Equal(findings, want) {
		t.Errorf("got %v, %v", findings, err)
	}
}

func TestAFileThatIsNoGoFails(t *testing.T) {
	tree := goodHouse()
	tree["wipe/x.go"] = text("package")
	if _, err := examine(tree); err == nil {
		t.Error("no error")
	}
}
