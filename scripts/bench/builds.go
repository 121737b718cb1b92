package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

var programs = []string{"unbindd", "unbindctl", "unbind-desk", "readersim"}

// target is a machine that the programs are shipped for.
type target struct {
	name string
	env  []string
}

var targets = []target{
	{"linux/amd64", []string{"GOARCH=amd64", "GOAMD64=v1"}},
	{"linux/arm64", []string{"GOARCH=arm64"}},
	{"linux/arm (v7)", []string{"GOARCH=arm", "GOARM=7"}},
}

// hello is the least that a Go program can do: say that it is there.
const hello = "package main\n\nimport \"os\"\n\nfunc main() { os.Stdout.WriteString(\"ready\\n\") }\n"

// build makes the four programs and the baseline program for this machine, with
// the flags of "make build".
func (b *bench) build() error {
	source := filepath.Join(b.work, "hello.go")
	if err := os.WriteFile(source, []byte(hello), 0o600); err != nil {
		return err
	}
	if err := b.compile(b.bin, nil); err != nil {
		return err
	}
	return b.goBuild(filepath.Join(b.bin, "hello"), source, nil)
}

// compile makes the four programs in a folder.
func (b *bench) compile(dir string, env []string) error {
	for _, p := range programs {
		if err := b.goBuild(filepath.Join(dir, p), "./cmd/"+p, env); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) goBuild(out, source string, env []string) error {
	cmd := exec.CommandContext(b.ctx, "go", "build", "-trimpath", "-ldflags", "-s -w -X main.version="+b.version(), "-o", out, source)
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux"), env...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build %s: %w\n%s", filepath.Base(out), err, text)
	}
	return nil
}

// version is what is measured: the commit, and whether the tree differs from it.
func (b *bench) version() string {
	text, err := exec.CommandContext(b.ctx, "git", "describe", "--tags", "--always", "--dirty").Output()
	if err != nil {
		return "unknown" // a tree without git is measured like any other
	}
	return strings.TrimSpace(string(text))
}

// sizes builds the programs for every target and weighs them.
func (b *bench) sizes() error {
	t := table{
		title: "Size of the programs",
		intro: "Static, stripped (`CGO_ENABLED=0 go build -trimpath -ldflags \"-s -w\"`), in MB of 1,000,000 bytes. The baseline is a Go program that prints one word; in brackets: so many times its size.",
		head:  []string{"program"},
	}
	rows := make([][]string, len(programs)+1)
	for i, p := range append([]string{"baseline"}, programs...) {
		rows[i] = []string{p}
	}
	for _, to := range targets {
		t.head = append(t.head, to.name)
		weights, err := b.weigh(to)
		if err != nil {
			return err
		}
		for i, w := range weights {
			cell := fmt.Sprintf("%.2f", float64(w)/1e6)
			if i > 0 {
				cell += fmt.Sprintf(" (%.1f)", float64(w)/float64(weights[0]))
			}
			rows[i] = append(rows[i], cell)
		}
	}
	t.rows = rows
	b.page.add(t)
	return nil
}

// weigh builds baseline and programs for a target and returns their bytes.
func (b *bench) weigh(to target) (weights []int64, err error) {
	dir := filepath.Join(b.work, "sizes")
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := b.goBuild(filepath.Join(dir, "hello"), filepath.Join(b.work, "hello.go"), to.env); err != nil {
		return nil, err
	}
	if err := b.compile(dir, to.env); err != nil {
		return nil, err
	}
	for _, p := range append([]string{"hello"}, programs...) {
		info, err := os.Stat(filepath.Join(dir, p))
		if err != nil {
			return nil, err
		}
		weights = append(weights, info.Size())
	}
	return weights, nil
}

// goVersion is the toolchain that builds, which is the one that built this.
func goVersion() string { return runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH }
