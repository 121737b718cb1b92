package lab

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"

	"unbindd/wipe"
)

// evidence is what an erase reports; only ours does.
type evidence = wipe.Evidence

// method erases root/app, as somebody would who uses that tool.
type method struct {
	name    string
	program string // that must be there; "" for ours
	erase   func(root string) (evidence, error)
}

// oursName stands in the tables.
const oursName = "ours"

var (
	rm   = method{"rm -rf", "rm", func(root string) (evidence, error) { return by("rm", "-rf", app(root)) }}
	ours = method{oursName, "", func(root string) (evidence, error) {
		return wipe.Erase(context.Background(), wipe.Kernel{}, wipe.Target{
			Name: "lab", Kind: "data", Path: app(root), Root: root, Requested: wipe.LevelClear,
		}, nil), nil
	}}
)

// methods is everybody; what shreds files alone gets them one list, and rm the rest.
var methods = []method{
	rm,
	{"shred -n1 -z -u", "shred", func(root string) (evidence, error) { return eachFile(root, "shred", "-n1", "-z", "-u") }},
	{"srm -rll", "srm", func(root string) (evidence, error) { return by("srm", "-rll", app(root)) }},
	{"wipe -rfqQ1", "wipe", func(root string) (evidence, error) { return by("wipe", "-r", "-f", "-q", "-Q", "1", app(root)) }},
	ours,
}

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
