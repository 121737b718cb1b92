package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A second person of a role that has signed is refused by name before the signature is put
// on, where the signer has the desk's book or a trust; where not, that is said.
func TestASecondPersonOfARoleIsRefusedBeforeSigning(t *testing.T) {
	o := newOffice(t)
	newTerminal(o, "T-1")
	_, path := o.draft(unbind("T-1"))
	o.cli("sign", "--dir", string(o.dir), "--key", o.dir.Key("ops-1"), path)
	before, err := os.ReadFile(path)
	o.check(err)
	for _, book := range [][]string{{"--dir", string(o.dir)}, {"--trust", o.dir.Trust()}} {
		out, problems, exit := verb(t, append([]string{"sign", "--key", o.dir.Key("ops-2"), path}, book...)...)
		if exit != exitRefused || !strings.Contains(problems, "cannot take the signature of ops-2: ops-1 has signed as operations already, and nobody more of that role is asked for [E05:role]") {
			t.Errorf("%v ends with %d: %s%s", book, exit, out, problems)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
			t.Errorf("%v has changed the file, %v", book, err)
		}
	}
	blind := filepath.Join(t.TempDir(), "command.json")
	o.check(os.WriteFile(blind, before, 0o600))
	if told := o.cli("sign", "--key", o.dir.Key("ops-2"), blind); !strings.Contains(told, "Whether this signature is one that is asked for was not looked at") {
		t.Errorf("without a trust it says %s", told)
	}
	if told := o.cli("sign", "--dir", string(o.dir), "--key", o.dir.Key("sec-1"), path); strings.Contains(told, "not looked at") || !strings.Contains(told, "Everybody has signed") {
		t.Errorf("with one it says %s", told)
	}
	t.Setenv("UNBIND_DESK_LANG", "zh")
	_, problems, _ := verb(t, "sign", "--dir", string(o.dir), "--key", o.dir.Key("ops-2"), path)
	for _, want := range []string{"无法接受 ops-2 的签名：ops-1 已以 operations 角色签署，不再需要该角色的其他人 [E05:role]", "\n  下一步：请由仍缺的角色"} {
		if !strings.Contains(problems, want) {
			t.Errorf("it does not say %q: %s", want, problems)
		}
	}
}
