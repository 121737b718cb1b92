package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
)

// bag is a medium, and who walks with it.
type bag struct {
	*office
	path string
}

func newBag(o *office) *bag {
	b := &bag{o, filepath.Join(o.work, "usb")}
	o.check(os.MkdirAll(filepath.Join(b.path, "unbind"), 0o700))
	return b
}

// at is a file below a terminal's folder.
func (b *bag) at(parts ...string) string {
	return filepath.Join(append([]string{b.path, "unbind"}, parts...)...)
}

// put puts a file where a terminal would.
func (b *bag) put(body []byte, parts ...string) {
	b.t.Helper()
	b.check(os.MkdirAll(filepath.Dir(b.at(parts...)), 0o700))
	b.check(os.WriteFile(b.at(parts...), body, 0o600))
}

func (b *bag) held(parts ...string) []byte {
	b.t.Helper()
	body, err := os.ReadFile(b.at(parts...))
	b.check(err)
	return body
}

// walk carries the folder through the desk: what became of each object, and the exit code.
func (b *bag) walk(args ...string) (got map[string]string, code int) {
	b.t.Helper()
	out, errOut, code := verb(b.t, append([]string{"courier", "--json", "--wait", "0s", "--dir", string(b.dir), b.path}, args...)...)
	var said struct {
		Objects []struct{ Terminal, Case, Object, Outcome, Code, Message string }
	}
	if err := json.Unmarshal([]byte(out), &said); err != nil {
		b.t.Fatalf("%v in %s%s", err, out, errOut)
	}
	got = map[string]string{}
	for _, o := range said.Objects {
		at := strings.Join(strings.Fields(o.Terminal+" "+o.Case+" "+o.Object), " ")
		got[at] = strings.TrimSpace(o.Outcome + " " + o.Code)
		if o.Outcome == "refused" && o.Code == "" {
			got[at] += o.Message
		}
	}
	return got, code
}

func (b *bag) wantWalk(want map[string]string, args ...string) {
	b.t.Helper()
	got, code := b.walk(args...)
	if code != 0 || fmt.Sprint(got) != fmt.Sprint(want) {
		b.t.Fatalf("exit %d\n got %v\nwant %v", code, got, want)
	}
}

// What comes in a folder gets, to the byte, what it would have got over the network, and
// the network gets the same afterwards.
func TestAFolderGoesThroughTheSameDoors(t *testing.T) {
	o := newOffice(t)
	b := newBag(o)
	m := newTerminal(o, "T-1")
	m.trade(3)
	m.closeBatch()
	u := m.begun(o.order(unbind("T-1"), "ops-1", "sec-1"))
	id := string(u.command.Case)
	b.wantWalk(map[string]string{})
	b.wantWalk(map[string]string{"T-1 command": "laid-down"}, "--terminal", "T-1")
	if r, _ := m.orders(nil); !bytes.Equal(r.body, b.held("T-1", "command.json")) {
		t.Fatalf("the network offers other orders: %s", r.body)
	}
	says := func(n int64, outcome string) []byte {
		return m.seal("answer", command.Answer{
			Case: u.command.Case, Code: command.CodeNone, N: n, Outcome: envelope.ID(outcome), Subject: u.order.Digest(), Terminal: "T-1", V: 1,
		})
	}
	u.sealed(nothing)
	b.put(says(1, "accepted"), "T-1", id, "out", "answer-1.json")
	b.put(u.signed, "T-1", id, "out", "manifest-1.json")
	b.put(u.file, "T-1", id, "out", "backup-1.jsonl.zst.age")
	in := "T-1 " + id + " "
	b.wantWalk(map[string]string{in + "answer-1": "receipted", in + "manifest-1": "kept", in + "backup-1": "receipted", in + "ticket-1": "not-yet", "T-1 command": "unchanged"})
	u.authority = parse(t, b.held("T-1", id, "in", "receipt-backup-1.json"))
	u.ticket()
	b.wantWalk(map[string]string{in + "answer-1": "receipted", in + "manifest-1": "kept", in + "backup-1": "receipted", in + "ticket-1": "laid-down", "T-1 command": "unchanged"})
	b.put(says(2, "completed"), "T-1", id, "out", "answer-2.json")
	b.put(u.certificate(1, complete), "T-1", id, "out", "certificate-1.json")
	b.put(tombstone(u.r[:]), "T-1", id, "out", "tombstone-1.json")
	end := map[string]string{
		in + "answer-1": "receipted", in + "answer-2": "receipted", in + "manifest-1": "kept", in + "backup-1": "receipted", in + "ticket-1": "unchanged",
		in + "certificate-1": "receipted", in + "tombstone-1": "receipted", "T-1 command": "taken-away",
	}
	b.wantWalk(end)
	if got := o.state(id); got != "gone" {
		t.Fatalf("the case is %s, want gone", got)
	}
	for name, path := range map[string]string{
		"receipt-backup-1": "receipts/backup", "receipt-certificate-1": "receipts/certificate", "receipt-answer-2": "receipts/answer", "receipt-tombstone-1": "receipts/tombstone", "ticket-1": "tickets",
	} {
		n := int64(name[len(name)-1] - '0')
		if r := u.get(u.at(path, n)); r.status != http.StatusOK || !bytes.Equal(r.body, b.held("T-1", id, "in", name+".json")) {
			t.Errorf("%s is another over the network: %d %s", name, r.status, r.body)
		}
	}
	delete(end, "T-1 command")
	b.wantWalk(end)
	b.put([]byte("forged"), "T-1", id, "in", "receipt-certificate-1.json")
	b.wantWalk(end)
	if got := b.held("T-1", id, "in", "receipt-certificate-1.json"); string(got) == "forged" {
		t.Error("a forged receipt was left where the terminal looks")
	}
	b.put(u.certificate(1, func(p *certificate.Predicate) { p.Finished++ }), "T-1", id, "out", "certificate-1.json")
	if got, code := b.walk(); code != exitRefused || got[in+"certificate-1"] != "refused E11:other-bytes" || got[in+"tombstone-1"] != "receipted" {
		t.Errorf("exit %d, %v", code, got)
	}
}

// Files of strangers, edited ones and those that lie in another's place are refused by
// name. Nothing changes by them, nothing is laid down for them, and they hold up none.
func TestWhatDoesNotBelongIsNamed(t *testing.T) {
	o := newOffice(t)
	b := newBag(o)
	begin := func(id string) *unbinding {
		m := newTerminal(o, id)
		m.trade(2)
		m.closeBatch()
		u := m.begin(o.order(unbind(id), "ops-1", "sec-1"))
		u.sealed(nothing)
		return u
	}
	u, v := begin("T-1"), begin("T-2")
	u.authority = parse(t, u.signed) // whatever it is: the certificate is another's
	mine, other := string(u.command.Case), string(v.command.Case)
	u.put(u.at("manifest", 1), u.signed).want(t, http.StatusNoContent, "")
	before := u.do(u.unknown, http.MethodGet, "/v1/log/checkpoint", nil).body

	edited := bytes.Clone(v.signed)
	at := bytes.Index(edited, []byte(`"payload":"`)) + 20
	edited[at] ^= 1
	b.put(edited, "T-2", other, "out", "manifest-1.json")
	b.put(v.file, "T-2", other, "out", "backup-1.jsonl.zst.age") // its manifest never came
	b.put(u.certificate(1, complete), "T-2", other, "out", "certificate-1.json")
	b.put(tombstone(u.r[:]), "T-2", other, "out", "tombstone-1.json")
	b.put(u.signed, "T-2", mine, "out", "manifest-1.json") // another terminal's case
	b.put(append(bytes.Clone(u.file), 0), "T-1", mine, "out", "backup-1.jsonl.zst.age")
	b.put(v.signed, "T-1", mine, "out", "manifest-2.json")
	b.put(bytes.Repeat([]byte("x"), 2<<20), "T-1", mine, "out", "answer-7.json")
	b.put([]byte("no envelope"), "T-1", mine, "out", "answer-8.json")
	b.put([]byte("{}"), "T-1", mine, "out", "receipt-1.json")
	b.put([]byte("{}"), "T-1", mine, "out", "..json")
	b.put(u.signed, "T-1", "C-2026-999999", "out", "manifest-1.json")
	b.put(u.signed, "T-9", mine, "out", "manifest-1.json") // not a terminal of this desk
	b.put([]byte("a diary"), "notes.txt")
	o.check(unix.Mkfifo(b.at("T-1", mine, "out", "answer-9.json"), 0o600))
	o.check(os.Symlink("../../../T-2/"+other+"/out/certificate-1.json", b.at("T-1", mine, "out", "certificate-1.json")))

	got, code := b.walk()
	for at, want := range map[string]string{
		"T-2 " + other + " manifest-1":        "refused E",
		"T-2 " + other + " backup-1":          "refused E",
		"T-2 " + other + " certificate-1":     "refused E",
		"T-2 " + other + " tombstone-1":       "refused E28:tombstone",
		"T-2 " + mine + " manifest-1":         "refused E",
		"T-1 " + mine + " backup-1":           "refused E24:digest",
		"T-1 " + mine + " manifest-2":         "refused E",
		"T-1 " + mine + " answer-7":           "refused",
		"T-1 " + mine + " answer-8":           "refused E02",
		"T-1 " + mine + " receipt-1":          "strange",
		"T-1 " + mine + " ..json":             "strange",
		"T-1 " + mine + " answer-9.json":      "strange",
		"T-1 " + mine + " certificate-1.json": "strange",
		"T-1 C-2026-999999 manifest-1":        "refused E28:case",
		"T-9":                                 "passed-over E28:terminal",
		"notes.txt":                           "strange",
		"T-1 command":                         "laid-down",
		"T-2 command":                         "laid-down",
	} {
		if !strings.HasPrefix(got[at], want) {
			t.Errorf("%s: %q, want %q", at, got[at], want)
		}
	}
	if code != exitRefused {
		t.Errorf("exit %d", code)
	}
	if after := u.do(u.unknown, http.MethodGet, "/v1/log/checkpoint", nil).body; !bytes.Equal(before, after) {
		t.Errorf("the log grew by what was refused:\n%s\n%s", before, after)
	}
	for _, id := range []string{mine, other} {
		if got := o.state(id); got != "accepted" {
			t.Errorf("case %s is %s", id, got)
		}
	}
	if laid, err := filepath.Glob(b.at("*", "*", "in", "*")); err != nil || len(laid) > 0 {
		t.Errorf("laid down: %v, %v", laid, err)
	}
	// The right file in its place goes in among all of them.
	b.put(u.file, "T-1", mine, "out", "backup-1.jsonl.zst.age")
	if got, _ := b.walk(); got["T-1 "+mine+" backup-1"] != "receipted" {
		t.Errorf("the right file: %v", got)
	}
	// Without a desk there is nobody to ask, and without a medium nothing to carry.
	if _, _, code := verb(t, "courier", "--dir", string(o.dir), o.work); code != exitBlocked {
		t.Errorf("no medium: exit %d", code)
	}
	if code := o.stop(); code != 0 {
		t.Errorf("the desk ends with %d", code)
	}
	if _, _, code := verb(t, "courier", "--dir", string(o.dir), b.path); code != exitUnreachable {
		t.Errorf("no desk: exit %d", code)
	}
}
