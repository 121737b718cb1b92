package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/bolt"
)

// walkers is where the browser's half of the walk lies.
const walkers = "../../scripts/console"

// TestConsoleInABrowser walks the console of a real desk in a real browser. Where
// CONSOLE_OUT names a folder, screenshots are left there with an index; where
// CONSOLE_SHOTS does, those alone that cost no further step (.ci/run).
func TestConsoleInABrowser(t *testing.T) {
	for _, tool := range []string{"/usr/bin/chromium", "node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Geteuid() == 0 {
				t.Fatalf("%v: scripts/deps.sh brings it", err)
			}
			t.Skip(err)
		}
	}
	if _, err := os.Stat(filepath.Join(walkers, "node_modules", "axe-core")); err != nil {
		install := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--prefix", walkers)
		if out, err := install.CombinedOutput(); err != nil {
			t.Fatalf("cannot install the browser's driver: %v: %s", err, out)
		}
	}
	o := newOffice(t)
	w := &walk{office: o, one: newTerminal(o, "T-1"), two: newTerminal(o, "T-2")}
	w.one.trade(3)
	w.spite()
	at := o.await("console ")
	link := strings.TrimSpace(o.cli("console", "--dir", string(o.dir)))
	if !strings.HasPrefix(link, strings.TrimPrefix(at, "console ")+"/enter?link=") {
		t.Fatalf("the link is %s, the desk said %s", link, at)
	}
	w.run(link)
}

// walk is what terminals and approvers do while the browser looks.
type walk struct {
	*office
	one, two *terminal
	running  *unbinding
	order    *envelope.Envelope
	spiteful string
}

// run starts the browser's half and does what it asks for.
func (w *walk) run(link string) {
	w.t.Helper()
	args, out := shotsInto([]string{"walk.mjs", link})
	if out != "" {
		w.check(os.MkdirAll(out, 0o755))
	}
	c := exec.CommandContext(w.t.Context(), "node", args...)
	c.Dir = walkers
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	w.check(err)
	said, err := c.StdoutPipe()
	w.check(err)
	w.check(c.Start())
	for lines := bufio.NewScanner(said); lines.Scan(); {
		what, ok := strings.CutPrefix(lines.Text(), "do ")
		if !ok {
			w.t.Log(lines.Text())
			continue
		}
		_, err := io.WriteString(in, w.do(strings.Fields(what))+"\n")
		w.check(err)
	}
	if err := c.Wait(); err != nil {
		w.t.Fatalf("the walk failed: %v; the desk says %s", err, w.log)
	}
	if out != "" {
		w.check(indexShots(out))
	}
}

// do acts, and answers what the browser's half has to know.
func (w *walk) do(words []string) string {
	w.t.Helper()
	switch words[0] {
	case "issued": // a command is published for a terminal that is free
		m := w.one
		if w.running != nil {
			m = newTerminal(w.office, "T-3")
			m.trade(1)
		}
		w.order = w.office.order(unbind(m.id), "ops-1", "sec-1")
		w.running = &unbinding{terminal: m, order: w.order}
		w.check(envelope.Decode(w.order.Payload, &w.running.command))
		return string(w.running.command.Case)
	case "accept":
		w.running = w.running.begin(w.order)
	case "backup":
		w.running.sealed(nothing)
		w.running.deliver()
	case "finish":
		u := w.running
		u.ticket()
		u.answer(u.command.Case, 2, u.order.Digest(), command.Completed).want(w.t, http.StatusOK, "")
		u.put(u.at("certificate", 1), u.certificate(1, complete)).want(w.t, http.StatusOK, "")
		u.do(u.unknown, http.MethodPut, "/v1/cases/"+string(u.command.Case)+"/tombstone", tombstone(u.r[:])).want(w.t, http.StatusOK, "")
	case "draft":
		e, _ := w.draft(unbind("T-2"))
		var c command.Command
		w.check(envelope.Decode(e.Payload, &c))
		return string(c.Case)
	case "sign":
		w.cli("sign", "--key", w.dir.Key(words[1]), words[2])
		e, err := readEnvelope(words[2])
		w.check(err)
		return string(e.Digest())
	case "spite":
		return w.spiteful
	case "state":
		return w.state(words[1])
	case "link":
		return strings.TrimSpace(w.cli("console", "--dir", string(w.dir)))
	case "stop":
		return strconv.Itoa(w.stop())
	default:
		w.t.Fatalf("the browser asks for %v", words)
	}
	return "done"
}

// spite puts into the desk's store, while no desk serves it, what no route would
// let in: a case and an alarm whose free texts want to be more than text.
func (w *walk) spite() {
	w.t.Helper()
	if code := w.stop(); code != 0 {
		w.t.Fatalf("the desk ended with %d: %s", code, w.log)
	}
	base, err := bolt.Open(string(w.dir))
	w.check(err)
	kept, err := store.New(base)
	w.check(err)
	w.spiteful = "C-SPITE"
	w.check(kept.Change(func(tx *store.Tx) error {
		c := store.Case{ID: "C-SPITE", Terminal: "javascript:alert", State: "accepted", Since: 1790000000, Version: 1, Command: envelope.DigestOf(nil), Binding: envelope.DigestOf(nil)}
		err := tx.PutCase(c)
		for i, text := range []string{
			`"><script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, "\u202Egpj.exe", "javascript:alert(1)", "a\u200Bb\x07c", strings.Repeat("W", 300),
		} {
			if err == nil {
				err = tx.Note(c.ID, store.Entry{At: 1790000000, State: "accepted", What: text})
			}
			if err == nil {
				err = tx.PutAlarm(store.Alarm{Kind: "zombie", About: fmt.Sprint(i, text), What: text, First: 1790000000, Last: 1790003600, Count: 2})
			}
		}
		return err
	}))
	w.check(kept.Close())
	w.start()
}
