package lab

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"unbindd/wipe"
)

// evidence is what an erase reports; only ours does.
type evidence = wipe.Evidence

// method erases root/app, as somebody would who uses that tool.
type method struct {
	name    string
	program string // that must be there; "" for ours
	erase   func(root string) (evidence, error)
	deep    bool // ours, as far below the files as it reaches
}

// oursName stands in the tables.
const oursName = "ours"

var (
	rm   = method{name: "rm -rf", program: "rm", erase: func(root string) (evidence, error) { return by("rm", "-rf", app(root)) }}
	ours = method{name: oursName, deep: true, erase: func(root string) (evidence, error) { return erased(deepest(target(root))), nil }}
	// byFiles is ours where settings allow nothing but the files themselves.
	byFiles = method{name: oursName + " by files alone", erase: func(root string) (evidence, error) { return erased(target(root)), nil }}
	// byBlocks is what every target but the last one on its file system gets.
	byBlocks = method{name: oursName + " by blocks", erase: func(root string) (evidence, error) {
		t := target(root)
		t.Depth = wipe.DepthBlocks
		return erased(t), nil
	}}
	// untrimmed is ours, as deep as it goes, where nobody takes free space back.
	untrimmed = method{name: oursName + " without trim", erase: func(root string) (evidence, error) {
		return wipe.Erase(context.Background(), withoutTrim{}, deepest(target(root)), nil), nil
	}}
)

// withoutTrim is the kernel over a device that takes nothing back.
type withoutTrim struct{ wipe.Kernel }

func (withoutTrim) Trim(int) (uint64, error) { return 0, unix.EOPNOTSUPP }

// between are the depths that the quick half tries on one file system only.
var between = []method{byBlocks, untrimmed}

func target(root string) wipe.Target {
	return wipe.Target{Name: "lab", Kind: "data", Path: app(root), Root: root, Requested: wipe.LevelClear}
}

func erased(t wipe.Target) evidence { return wipe.Erase(context.Background(), wipe.Kernel{}, t, nil) }

var shred = method{name: "shred -n1 -z -u", program: "shred", erase: func(root string) (evidence, error) { return eachFile(root, "shred", "-n1", "-z", "-u") }}

// methods is everybody.
var methods = append([]method{
	rm,
	shred,
	{name: "srm -rll", program: "srm", erase: func(root string) (evidence, error) { return by("srm", "-rll", app(root)) }},
	{name: "wipe -rfqQ1", program: "wipe", erase: func(root string) (evidence, error) {
		return by("wipe", "-r", "-f", "-q", "-Q", "1", app(root))
	}},
}, append(between, oursOnly...)...)

func app(root string) string { return filepath.Join(root, "app") }

func by(name string, args ...string) (evidence, error) {
	_, err := call(name, args...)
	return evidence{}, err
}

// eachFile hands the regular files to a program, and what remains to rm.
func eachFile(root, name string, args ...string) (evidence, error) {
	err := filepath.WalkDir(app(root), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			args = append(args, path)
		}
		return err
	})
	if err != nil {
		return evidence{}, err
	}
	if _, err := call(name, args...); err != nil {
		return evidence{}, err
	}
	return evidence{}, os.RemoveAll(app(root))
}
