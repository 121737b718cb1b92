package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
)

// held is a whole case that the stock-tools check finds good, too.
func held(o *office) *unbinding {
	o.t.Helper()
	m := newTerminal(o, "T-1")
	m.trade(3)
	m.closeBatch()
	u := m.begin(o.order(unbind("T-1"), "ops-1", "sec-1"))
	u.sealed(nothing)
	u.deliver()
	u.ticket()
	u.answer(u.command.Case, 2, u.order.Digest(), command.Completed).want(o.t, http.StatusOK, "")
	u.put(u.at("certificate", 1), u.certificate(1, func(p *certificate.Predicate) {
		p.Gate = []certificate.Check{{Check: "command", Detail: "held", OK: true}}
	})).want(o.t, http.StatusOK, "")
	u.do(u.unknown, http.MethodPut, "/v1/cases/"+string(u.command.Case)+"/tombstone", tombstone(u.r[:])).want(o.t, http.StatusOK, "")
	return u
}

// export writes a case into a new folder.
func (o *office) export(id envelope.ID) string {
	o.t.Helper()
	out := o.file("export")
	o.cli("cases", "export", string(id), "--dir", string(o.dir), "--out", out)
	return out
}

// filesOf are the names of all files below a folder.
func filesOf(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, path)
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil || len(names) < 35 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	return names
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// checkCase runs the stock-tools check.
func checkCase(t *testing.T, dir string, more ...string) (said string, code int) {
	t.Helper()
	return checkWith(t, "../../scripts/check-case.sh", dir, more...)
}

// indexAlone is the stock-tools check with no other check but that of the index.
func indexAlone(o *office) string {
	o.t.Helper()
	text, err := os.ReadFile("../../scripts/check-case.sh")
	o.check(err)
	scripts, err := filepath.Abs("../../scripts")
	o.check(err)
	text = regexp.MustCompile(`(?m)^check .*\n`).ReplaceAllFunc(text, func(line []byte) []byte {
		if string(line) == "check index index_\n" {
			return line
		}
		return nil
	})
	path := o.file("index-alone.sh")
	o.check(os.WriteFile(path, bytes.ReplaceAll(text, []byte(`$(dirname "$0")`), []byte(scripts)), 0o755))
	return path
}

func checkWith(t *testing.T, script, dir string, more ...string) (said string, code int) {
	t.Helper()
	c := exec.Command(script, append([]string{dir}, more...)...)
	text, err := c.CombinedOutput()
	if err != nil && c.ProcessState == nil {
		t.Fatal(err)
	}
	return string(text), c.ProcessState.ExitCode()
}

// without does something while some files are not there.
func (o *office) without(dir string, names []string, do func()) {
	o.t.Helper()
	for _, name := range names {
		o.check(os.Rename(filepath.Join(dir, name), filepath.Join(o.work, "away-"+strings.ReplaceAll(name, "/", "-"))))
	}
	do()
	for _, name := range names {
		o.check(os.Rename(filepath.Join(o.work, "away-"+strings.ReplaceAll(name, "/", "-")), filepath.Join(dir, name)))
	}
}

// Whatever is taken out of a case is missed by name: every file by itself, and what a
// folder of before would have verified without. So is what was put in, or changed.
func TestEveryFileOfACaseIsMissed(t *testing.T) {
	t.Setenv("UNBIND_DESK_LANG", "en")
	o := newOffice(t)
	out := o.export(held(o).command.Case)
	anchor := filepath.Join(string(o.dir), "anchor.txt")
	text, err := os.ReadFile(anchor)
	o.check(err)
	names, alone := filesOf(t, out), indexAlone(o)
	tail := []string{
		"receipts/certificate.json", "proofs/receipts-certificate.json.tlog-proof", "answers/2.json", "receipts/answer-2.json",
		"proofs/answers-2.json.tlog-proof", "proofs/receipts-answer-2.json.tlog-proof",
	}
	said, _, code := verb(t, "verify", out)
	if last := lastLine(said); code != exitDone || !strings.HasPrefix(last, "Verified: case ") || !strings.Contains(last, "certificate complete; ") ||
		!strings.Contains(last, "the case then being gone") {
		t.Fatalf("a good case ends %d:\n%s", code, said)
	}
	for _, name := range names {
		o.without(out, []string{name}, func() {
			said, _, code := verb(t, "verify", out, "--anchor", strings.TrimSpace(string(text)), "--indexed")
			if code != exitFailed || !strings.Contains(said, name) || !strings.HasPrefix(lastLine(said), "DOES NOT VERIFY, do not rely on it: ") {
				t.Errorf("%s is not there, and verify ends %d:\n%s", name, code, said)
			}
			said, _, code = verb(t, "verify", out, "--anchor", strings.TrimSpace(string(text)))
			if index := name == "index.json"; index != (code == exitDone) || index != strings.Contains(lastLine(said), "NOTHING COMMITS TO THE NUMBER OF ITS FILES") {
				t.Errorf("%s is not there, and verify ends %d:\n%s", name, code, said)
			}
			if os.Getenv("CHECKING") != "" { // make checking does it with stock tools, too
				said, code := checkWith(t, alone, out, "--indexed")
				if code == 0 || !strings.Contains(said, name) {
					t.Errorf("%s is not there, and check-case.sh ends %d:\n%s", name, code, said)
				}
			}
		})
	}
	o.without(out, tail[2:], func() {
		if said, _, code := verb(t, "verify", out); code != exitFailed || !strings.Contains(said, "listed by the desk and not there: "+tail[2]) {
			t.Errorf("the last answer is not there with all that names it, and verify ends %d:\n%s", code, said)
		}
	})
	// Without an index the certificate itself asks for its receipt.
	o.without(out, append([]string{"index.json"}, tail[:2]...), func() {
		if said, _, code := verb(t, "verify", out); code != exitFailed || !strings.Contains(said, tail[0]+" is not there, and certificate.json asks for it") {
			t.Errorf("the certificate's receipt is not there, and verify ends %d:\n%s", code, said)
		}
	})
	more := filepath.Join(out, "orders/close-1.json")
	o.check(os.MkdirAll(filepath.Dir(more), 0o755))
	o.check(os.WriteFile(more, []byte("{}"), 0o644))
	o.check(os.WriteFile(filepath.Join(out, "recipient.key"), []byte("no file of a case"), 0o644))
	edit(t, filepath.Join(out, "history.json"), func(text []byte) []byte { return append(text, ' ') })
	said, _, code = verb(t, "verify", out)
	if code != exitFailed || !strings.Contains(said, "there and not listed by the desk: orders/close-1.json\n") || !strings.Contains(said, "not as the desk listed it: history.json\n") {
		t.Errorf("something was put in, and verify ends %d:\n%s", code, said)
	}
}

// The same for stock tools: all at once, for a run of them takes its time.
func TestCheckCaseMissesWhatIsTakenOut(t *testing.T) {
	o := newOffice(t)
	out := o.export(held(o).command.Case)
	if os.Getenv("CHECKING") != "" { // else that is the demo's to show
		said, code := checkCase(t, out)
		if code != 0 || !strings.Contains(lastLine(said), "certificate complete; ") || !strings.Contains(lastLine(said), "the case then being gone") {
			t.Fatalf("a good case ends %d:\n%s", code, said)
		}
	}
	away := []string{
		"receipts/certificate.json", "proofs/receipts-certificate.json.tlog-proof", "answers/2.json", "receipts/answer-2.json",
		"proofs/answers-2.json.tlog-proof", "proofs/receipts-answer-2.json.tlog-proof",
	}
	path := filepath.Join(out, "index.json")
	signed, err := os.ReadFile(path)
	o.check(err)
	relisted := func(before, after string) { // by the desk's own key
		e := parse(t, signed)
		x := &envelope.Envelope{PayloadType: e.PayloadType, Payload: regexp.MustCompile(before).ReplaceAll(e.Payload, []byte(after))}
		o.check(x.Add(o.signer("receipt-1")))
		if bytes.Equal(x.Payload, e.Payload) {
			t.Fatal("the index was not changed")
		}
		o.check(os.WriteFile(path, x.Encode(), 0o644))
	}
	alone := indexAlone(o)
	relisted(`"sha256:([^"]*","name":"history.json")`, `"sha256:none${1}`)
	if said, code := checkWith(t, alone, out); code != 1 || !strings.Contains(said, "sha256sum cannot check") {
		t.Errorf("a digest is none, and check-case.sh ends %d:\n%s", code, said)
	}
	o.check(os.WriteFile(path, signed, 0o644))
	o.without(out, []string{"history.json"}, func() { // there, and not to be read by anybody
		o.check(os.Symlink("/proc/self/mem", filepath.Join(out, "history.json")))
		if said, code := checkWith(t, alone, out); code != 1 || !strings.Contains(said, "history.json is not as the desk listed it") {
			t.Errorf("history.json cannot be read, and check-case.sh ends %d:\n%s", code, said)
		}
		o.check(os.Remove(filepath.Join(out, "history.json")))
	})
	edit(t, filepath.Join(out, "history.json"), func(text []byte) []byte { return append(text, ' ') })
	o.check(os.WriteFile(filepath.Join(out, "answers/9.txt"), []byte("{}"), 0o644))
	relisted(`("log":{[^}]*"size":)`, "${1}9") // a log that is not that of the proofs
	o.without(out, away, func() {
		said, code := checkCase(t, out)
		says(t, said, "ok      desk's log ", "it names another state of the log than the proofs are under")
		for _, name := range away {
			says(t, said, name+" is listed by the desk and not there")
		}
		says(t, said, "history.json is not as the desk listed it", "answers/9.txt is there and not listed by the desk",
			"FAILED  certificate receipt  receipts/certificate.json is not there, and certificate.json asks for it")
		if code != 1 || !strings.Contains(lastLine(said), "2 checks FAILED") {
			t.Errorf("check-case.sh ends %d:\n%s", code, said)
		}
	})
}

// An index says as of when it is: what came later is in a later one, and neither can be
// put into the other's case, nor into that of another.
func TestAnIndexIsAsOfItsDay(t *testing.T) {
	t.Setenv("UNBIND_DESK_LANG", "en")
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	m.trade(3)
	m.closeBatch()
	u := m.begin(o.order(unbind("T-1"), "ops-1", "sec-1"))
	u.sealed(nothing)
	u.deliver()
	early := o.export(u.command.Case)
	said, _, code := verb(t, "verify", early, "--json")
	var told struct {
		OK      bool
		Summary struct {
			Case, Result, State, At string
			Files                   int
			Indexed                 bool
			Leaves                  int64
			Failed                  []string
		}
	}
	o.check(json.Unmarshal([]byte(said), &told))
	s := told.Summary
	if code != exitDone || !told.OK || s.State != "backed-up" || s.Result != "none" || !s.Indexed || s.Leaves == 0 || s.At == "" || len(s.Failed) != 0 ||
		s.Case != string(u.command.Case) || s.Files != len(filesIn(t, early))-1 {
		t.Errorf("it ends %d and says %+v", code, s)
	}
	u.ticket()
	u.answer(u.command.Case, 2, u.order.Digest(), command.Completed).want(t, http.StatusOK, "")
	u.put(u.at("certificate", 1), u.certificate(1, complete)).want(t, http.StatusOK, "")
	late := o.export(u.command.Case)
	if said, _, code := verb(t, "verify", early); code != exitDone || !strings.Contains(lastLine(said), "no certificate, so nothing is said to be erased; ") ||
		!strings.Contains(lastLine(said), "the case then being backed-up. What came later is not in it.") {
		t.Errorf("an early export ends %d:\n%s", code, said)
	}
	other := newTerminal(o, "T-2")
	other.trade(1)
	strange := o.export(other.begun(o.order(unbind("T-2"), "ops-1", "sec-1")).command.Case)
	for from, want := range map[string]string{early: "there and not listed by the desk: answers/2.json, certificate.json", strange: "it is of another case"} {
		text, err := os.ReadFile(filepath.Join(from, "index.json"))
		o.check(err)
		o.check(os.WriteFile(filepath.Join(late, "index.json"), text, 0o644))
		if said, _, code := verb(t, "verify", late); code != exitFailed || !strings.Contains(said, want) {
			t.Errorf("the index of %s is taken, exit %d:\n%s", from, code, said)
		}
	}
}

func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	below, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return append(slices.DeleteFunc(names, func(name string) bool { i, err := os.Stat(name); return err != nil || i.IsDir() }), below...)
}

// Of a case that ended without an erase the stock-tools check says that, and of one whose
// command is damaged or not there which file it is.
func TestCheckCaseSaysWhatIsThere(t *testing.T) {
	o := newOffice(t)
	ended := func(terminal, outcome, state string) string {
		m := newTerminal(o, terminal)
		m.trade(1)
		u := m.begin(o.order(unbind(terminal), "ops-1", "sec-1"))
		if outcome == command.Cancelled {
			o.order([]string{"cancel", "--case", string(u.command.Case)}, "ops-2")
		}
		u.answer(u.command.Case, 2, u.order.Digest(), outcome).want(t, http.StatusOK, "")
		out := o.export(u.command.Case)
		if said, code := checkCase(t, out); code != 0 || !strings.Contains(lastLine(said), "no certificate, so nothing is said to be erased; ") ||
			!strings.Contains(lastLine(said), "the case then being "+state+".") || strings.Contains(said, "FAILED") {
			t.Errorf("a case that is %s ends %d:\n%s", state, code, said)
		}
		return out
	}
	out := ended("T-1", command.Cancelled, "cancelled")
	if os.Getenv("CHECKING") != "" {
		ended("T-2", command.Undone, "undone")
		o.without(out, []string{"index.json"}, func() {
			if said, code := checkCase(t, out); code != 0 || !strings.Contains(lastLine(said), "NOTHING COMMITS TO THE NUMBER OF ITS FILES") {
				t.Errorf("a case without an index ends %d:\n%s", code, said)
			}
			if said, code := checkCase(t, out, "--indexed"); code != 1 || !strings.Contains(said, "FAILED  index                index.json is not there, and --indexed asks for it") {
				t.Errorf("with --indexed it ends %d:\n%s", code, said)
			}
		})
	}
	for _, c := range []struct{ file, body, want string }{
		{"command.json", "", "command.json is not there, and everything stands on it"},
		{"command.json", "{", "command.json cannot be read: it is no envelope"},
		{"command.json", `{"payload":"@@","payloadType":"x","signatures":[]}`, "command.json cannot be read: it is no envelope"},
		{"command.json", `{"payload":"e30=","payloadType":"x","signatures":[]}`, "command.json cannot be read: it names no version of the trust"},
		{"trust.json", "", "trust.json is not there, and everything stands on it"},
		{"trust.json", "{}", "trust.json cannot be read: it is no list of bundles"},
		{"trust.json", "[1]", "trust.json cannot be read: bundle 1 is no envelope"},
		{"anchor.txt", "", "anchor.txt is not there, and no --anchor was given"},
	} {
		o.without(out, []string{c.file}, func() {
			path := filepath.Join(out, c.file)
			if c.body != "" {
				o.check(os.WriteFile(path, []byte(c.body), 0o644))
			}
			if said, code := checkCase(t, out); code != 2 || strings.TrimSpace(said) != "check-case: "+c.want {
				t.Errorf("%s is %q, and check-case.sh ends %d: %s", c.file, c.body, code, said)
			}
			if c.body != "" {
				o.check(os.Remove(path))
			}
		})
	}
}
