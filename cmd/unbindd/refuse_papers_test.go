package main

import (
	"os"
	"strings"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/local"
)

// retires issues a retirement with both papers that its profile demands.
func (w *world) retires() (command.Command, command.Papers) {
	w.t.Helper()
	paper := w.keep("paper.pdf", []byte("a paper that somebody saw"))
	list := w.path("papers.json")
	if err := os.RemoveAll(list); err != nil {
		w.t.Fatal(err)
	}
	c := w.draft("--action", "retire", "--profile", "retire-standard", "--papers", list,
		"--paper", "business-licence="+paper+":badge-7", "--paper", "acceptance-form="+paper+":badge-7")
	var p command.Papers
	payload(w.t, list, &p)
	return c, p
}

// A profile that demands papers is not begun without them: the desk does not
// issue it, and the terminal undoes it, whoever signed. With them it ends, and
// the terminal is never enrolled again.
func TestARetirementNeedsItsPapers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{sales: 20})
	w.startDaemon()
	w.traded(20)
	w.until("a trusted clock", trusted)
	_, problems, code := call(t, "unbind-desk", "issue", "--dir", w.path("desk"), "--terminal", terminalID, "--action", "retire",
		"--profile", "retire-standard", "--reason", "merchant-closed", "--out", w.path("none.json"))
	if code != 6 || !strings.Contains(problems, "E17:papers") {
		t.Errorf("the desk ends with %d: %s", code, problems)
	}

	without, _ := w.retires()
	w.accepts(w.order(bent(without, func(c *command.Command) { c.Papers = "" })))
	w.fails("E22:papers")
	w.sells()

	short, papers := w.retires()
	papers.Papers = papers.Papers[:1]
	list := w.sealed("papers", papers, "ops-1")
	w.accepts(w.order(bent(short, func(c *command.Command) { c.Papers = digestOf(t, list) })))
	w.accepts(list)
	w.until("undone", func(s local.Status) bool { return undone(s) && s.Case.Case == string(short.Case) })
	w.fails("E22:papers")
	w.sells()

	right, papers := w.retires()
	w.settles()
	w.accepts(w.order(right))
	w.until("waiting for the papers", func(s local.Status) bool {
		return s.Case.Case == string(right.Case) && s.Case.Waiting == "the papers that the command names"
	})
	w.refuses(list, "E28:papers")
	w.refuses(w.sealed("papers", papers, "sec-1"), "E05:missing-role")
	w.nothingErased()
	w.publish(w.sign(w.path("papers.json"), "ops-1"))
	w.publish(w.keep("retire.json", w.order(right)))
	w.unbound()
	w.proves(22)
	w.daemon.stop()
	_, problems, code = call(t, "unbindd", "enrol", "--config", w.path("unbindd.yaml"), "--ticket", w.path("ticket.json"), "--anchor", w.anchor())
	if code != 6 || !strings.Contains(problems, "E30:retired") {
		t.Errorf("the enrolment of a retired terminal ends with %d: %s", code, problems)
	}
	w.onlyTheTombstone()
}

func digestOf(t *testing.T, text []byte) envelope.Digest {
	t.Helper()
	e, err := envelope.Parse(text, envelope.MaxSize)
	if err != nil {
		t.Fatal(err)
	}
	return e.Digest()
}
