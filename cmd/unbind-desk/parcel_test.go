package main

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A case travels as one zip file, which verifies as its folder does; one that
// lacks a member or has one too many does not.
func TestACaseTravelsAsOneFile(t *testing.T) {
	o := newOffice(t)
	u := whole(t, o, "T-1")
	out := filepath.Join(o.work, "case.zip")
	export := []string{"cases", "export", string(u.command.Case), "--dir", string(o.dir), "--out", out}
	o.cli(export...)
	if _, _, code := verb(t, export...); code != exitBlocked {
		t.Fatalf("a file that is there is written over, exit %d", code)
	}
	flags := []string{"--anchor", string(u.anchor()), "--identity", o.dir.Identity()}
	told := o.cli(append([]string{"verify", out}, flags...)...)
	if strings.Contains(told, "failed") || strings.Count(told, "\nok ") < 14 {
		t.Fatalf("the zip file does not verify:\n%s", told)
	}
	changed := filepath.Join(o.work, "changed.zip")
	for _, c := range []struct {
		without, more, says string
		code                int
	}{
		{"receipts/backup.json", "", "receipts/backup.json is not there", exitFailed},
		{"backup.jsonl.zst.age", "", "backup.jsonl.zst.age", exitFailed},
		{"", "setup.exe", "E02:extra-member", exitRefused},
		{"", "../desk.db", "E28:name", exitRefused},
		{"", "command.json", "E02:duplicate-member", exitRefused},
	} {
		rezip(t, out, changed, c.without, c.more)
		told, said, code := verb(t, append([]string{"verify", changed}, flags...)...)
		if code != c.code || !strings.Contains(told+said, c.says) {
			t.Errorf("without %q, with %q: exit %d\n%s%s", c.without, c.more, code, told, said)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(o.work, ".export-*")); len(left) > 0 {
		t.Errorf("the export left %v behind", left)
	}
}

// rezip copies a zip file without one member, and with another.
func rezip(t *testing.T, from, to, without, more string) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	in, err := zip.OpenReader(from)
	check(err)
	defer in.Close()
	f, err := os.Create(to)
	check(err)
	defer f.Close()
	z := zip.NewWriter(f)
	for _, m := range in.File {
		if m.Name != without {
			check(z.Copy(m))
		}
	}
	if more != "" {
		w, err := z.Create(more)
		check(err)
		_, err = io.WriteString(w, "x")
		check(err)
	}
	check(z.Close())
}
