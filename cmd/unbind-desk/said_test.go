package main

import (
	"strings"
	"testing"

	"unbindd/cmd/unbind-desk/internal/dossier"
)

// What verify prints, and why a verb failed, is Chinese for who reads Chinese, to the end
// of the line; for programs it is as it was.
func TestChecksAndErrorsAreSaidInChinese(t *testing.T) {
	t.Setenv("UNBIND_DESK_LANG", "zh")
	out, problems, exit := verb(t, "verify", t.TempDir())
	if exit != exitFailed || !strings.Contains(problems, "案件核验未通过") {
		t.Errorf("exit %d, %s", exit, problems)
	}
	lines := 0
	checks, last, _ := strings.Cut(out, "核验未通过，请勿采信：")
	if last != "指令不成立的案件。未通过的检查：信任、指令。\n" {
		t.Errorf("the last line says %q", last)
	}
	for line := range strings.Lines(checks) {
		lines++
		words := strings.Fields(line)
		if len(words) < 3 || !han(words[0]) || !han(words[1]) || !han(strings.Join(words[2:], " ")) {
			t.Errorf("no Chinese in %q", line)
		}
	}
	all, _ := dossier.Verify(dossier.Folder(t.TempDir()), dossier.Options{})
	if lines != len(all) || lines == 0 {
		t.Errorf("%d lines for %d checks", lines, len(all))
	}
	for _, r := range all {
		if checkName(r.Check) == r.Check || checkName(r.Status) == r.Status || translated(r.Detail) == r.Detail {
			t.Errorf("not in Chinese: %+v", r)
		}
	}
	if out, _, _ := verb(t, "verify", "--json", t.TempDir()); han(out) {
		t.Errorf("for programs it says %s", out)
	}
	for english, chinese := range map[string]string{
		"cannot verify the envelope: the signature of ed25519:00 does not fit [E05:bad-signature]":                   "无法核验信封：ed25519:00 的签名不相符 [E05:bad-signature]",
		"trust.json is not there, and everything asks for it":                                                        "缺少 trust.json，而 全部检查 需要它",
		"cannot read the case: open /x/y: no such file or directory":                                                 "无法读取案件：open /x/y：没有该文件或目录",
		"cannot keep it: trust version 2, which is in force, has no key K for role R":                                "无法保存：生效的信任包版本 2 没有用于角色 R 的密钥 K",
		"cannot sign for the case: backup receipt: there is a receipt and no manifest that holds [E24] [E24:signer]": "无法为该案件签署：备份回执：有回执，却没有成立的清单 [E24] [E24:signer]",
		"one\ncannot sign: nobody knows":                                                                             "one\n无法签署：nobody knows",
		"cannot read the case: open /srv/a: b.json: no such file or directory":                                       "无法读取案件：open /srv/a: b.json：没有该文件或目录",
		"cannot read the case: open `/srv/a: b`: no such file or directory":                                          "无法读取案件：open `/srv/a: b`：没有该文件或目录",
		`cannot find "a: \"no such file or directory: b": no such file or directory`:                                 `无法找到 "a: \"no such file or directory: b"：没有该文件或目录`,
		"a mark \" alone: no such file or directory":                                                                 "a mark \" alone：没有该文件或目录",
		"cannot sign: nobody: knows: ":                                                                               "无法签署：nobody: knows: ",
	} {
		if got := translated(english); got != chinese {
			t.Errorf("%q is said as %q, want %q", english, got, chinese)
		}
	}
}

// A refusal goes over the wire in English, and is said here as it is read here.
func TestARefusalOfTheDeskIsSaidInChinese(t *testing.T) {
	o := newOffice(t)
	t.Setenv("UNBIND_DESK_LANG", "zh")
	_, problems, exit := verb(t, "cases", "show", "C-2026-999999", "--dir", string(o.dir))
	first, _, _ := strings.Cut(problems, "\n")
	if exit != exitRefused || first != "unbind-desk: 无法找到 案件：没有 [E28:case]" {
		t.Errorf("exit %d, %s", exit, problems)
	}
	if _, problems, _ := verb(t, "cases", "show", "C-2026-999999", "--dir", string(o.dir), "--json"); !strings.Contains(problems, `"message":"cannot find the case: there is none [E28:case]"`) {
		t.Errorf("for programs it says %s", problems)
	}
}
