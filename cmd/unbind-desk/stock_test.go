package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Whoever lacks our software checks a case with openssl, age, zstd and jq. The
// script is what the documents may print; it gets the exported folder, the
// identity and the number of transactions.
const stockScript = `
set -eu
cd "$1"

# The bytes that are signed: DSSEv1 SP length SP type SP length SP payload.
pae() {
	type=$(jq -r .payloadType "$1")
	jq -r .payload "$1" | base64 -d > payload.tmp
	printf 'DSSEv1 %d %s %d ' "${#type}" "$type" "$(stat -c %s payload.tmp)" | cat - payload.tmp
}
check() {
	pae "$1" > pae.tmp
	jq -r '.signatures[] | .keyid + " " + .sig' "$1" | while read -r keyid sig; do
		printf %s "$sig" | base64 -d > sig.tmp
		key="keys/$(printf %s "$keyid" | tr : _).pem"
		openssl pkeyutl -verify -rawin -pubin -inkey "$key" -in pae.tmp -sigfile sig.tmp >/dev/null
		echo "$1 $keyid"
	done
}
for f in command.json binding.json enrol-ticket.json profile.json manifest.json certificate.json receipts/*.json answers/*.json; do
	check "$f"
done

# The receipt is for this manifest, the manifest for this file.
pae manifest.json > manifest.pae
test "sha256:$(sha256sum < manifest.pae | cut -d' ' -f1)" = "$(jq -r .payload receipts/backup.json | base64 -d | jq -r .subject)"
test "sha256:$(sha256sum < backup.jsonl.zst.age | cut -d' ' -f1)" = "$(jq -r .payload manifest.json | base64 -d | jq -r .digest)"

# The backup, with its totals recounted and its trailer's digest.
age -d -i "$2" backup.jsonl.zst.age | zstd -dq > lines.tmp
test "$(jq -c 'select(.t.amount != null)' lines.tmp | wc -l)" = "$3"
jq -s '[.[] | select(.t.amount != null) | .t.amount] | add' lines.tmp > sum.tmp
jq -r .payload receipts/backup.json | base64 -d | jq '[.totals.sums[].amount] | add' | cmp - sum.tmp
test "$(head -n -1 lines.tmp | sha256sum | cut -d' ' -f1)" = "$(tail -n 1 lines.tmp | jq -r .sha256)"

# The desk's log: the leaf of an object, the way to the root (RFC 9162, 2.1.3.2),
# the root in the checkpoint, and the log's signature under it.
sha() { openssl dgst -sha256 -binary; }
leaf() { printf %s "$1" | xxd -r -p > raw.tmp; { printf '\000'; cat raw.tmp; } | sha > "$2"; }
proven() { # proof, hex digest of the object
	leaf "$2" r.tmp
	fn=$(sed -n 's/^index //p' "$1")
	sed '1,/^$/d' "$1" > checkpoint.tmp
	sn=$(($(sed -n 2p checkpoint.tmp) - 1))
	test "$fn" -le "$sn"
	sed -n '3,/^$/p' "$1" | sed '/^$/d' > path.tmp
	while read -r hash; do
		test "$sn" -ne 0
		printf %s "$hash" | base64 -d > p.tmp
		if [ $((fn % 2)) -eq 1 ] || [ "$fn" -eq "$sn" ]; then
			{ printf '\001'; cat p.tmp r.tmp; } | sha > next.tmp
			while [ $((fn % 2)) -eq 0 ] && [ "$fn" -ne 0 ]; do fn=$((fn / 2)); sn=$((sn / 2)); done
		else
			{ printf '\001'; cat r.tmp p.tmp; } | sha > next.tmp
		fi
		mv next.tmp r.tmp
		fn=$((fn / 2)); sn=$((sn / 2))
	done < path.tmp
	test "$sn" -eq 0
	test "$(base64 -w0 < r.tmp)" = "$(sed -n 3p checkpoint.tmp)"
	head -n 3 checkpoint.tmp > signed.tmp
	sed -n 's/^— [^ ]* //p' checkpoint.tmp | base64 -d | tail -c +5 > sig.tmp
	key="keys/$(jq -r '.[-1].payload' trust.json | base64 -d | jq -r .log.key | tr : _).pem"
	openssl pkeyutl -verify -rawin -pubin -inkey "$key" -in signed.tmp -sigfile sig.tmp >/dev/null
	echo "$1 stands in the log"
}
for f in command.json manifest.json certificate.json receipts/*.json answers/*.json; do
	proven "proofs/$(printf %s "$f" | tr / -).tlog-proof" "$(pae "$f" | sha256sum | cut -d' ' -f1)"
done
proven proofs/backup.jsonl.zst.age.tlog-proof "$(sha256sum < backup.jsonl.zst.age | cut -d' ' -f1)"
# The receipt names the leaf of its object.
test "$(jq -r .payload receipts/certificate.json | base64 -d | jq .index)" = "$(sed -n 's/^index //p' proofs/certificate.json.tlog-proof)"
test "$(jq -r .payload receipts/backup.json | base64 -d | jq .index)" = "$(sed -n 's/^index //p' proofs/backup.jsonl.zst.age.tlog-proof)"
echo stock tools agree
`

func TestStockToolsCheckACase(t *testing.T) {
	o := newOffice(t)
	u := whole(t, o, "T-1")
	out := filepath.Join(o.work, "export")
	o.cli("cases", "export", string(u.command.Case), "--dir", string(o.dir), "--out", out)
	script := filepath.Join(o.work, "check.sh")
	o.check(os.WriteFile(script, []byte(stockScript), 0o600))
	told, err := exec.Command("sh", script, out, o.dir.Identity(), "3").CombinedOutput()
	if err != nil {
		t.Fatalf("stock tools do not agree: %v\n%s", err, told)
	}
	// Two approvers, binding, ticket, two for the profile, manifest, certificate, two receipts, two answers.
	if n := strings.Count(string(told), "stands in the log"); n != 8 {
		t.Fatalf("%d objects were found in the log, want 8:\n%s", n, told)
	}
	if n := strings.Count(string(told), " ed25519:"); n != 12 || !strings.Contains(string(told), "stock tools agree") {
		t.Fatalf("%d signatures were checked, want 12:\n%s", n, told)
	}
}

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
// not where the log has it. That it finds nothing wrong with a good case is the
// demo's to show.
func TestCheckCaseHoldsTheLog(t *testing.T) {
	o := newOffice(t)
	u := whole(t, o, "T-1")
	out := filepath.Join(o.work, "export")
	o.cli("cases", "export", string(u.command.Case), "--dir", string(o.dir), "--out", out)
	text, err := os.ReadFile(filepath.Join(out, "proofs", "manifest.json.tlog-proof"))
	o.check(err)
	o.check(os.WriteFile(filepath.Join(out, "proofs", "command.json.tlog-proof"), text, 0o644))
	told, _ := exec.Command("../../scripts/check-case.sh", out, "--identity", o.dir.Identity()).CombinedOutput() // its lines are looked at
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
