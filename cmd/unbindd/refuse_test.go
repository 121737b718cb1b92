package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/local"
	"unbindd/agent/manifest"
)

// What every test of the refusals needs: orders bent in one place and signed by
// the right people, the code they must get, and the proof that nothing changed.
// Each test is one kind of bad input, with real programs from end to end.

// issueAnew makes a further command of the same world; it becomes the newest.
func (w *world) issueAnew(args ...string) string {
	w.t.Helper()
	if err := os.Remove(w.path("command.json")); err != nil && !errors.Is(err, os.ErrNotExist) {
		w.t.Fatal(err)
	}
	return w.issue(args...)
}

// draft issues a command and returns what it says, to be bent.
func (w *world) draft(args ...string) command.Command {
	w.t.Helper()
	var c command.Command
	payload(w.t, w.issueAnew(args...), &c)
	return c
}

// bent is a copy of a command with one thing wrong.
func bent(c command.Command, bend func(*command.Command)) command.Command {
	bend(&c)
	return c
}

// sealed signs an object of a kind for holders of the desk.
func (w *world) sealed(kind string, v any, holders ...string) []byte {
	w.t.Helper()
	text, err := envelope.Canonical(v)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.signed(envelope.Type(kind), text, holders...)
}

// signed signs any bytes as a payload, as an issuer with a wrong tool would.
func (w *world) signed(payloadType string, payload []byte, holders ...string) []byte {
	w.t.Helper()
	e := &envelope.Envelope{PayloadType: payloadType, Payload: payload}
	for _, h := range holders {
		if err := e.Add(envelope.NewSigner(w.key(h))); err != nil {
			w.t.Fatal(err)
		}
	}
	return e.Encode()
}

// order signs a command as the rule demands.
func (w *world) order(c command.Command) []byte {
	w.t.Helper()
	return w.sealed(command.Kind, c, "ops-1", "sec-1")
}

// keep writes bytes to a file of the world, for the programs to read.
func (w *world) keep(name string, text []byte) string {
	w.t.Helper()
	path := w.path(name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// refuses hands text in and demands exactly this code, with a sentence and a
// next step.
func (w *world) refuses(text []byte, code string) {
	w.t.Helper()
	o := w.loadText(text)
	if o.Outcome != "refused" || o.Error == nil || o.Error.Code != code {
		w.t.Errorf("got %s %s, want %s", o.Outcome, told(o), code)
		return
	}
	if o.Error.Message == "" || o.Error.Next == "" {
		w.t.Errorf("%s is told without a sentence or a next step: %+v", code, *o.Error)
	}
}

// accepts hands text in and demands that it is taken.
func (w *world) accepts(text []byte) {
	w.t.Helper()
	if o := w.loadText(text); o.Outcome != "accepted" {
		w.t.Fatalf("got %s %s, want accepted", o.Outcome, told(o))
	}
}

func told(o local.Object) string {
	if o.Error == nil {
		return ""
	}
	return o.Error.Code + " " + o.Error.Message
}

// tool runs unbindctl on this terminal.
func (w *world) tool(args ...string) (out, problems string, code int) {
	w.t.Helper()
	return call(w.t, "unbindctl", append([]string{"--socket", w.socket()}, args...)...)
}

// toolRefuses hands a file in with the tool and demands its exit code and that it
// says sentence, code and next step in both languages.
func (w *world) toolRefuses(path, code string) {
	w.t.Helper()
	m, ok := envelope.MeaningOf(code)
	if !ok {
		w.t.Fatalf("%s has no meaning", code)
	}
	for _, lang := range []envelope.Language{envelope.English, envelope.Chinese} {
		_, problems, exit := w.tool("--lang", string(lang), "load", path)
		if exit != 6 {
			w.t.Errorf("unbindctl load ends with %d, want 6", exit)
		}
		for _, want := range []string{m.Sentence(lang), "[" + code + "]", m.Next(lang)} {
			if !strings.Contains(problems, want) {
				w.t.Errorf("unbindctl does not say %q:\n%s", want, problems)
			}
		}
	}
}

// untouched proves that nothing changed: the terminal trades, no case came into
// being, the last command's number is the same, and a sale lands in the ledger.
// It asks for no challenge, so that one that is outstanding lives.
func (w *world) untouched(before local.Status) {
	w.t.Helper()
	now := w.until("trading again", func(s local.Status) bool { return s.Mode == local.Trading })
	if caseOf(now) != caseOf(before) {
		w.t.Errorf("the case is %q, it was %q", caseOf(now), caseOf(before))
	}
	if now.Trust != before.Trust || now.Epoch != before.Epoch || now.Ledger == nil {
		w.t.Errorf("trust, enrolment or ledger changed: %+v, they were %+v", now, before)
	}
	w.sells()
}

func caseOf(s local.Status) string {
	if s.Case == nil {
		return ""
	}
	return s.Case.Case + " " + s.Case.Outcome
}

// sells makes a sale on a reader that is not frozen, and waits until it is in the
// ledger.
func (w *world) sells() {
	w.t.Helper()
	w.until("a thawed reader", func(local.Status) bool { return strings.HasSuffix(w.ask("freeze?"), "false") })
	before := w.until("a ledger", func(s local.Status) bool { return s.Ledger != nil && s.Mode == local.Trading })
	w.ask("sale", "1250", "CNY")
	w.traded(int(before.Ledger.Transactions) + 1)
}

// lastSeq is the number of the last command that was accepted; asking for it
// replaces the challenge.
func (w *world) lastSeq() int64 {
	w.t.Helper()
	c, err := w.client().Challenge(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return c.Seq
}

// fails waits until the running command was undone for this reason.
func (w *world) fails(code string) {
	w.t.Helper()
	s := w.until("undone by "+code, undone)
	if s.Case.Problem == nil || s.Case.Problem.Code != code {
		w.t.Errorf("undone by %+v, want %s", s.Case.Problem, code)
	}
	if s.Case.Crossed {
		w.t.Error("undone after the point of no return")
	}
	w.nothingErased()
}

// nothingErased: reader, keys, ledger and every place of the inventory are whole.
func (w *world) nothingErased() {
	w.t.Helper()
	var state struct {
		Started uint32 `json:"erases_started"`
		Counter uint32 `json:"erase_count"`
	}
	if err := json.Unmarshal([]byte(w.ask("state")), &state); err != nil {
		w.t.Fatal(err)
	}
	if state.Started != 0 || state.Counter != 0 {
		w.t.Errorf("the reader began %d erases", state.Started)
	}
	for _, place := range []string{"data/orders.db", "export-1.csv", "log/pos.log", "operator.pin", "bin/pos"} {
		if !exists(w.path("pos", place)) {
			w.t.Errorf("%s is gone", place)
		}
	}
	if exists(filepath.Join(w.state(), "tombstone.json")) {
		w.t.Error("there is a tombstone")
	}
}

// completes closes the batch, has the newest command signed and carried in, and
// waits for the end: nothing that came before was lost or used up.
func (w *world) completes(sales int) {
	w.t.Helper()
	w.settles()
	path := w.sign(w.path("command.json"), "ops-1", "sec-1")
	w.publish(path)
	w.unbound()
	w.proves(sales)
}

// proves checks the newest case from outside the terminal, whatever came before
// it: so many transactions are in its backup, and it was erased once.
func (w *world) proves(sales int) {
	w.t.Helper()
	out := w.path("case-" + w.caseID())
	must(w.t, "unbind-desk", "cases", "export", w.caseID(), "--dir", w.path("desk"), "--out", out)
	must(w.t, "unbind-desk", "verify", out, "--identity", w.path("desk", "keys", "recipient.key"))
	var m manifest.Manifest
	payload(w.t, filepath.Join(out, "manifest.json"), &m)
	if m.Count != int64(sales) {
		w.t.Errorf("the backup has %d transactions, the reader made %d", m.Count, sales)
	}
	w.onlyTheTombstone()
	w.erasedOnce()
	w.onlyTheInventory()
}

// settles closes the batch that sales have opened, and waits until the terminal
// has taken that over.
func (w *world) settles() {
	w.t.Helper()
	before := w.until("a ledger", func(s local.Status) bool { return s.Ledger != nil })
	w.ask("close-batch", "000001")
	w.until("the closed batch", func(s local.Status) bool { return s.Ledger.Events == before.Ledger.Events+1 })
}

// answersAtDesk are the terminal's signed words in a case, as the desk keeps them.
func (w *world) answersAtDesk(caseID string) []command.Answer {
	w.t.Helper()
	out, err := os.MkdirTemp(w.dir, "answers-")
	if err != nil {
		w.t.Fatal(err)
	}
	out = filepath.Join(out, "case")
	must(w.t, "unbind-desk", "cases", "export", caseID, "--dir", w.path("desk"), "--out", out)
	var bound struct {
		Device envelope.PublicKey `json:"device"`
	}
	text, err := os.ReadFile(filepath.Join(out, "binding.json"))
	if err != nil {
		w.t.Fatal(err)
	}
	b, err := envelope.Parse(text, envelope.MaxSize)
	if err == nil {
		err = json.Unmarshal(b.Payload, &bound)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(out, "answers", "*.json"))
	if err != nil {
		w.t.Fatal(err)
	}
	var all []command.Answer
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			w.t.Fatal(err)
		}
		e, err := envelope.Parse(text, envelope.MaxSize)
		if err != nil {
			w.t.Fatal(err)
		}
		a, err := command.OpenAnswer(e, bound.Device)
		if err != nil {
			w.t.Fatalf("%s: %v", filepath.Base(file), err)
		}
		all = append(all, a)
	}
	return all
}

// answered waits until the desk has the terminal's signed word with this outcome
// and code in the case.
func (w *world) answered(caseID, outcome, code string) {
	w.t.Helper()
	w.until(fmt.Sprintf("the signed answer %s %s at the desk", outcome, code), func(local.Status) bool {
		return slices.ContainsFunc(w.answersAtDesk(caseID), func(a command.Answer) bool {
			return string(a.Outcome) == outcome && string(a.Code) == code
		})
	})
}

func trusted(s local.Status) bool { return s.Clock == "trusted" }
