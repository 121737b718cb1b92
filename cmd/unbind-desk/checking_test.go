package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"unbindd/agent/envelope"
)

// pageCommands are the commands of docs/CHECKING.md as they are printed, in their order.
func pageCommands(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/CHECKING.md")
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllSubmatch(page, -1) {
		all.Write(block[1])
	}
	return all.String()
}

// withoutIndex are the commands for a case of an older desk, which listed nothing: as the
// page says, without the block that reads the list, and no line more.
func withoutIndex(commands string) string {
	return regexp.MustCompile(`(?s)\nby index\.json .*?-r \.state index\.tmp\)"\n`).ReplaceAllString(commands, "\n")
}

// What is left of the page for a case of an older desk asks for nothing of the list.
func TestThePageWithoutTheList(t *testing.T) {
	var left []string
	for line := range strings.Lines(withoutIndex(pageCommands(t))) {
		if strings.Contains(line, "index.tmp") {
			left = append(left, line)
		}
	}
	for index, good := range map[string]bool{
		"": true,
		`{"origin":"d/l","root":"AA==","size":3}`: true,
		`{"origin":"d/l","root":"AA==","size":4}`: false,
		`{"origin":"d/l","root":"AQ==","size":3}`: false,
		`{"origin":"d/m","root":"AA==","size":3}`: false,
		"null": false,
	} {
		dir := t.TempDir()
		err := os.WriteFile(filepath.Join(dir, "checkpoint.tmp"), []byte("d/l\n3\nAA==\n\n— d/l c2ln\n"), 0o644)
		if err == nil && index != "" {
			err = os.WriteFile(filepath.Join(dir, "index.tmp"), []byte(`{"log":`+index+`}`), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		c := exec.Command("sh", "-euc", strings.Join(left, ""))
		c.Dir = dir
		if told, err := c.CombinedOutput(); len(left) != 1 || (err == nil) != good {
			t.Errorf("with the list %q: %v\n%s%s", index, err, left, told)
		}
	}
}

// follow does what the page says, in a copy of the case.
func (o *office) follow(commands, case_ string, spoil func(dir string)) (string, error) {
	o.t.Helper()
	dir := o.file("copy")
	o.check(os.CopyFS(dir, os.DirFS(case_)))
	spoil(dir)
	anchor, err := o.dir.ReadAnchor()
	o.check(err)
	c := exec.Command("sh", "-euc", commands)
	c.Dir = dir
	c.Env = append(os.Environ(), "LC_ALL=C", "ANCHOR="+string(anchor), "IDENTITY="+o.dir.Identity())
	told, err := c.CombinedOutput()
	return string(told), err
}

// Whoever follows the page needs nothing of ours, finds a good case good, and
// every one that was tampered with bad.
func TestTheCommandsOfThePage(t *testing.T) {
	o := newOffice(t)
	u := whole(t, o, "T-1")
	out := filepath.Join(o.work, "export")
	o.cli("cases", "export", string(u.command.Case), "--dir", string(o.dir), "--out", out)
	commands := pageCommands(t)
	told, err := o.follow(commands, out, func(string) {})
	if err != nil || !strings.HasSuffix(told, "nothing failed\n") {
		t.Fatalf("a good case: %v\n%s", err, told)
	}
	if os.Getenv("CHECKING") != "" {
		if told, err := o.follow(withoutIndex(commands), out, func(dir string) { o.check(os.Remove(filepath.Join(dir, "index.json"))) }); err != nil || !strings.HasSuffix(told, "nothing failed\n") {
			t.Errorf("a good case of an older desk: %v\n%s", err, told)
		}
	}
	// Command, manifest, certificate, two answers, file, ticket, tombstone, five receipts.
	if n := strings.Count(told, "stands in the log"); n != 13 {
		t.Errorf("%d objects were found in the log, want 13:\n%s", n, told)
	}
	for i, c := range tampering(u) {
		if i != 1 && i != 3 && i != len(tampering(u))-1 && os.Getenv("CHECKING") == "" {
			continue // make checking does them all: each is hundreds of small programs
		}
		follow, lists := commands, c.file == "index.json" || strings.Contains(c.what, "index") || strings.Contains(c.what, "out with") || strings.Contains(c.what, "put in")
		if !lists { // the index would end it whatever else is found
			follow = withoutIndex(commands)
		}
		if told, err := o.follow(follow, out, func(dir string) {
			if !lists {
				o.check(os.Remove(filepath.Join(dir, "index.json")))
			}
			c.do(t, filepath.Join(dir, c.file))
		}); err == nil {
			t.Errorf("%s: %s is found good:\n%s", c.file, c.what, told)
		}
	}
}

// taken takes a file out of a case, with the proof that it stands in the log.
func taken(t *testing.T, path string) {
	t.Helper()
	folder, name := filepath.Split(path)
	proof := filepath.Join(folder, "../proofs", filepath.Base(folder)+"-"+name+".tlog-proof")
	if err := errors.Join(os.Remove(path), os.Remove(proof)); err != nil {
		t.Fatal(err)
	}
}

type tampered struct {
	file, what string
	do         func(t *testing.T, path string)
}

func tampering(u *unbinding) []tampered {
	resigned := func(holder string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			edit(t, path, func(text []byte) []byte {
				e := parse(t, text)
				forged := &envelope.Envelope{PayloadType: e.PayloadType, Payload: e.Payload}
				u.check(forged.Add(u.desk.signer(holder)))
				return forged.Encode()
			})
		}
	}
	flipped := func(t *testing.T, path string) {
		edit(t, path, func(text []byte) []byte {
			at := bytes.LastIndexByte(text, '"') - 20
			text[at] = map[bool]byte{true: 'B', false: 'A'}[text[at] == 'A']
			return text
		})
	}
	return []tampered{
		{"trust.json", "another anchor", flipped},
		{"command.json", "one signature in place of two", resigned("ops-1")},
		{"command.json", "a signature that does not fit", flipped},
		{"receipts/backup.json", "an approver's key as receipt key", resigned("ops-1")},
		{"receipts/certificate.json", "the enrolment key as receipt key", resigned("enrol-1")},
		{"receipts/answer-2.json", "an approver's key as receipt key", resigned("ops-1")},
		{"receipts/tombstone.json", "the enrolment key as receipt key", resigned("enrol-1")},
		{"receipts/certificate.json", "a signature that fits nothing beside the right one", func(t *testing.T, path string) {
			junk(t, path, u.desk.signer("rel-1").Public().ID())
		}},
		{"manifest.json", "the receipt key as device key", resigned("receipt-1")},
		{"certificate.json", "an approver's key as device key", resigned("sec-1")},
		{"backup.jsonl.zst.age", "a bit", flipped},
		{"ticket.json", "a signature that does not fit", flipped},
		{"tombstone-reveal.json", "another preimage", flipped},
		{"proofs/manifest.json.tlog-proof", "another object's proof", func(t *testing.T, path string) {
			text, err := os.ReadFile(filepath.Join(filepath.Dir(path), "command.json.tlog-proof"))
			u.check(err)
			edit(t, path, func([]byte) []byte { return text })
		}},
		{"proofs/ticket.json.tlog-proof", "another root", func(t *testing.T, path string) {
			edit(t, path, func(text []byte) []byte { return bytes.Replace(text, []byte("\n\n"), []byte("\nAAAA\n\n"), 1) })
		}},
		{"receipts/certificate.json", "taken out with its proof", taken},
		{"index.json", "an approver's key as receipt key", resigned("ops-1")},
		{"history.json", "another word in what nobody signs but in the index", func(t *testing.T, path string) {
			edit(t, path, func(text []byte) []byte {
				return bytes.Replace(text, []byte("acknowledged"), []byte("acknowledgeb"), 1)
			})
		}},
		{"validation.json", "put in from elsewhere", func(t *testing.T, path string) {
			u.check(os.WriteFile(path, []byte("{}"), 0o644))
		}},
		{"answers/2.json", "the last answer, taken out with receipt and proofs", func(t *testing.T, path string) {
			taken(t, path)
			taken(t, filepath.Join(filepath.Dir(path), "../receipts/answer-2.json"))
		}},
	}
}

func edit(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := change(bytes.Clone(text))
	if bytes.Equal(text, changed) {
		t.Fatal(fmt.Sprintf("%s was not changed", path))
	}
	if err := os.WriteFile(path, changed, 0o644); err != nil {
		t.Fatal(err)
	}
}
