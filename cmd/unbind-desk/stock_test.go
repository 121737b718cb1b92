package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpen(t *testing.T) {
	o := newOffice(t)
	u := whole(t, o, "T-1")
	sealed := filepath.Join(o.work, "backup.jsonl.zst.age")
	o.check(os.WriteFile(sealed, u.file, 0o600))
	identity := o.dir.Identity()

	if got := o.cli("open", "--identity", identity, sealed); got != strings.Join(u.lines, "\n")+"\n" {
		t.Fatalf("open gives out other lines than were sealed:\n%s", got)
	}
	out := filepath.Join(o.work, "lines.jsonl")
	told := o.cli("open", "--identity", identity, "--out", out, sealed)
	if text, err := os.ReadFile(out); err != nil || string(text) != strings.Join(u.lines, "\n")+"\n" {
		t.Fatalf("open wrote other lines than were sealed: %v", err)
	}
	if !strings.Contains(told, "3 transaction(s), 1 event(s), 0 refused") || !strings.Contains(told, "3006 minor units") {
		t.Fatalf("the totals are not told: %s", told)
	}
	if _, _, code := verb(t, "open", "--identity", identity, "--out", out, sealed); code != exitBlocked {
		t.Fatalf("open wrote over a file, exit %d", code)
	}
	refuses := func(what string, file []byte) {
		t.Helper()
		o.check(os.WriteFile(sealed, file, 0o600))
		lines := filepath.Join(o.work, "never.jsonl")
		said, _, code := verb(t, "open", "--identity", identity, "--out", lines, sealed)
		if code != exitRefused || said != "" || exists(lines) {
			t.Fatalf("%s: exit %d, printed %q", what, code, said)
		}
		if said, _, code = verb(t, "open", "--identity", identity, sealed); code != exitRefused || said != "" {
			t.Fatalf("%s: exit %d, printed %q", what, code, said)
		}
	}
	// Sealed as it should be, and its lines do not fit together.
	refuses("two lines swapped", u.sealFile([]string{u.lines[1], u.lines[0], u.lines[2], u.lines[3]}))
	refuses("the last line missing", u.sealFile(u.lines[:3]))
	for n := range 40 { // cut anywhere, flipped anywhere: nothing is given out
		at := len(u.file) * (n + 1) / 41
		spoiled := append([]byte{}, u.file...)
		spoiled[at] ^= 1
		if n%2 == 0 {
			spoiled = u.file[:at]
		}
		refuses(fmt.Sprintf("spoiled at %d", at), spoiled)
	}
	if left, _ := filepath.Glob(filepath.Join(o.work, ".open-*")); len(left) != 0 {
		t.Fatalf("open left %v behind", left)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// scripts/check-case.sh, which knows none of our code, notices an object that is
// not where the log has it, and a signature that fits nothing in the name of a key which
// came later, beside one that an earlier version knows. That it finds nothing wrong with a good case is the
// demo's to show.
func TestCheckCaseHoldsTheLog(t *testing.T) {
	o := newOffice(t)
	u := whole(t, o, "T-1")
	out := filepath.Join(o.work, "export")
	o.cli("cases", "export", string(u.command.Case), "--dir", string(o.dir), "--out", out)
	text, err := os.ReadFile(filepath.Join(out, "proofs", "manifest.json.tlog-proof"))
	o.check(err)
	o.check(os.WriteFile(filepath.Join(out, "proofs", "command.json.tlog-proof"), text, 0o644))
	junk(t, filepath.Join(out, "receipts", "certificate.json"), o.later(out))
	told, _ := exec.Command("../../scripts/check-case.sh", out, "--identity", o.dir.Identity()).CombinedOutput() // its lines are looked at
	says(t, string(told), "FAILED  certificate receipt  the signature of", "ok      backup receipt ")
	found := ""
	for line := range strings.Lines(string(told)) {
		if strings.Contains(line, "desk's log") {
			found = line
		}
	}
	if !strings.HasPrefix(found, "FAILED") || !strings.Contains(found, "the root that command.json leads to") {
		t.Fatalf("check-case says:\n%s", told)
	}
}
