package main

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/directory"
	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/bolt"
	"unbindd/scripts/fleet"
)

// million is one desk with very many cases.
type million struct {
	*office
	n     int
	began int64
	rows  strings.Builder
	slow  []string
}

// listBound is what a list or a lookup may take in the median: promised for a million.
const listBound = 100 * time.Millisecond

const asked = 15

// TestMillion fills a desk with MILLION cases, and times what an operator asks of it,
// its start, and the takeover of a store that an older desk left. Without MILLION it
// does the same with a few, and times nothing.
func TestMillion(t *testing.T) {
	n, timed := 1_000, false
	if text := os.Getenv("MILLION"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 1_000 {
			t.Fatalf("MILLION is %q, %v", text, err)
		}
		timed = true
	}
	dir, mould := newMould(t)
	m := &million{
		office: &office{t: t, dir: directory.Dir(dir), work: filepath.Dir(dir), listen: "127.0.0.1:0"},
		n:      n, began: time.Now().Unix() - int64(n)*30 - 30*3600,
	}
	begun := time.Now()
	seed(t, dir, &mould, n, m.began)
	m.row("filled through the store's interface, cases a second", fmt.Sprintf("%.0f", float64(n)/time.Since(begun).Seconds()), "")
	info, err := os.Stat(filepath.Join(dir, "desk.db"))
	m.check(err)
	m.row("desk.db, bytes a case, of which most have no bodies", fmt.Sprint(info.Size()/int64(n)), "")
	m.started("start over it, to ready")
	m.questions()
	m.memory("after all of that")
	m.stop()
	m.takeover()
	if len(m.slow) > 0 && timed {
		t.Errorf("slower than %s: %s", listBound, strings.Join(m.slow, "; "))
	}
	if page := os.Getenv("MILLION_PAGE"); page != "" {
		m.check(fleet.Section(page, "million", m.page()))
	}
}

func (m *million) row(what, figure, most string) {
	m.t.Logf("%s: %s %s", what, figure, most)
	fmt.Fprintf(&m.rows, "| %s | %s | %s |\n", what, figure, most)
}

func (m *million) started(what string) {
	m.t.Helper()
	begun := time.Now()
	m.start()
	m.row(what, time.Since(begun).Round(time.Millisecond).String(), "")
	m.memory("then")
}

func (m *million) memory(when string) {
	m.t.Helper()
	u, err := fleet.UseOf(m.cmd.Process.Pid)
	m.check(err)
	m.row("anonymous memory of the desk "+when, fmt.Sprintf("%.1f MiB", float64(u.Anon)/(1<<20)), "")
}

// ask asks the operators' door some times; want says how many entries must come.
func (m *million) ask(what, path string, want int) {
	m.t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: dialSocket(m.dir.Socket())}}
	defer client.CloseIdleConnections()
	var took []time.Duration
	for range asked {
		begun := time.Now()
		resp, err := client.Get("http://desk" + path)
		m.check(err)
		var got json.RawMessage
		err = json.NewDecoder(resp.Body).Decode(&got)
		took = append(took, time.Since(begun))
		m.check(err)
		m.check(resp.Body.Close())
		if n := entries(got); resp.StatusCode != http.StatusOK || want >= 0 && n != want {
			m.t.Fatalf("%s: %d, %d entries, want %d: %.300s", path, resp.StatusCode, n, want, got)
		}
	}
	slices.Sort(took)
	if median := took[asked/2]; median > listBound {
		m.slow = append(m.slow, fmt.Sprintf("%s (%s)", what, median))
	}
	ms := func(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }
	m.row(what, ms(took[asked/2]), ms(took[asked-1]))
}

// entries are how many there are in a list, or in a page with the place to go on from.
func entries(answer []byte) int {
	var list []json.RawMessage
	var page struct{ Cases []json.RawMessage }
	if json.Unmarshal(answer, &list) == nil {
		return len(list)
	}
	if json.Unmarshal(answer, &page) != nil {
		return -1
	}
	return len(page.Cases)
}

// questions are what operators ask, at the beginning, in the middle and at the end.
func (m *million) questions() {
	m.t.Helper()
	const page = desk.CasesPage
	half := m.n / 3 / 100 * 100 // a case that is gone
	after := func(i int) string { return "after=" + hex.EncodeToString([]byte(caseNo(i))) }
	place := func(i int) string { // in the list of a state
		return hex.EncodeToString(append(binary.BigEndian.AppendUint64(nil, uint64(m.began+int64(i)*30)), caseNo(i)...))
	}
	m.ask("list, first page", "/desk/cases", page)
	m.ask("list, a page in the middle", "/desk/cases?"+after(half), page)
	// The case that the others were made of comes last.
	m.ask("list, the last page", "/desk/cases?"+after(m.n-101), 101)
	m.ask("list by state (gone), first page", "/desk/cases?state=gone", page)
	m.ask("list by state (gone), in the middle", "/desk/cases?state=gone&after="+place(half), page)
	m.ask("list by state (issued), first page", "/desk/cases?state=issued", min(page, m.n/50))
	m.ask("list by terminal", fmt.Sprintf("/desk/cases?terminal=T-%07d", half/2), 2)
	m.ask("overdue, first page", "/desk/overdue/24", min(page, m.n/100*16))
	m.ask("overdue, a page in the middle", "/desk/overdue/24?after=acknowledged:"+place(half+70), min(page, (m.n-half)/10-1))
	m.ask("alarms, first page", "/desk/alarms", min(page, m.n/100))
	m.ask("one case with its objects and history", "/desk/cases/"+string(caseNo(half)), -1)
	begun := time.Now()
	out, err := exec.Command("unbind-desk", "cases", "show", string(caseNo(half+1)), "--dir", string(m.dir)).CombinedOutput()
	if err != nil || !strings.Contains(string(out), string(caseNo(half+1))) {
		m.t.Fatalf("cases show: %v %s", err, out)
	}
	m.row("`unbind-desk cases show`, a whole process", time.Since(begun).Round(time.Millisecond).String(), "")
}

// takeover takes away what an older desk did not write, starts the desk, cuts its
// power on the way, and starts it again: cases are found by state and terminal, a
// successor by its key, and a message by its time, because the desk has seen to it.
func (m *million) takeover() {
	m.t.Helper()
	m.older()
	first := exec.Command("unbind-desk", "serve", "--dir", string(m.dir))
	told, err := first.StderrPipe()
	m.check(err)
	m.check(first.Start())
	lines := make(chan string, 16)
	go read(told, lines)
	line, seen := <-lines
	m.check(first.Process.Kill())
	_ = first.Wait() // it was killed
	if !seen || !strings.Contains(line, "taking over") {
		m.t.Fatalf("the desk says nothing of the takeover: %q", line)
	}
	m.patience = 30 * time.Minute // a page of cases a commit, and there may be a million
	m.started("start over it when an older desk left it, killed once on the way, to ready")
	m.ask("list by terminal, after the takeover", fmt.Sprintf("/desk/cases?terminal=T-%07d", m.n/4), 2)
	m.ask("list by state (gone), after the takeover", "/desk/cases?state=gone", desk.CasesPage)
	m.ask("overdue, after the takeover", "/desk/overdue/24", min(desk.CasesPage, m.n/100*16))
	m.stop()
	base, err := bolt.Open(string(m.dir))
	m.check(err)
	m.check(base.Look(func(r store.Rows) error { // as it is: a store that is opened would mend it
		for _, table := range []store.Table{"due", "successors"} {
			rows, err := r.List(table, "", "", 2)
			if err != nil || len(rows) != 1 {
				m.t.Errorf("the takeover left %d rows in %s, want 1: %v", len(rows), table, err)
			}
		}
		return nil
	}))
	m.check(base.Close())
}

// older makes the store what an older desk left, with a message that waits and a
// case in which a device takes over.
func (m *million) older() {
	m.t.Helper()
	base, err := bolt.Open(string(m.dir))
	m.check(err)
	s, err := store.New(base)
	m.check(err)
	m.check(s.Change(func(tx *store.Tx) error {
		c, err := tx.Case(caseNo(1))
		if err != nil {
			return err
		}
		var said command.Command
		draft, err := envelope.Parse(c.Draft, envelope.MaxCommand)
		if err == nil {
			err = envelope.Decode(draft.Payload, &said)
		}
		if err != nil {
			return err
		}
		said.Successor = &command.Successor{Device: "ed25519:0123456789abcdef", Terminal: "T-9"}
		if draft, err = envelope.Seal(envelope.Type(command.Kind), said); err != nil {
			return err
		}
		c.Draft = draft.Encode()
		return errors.Join(tx.PutCase(c), tx.AddHook(store.Hook{Partner: "acquirer", Body: []byte("{}"), Next: 1}))
	}))
	for _, table := range []store.Table{"states", "owners", "successors", "due"} {
		for left := true; left; {
			m.check(base.Change(func(r store.Rows) error {
				rows, err := r.List(table, "", "", 10_000)
				for _, row := range rows {
					err = errors.Join(err, r.Remove(table, row.Key))
				}
				left = len(rows) > 0
				return err
			}))
		}
	}
	m.check(base.Change(func(r store.Rows) (err error) {
		for _, name := range []string{"cases-placed", "cases-owned", "hooks-found", "successors-noted", "gone-forgotten"} {
			err = errors.Join(err, r.Remove("counters", name), r.Remove("counters", name+"-rows"))
		}
		return err
	}))
	m.check(s.Close())
}

func (m *million) page() string {
	cpu, err := os.ReadFile("/proc/cpuinfo")
	m.check(err)
	_, model, _ := strings.Cut(string(cpu), "model name\t: ")
	model, _, _ = strings.Cut(model, "\n")
	return fmt.Sprintf(`|  |  |
|---|---|
| command | %s |
| date | %s |
| processor | %s, %d seen by the system |
| Go | %s |
| load average at the end | %s (anything else that runs makes every figure worse) |

## %d cases

Records, objects, history, log with its tree and every way to find a case were written by the store's own interface, %d cases a
transaction; the envelopes are copies of one real case with other names in them, so their signatures are of the right size and not
right, and one case in %d has the bodies of its objects (the others their records and leaves). Each question was asked %d times at the operators' door of the real program; promised is a median below %s.

| question | median | slowest |
|---|---|---|
%s`, fmt.Sprintf("`make million CASES=%d`", m.n), time.Now().UTC().Format("2006-01-02 15:04 UTC"), model, runtime.NumCPU(), runtime.Version(), fleet.Load(), m.n, bulk, bodied, asked, listBound, m.rows.String())
}
