package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shotsInto says where the walk leaves its screenshots, if anywhere: CONSOLE_OUT takes
// every page wide and narrow, CONSOLE_SHOTS those that it stands before narrow anyway.
func shotsInto(args []string) ([]string, string) {
	if out := os.Getenv("CONSOLE_OUT"); out != "" {
		return append(args, out), out
	}
	if out := os.Getenv("CONSOLE_SHOTS"); out != "" {
		return append(args, out, "narrow"), out
	}
	return args, ""
}

// indexShots writes index.txt beside the screenshots, as sha256sum does, with the size of
// each as a comment; a walk that left none has failed.
func indexShots(folder string) error {
	names, err := filepath.Glob(filepath.Join(folder, "*.png"))
	if err != nil || len(names) == 0 {
		return errors.Join(err, fmt.Errorf("there is no screenshot in %s", folder))
	}
	var b strings.Builder
	for _, name := range names {
		body, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "# %7d bytes\n%x  %s\n", len(body), sha256.Sum256(body), filepath.Base(name))
	}
	return os.WriteFile(filepath.Join(folder, "index.txt"), []byte(b.String()), 0o644)
}

// The index names every screenshot with size and digest, and there is none without one.
func TestScreenshotsAreIndexed(t *testing.T) {
	folder := t.TempDir()
	if indexShots(folder) == nil {
		t.Error("a walk without a screenshot is indexed")
	}
	for name, body := range map[string]string{"en-case-narrow.png": "abc", "zh-log-narrow.png": ""} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := indexShots(folder); err != nil {
		t.Fatal(err)
	}
	index, err := os.ReadFile(filepath.Join(folder, "index.txt"))
	if want := "#       3 bytes\nba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  en-case-narrow.png\n#       0 bytes\n" +
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  zh-log-narrow.png\n"; string(index) != want || err != nil {
		t.Errorf("the index is\n%s%v", index, err)
	}
	t.Setenv("CONSOLE_OUT", "")
	t.Setenv("CONSOLE_SHOTS", folder)
	if args, out := shotsInto(nil); out != folder || fmt.Sprint(args) != fmt.Sprint([]string{folder, "narrow"}) {
		t.Errorf("the walk is told %v, %s", args, out)
	}
}
