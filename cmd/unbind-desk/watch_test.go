package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/serve"
	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/storetest"
)

// clock is a clock that a test moves.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// list runs a verb that ends with 9 exactly when it lists something.
func (o *office) list(name string, args ...string) string {
	o.t.Helper()
	out, errOut, code := verb(o.t, append([]string{name, "--dir", string(o.dir)}, args...)...)
	none := strings.Contains(out, "No case has") || strings.Contains(out, "There are no") || strings.TrimSpace(out) == "[]"
	if want := map[bool]int{true: exitDone, false: exitListed}[none]; code != want || errOut != "" {
		o.t.Fatalf("unbind-desk %s: exit %d, want %d\n%s%s", name, code, want, out, errOut)
	}
	return out
}

func (o *office) overdue(hours int) (list []desk.Overdue) {
	o.t.Helper()
	o.check(json.Unmarshal([]byte(o.list("overdue", "--hours", fmt.Sprint(hours), "--json")), &list))
	return list
}

func TestOverdueSaysWhatACaseWaitsFor(t *testing.T) {
	p := newPair(t, memoryBase(t), folderOf)
	m := newTerminal(p.office, "T-1")
	m.trade(1)
	order := p.order(unbind("T-1"), "ops-1", "sec-1")
	waits := func(what string) {
		t.Helper()
		if list := p.overdue(24); len(list) != 0 {
			t.Fatalf("before its time: %+v", list)
		}
		p.clock.move(25 * time.Hour)
		list := p.overdue(24)
		if len(list) != 1 || !strings.Contains(list[0].What, what) || list[0].Hours < 25 {
			t.Fatalf("want %q, got %+v", what, list)
		}
		if told := p.list("overdue"); !strings.Contains(told, what) {
			t.Fatalf("overdue says: %s", told)
		}
	}
	waits("nothing heard of the terminal")
	u := m.begin(order)
	waits("no backup has come")
	u.sealed(nothing)
	u.deliver()
	waits("not erased")
	u.ticket()
	u.answer(u.command.Case, 2, u.order.Digest(), command.Completed).want(t, http.StatusOK, "")
	waits("no complete certificate")
	u.put(u.at("certificate", 1), u.certificate(1, complete)).want(t, http.StatusOK, "")
	waits("last key not reported destroyed")
	u.do(u.unknown, http.MethodPut, "/v1/cases/"+string(u.command.Case)+"/tombstone", tombstone(u.r[:])).want(t, http.StatusOK, "")
	p.clock.move(1000 * time.Hour)
	if list := p.overdue(24); len(list) != 0 {
		t.Fatalf("a case that is over is overdue: %+v", list)
	}
}

func (o *office) alarms() (list []store.Alarm) {
	o.t.Helper()
	o.check(json.Unmarshal([]byte(o.list("alarms", "--json")), &list))
	return list
}

// A terminal that was unbound and asks again is told of, once an hour at most.
func TestZombiesRaiseAnAlarm(t *testing.T) {
	p := newPair(t, memoryBase(t), folderOf)
	u := whole(t, p.office, "T-1")
	if list := p.alarms(); len(list) != 0 {
		t.Fatalf("before anything: %+v", list)
	}
	for range 5 {
		u.get("/v1/terminals/T-1/command").want(t, http.StatusForbidden, "E10:gone")
	}
	list := p.alarms()
	if len(list) != 1 || list[0].Kind != "zombie" || list[0].About != "T-1" || list[0].Count != 1 {
		t.Fatalf("the alarms are %+v", list)
	}
	p.clock.move(2 * time.Hour)
	u.get("/v1/terminals/T-1/command").want(t, http.StatusForbidden, "E10:gone")
	if list = p.alarms(); list[0].Count != 2 {
		t.Fatalf("two hours later: %+v", list)
	}
	if told := p.list("alarms"); !strings.Contains(told, "the key it reported destroyed") {
		t.Fatalf("alarms says: %s", told)
	}
	// Bound again by its operator it is no zombie: it was unbound for that. Its old key is.
	u.admit()
	former := u.known
	u.tls = nil
	u.makeKeys()
	u.enrol()
	p.clock.move(2 * time.Hour)
	u.get("/v1/terminals/T-1/command").want(t, http.StatusNoContent, "")
	if list = p.alarms(); len(list) != 1 || list[0].Count != 2 {
		t.Fatalf("after a new enrolment: %+v", list)
	}
	for range 3 {
		u.do(former, http.MethodGet, "/v1/terminals/T-1/command", nil).want(t, http.StatusForbidden, "E10:certificate")
	}
	if list = p.alarms(); len(list) != 1 || list[0].Count != 3 || !strings.Contains(list[0].What, string(u.command.Case)) {
		t.Fatalf("the old key came back: %+v", list)
	}
}

// Who holds the key of a terminal that is gone adds nothing to its case: what
// was kept is answered again, and the rest is refused.
func TestNothingIsAddedToACaseThatIsGone(t *testing.T) {
	o := newOffice(t)
	u := whole(t, o, "T-1")
	order, id := u.order.Digest(), u.command.Case
	u.get(u.at("receipts/certificate", 1)).want(t, http.StatusOK, "")
	u.put(u.at("certificate", 1), u.certificate(1, complete)).want(t, http.StatusOK, "")
	u.put(u.at("certificate", 2), u.certificate(2, complete)).want(t, http.StatusForbidden, "E10:gone")
	u.answer(id, 7, order, command.Refused).want(t, http.StatusForbidden, "E10:gone")
	u.answer("none:T-1", 1, order, command.Refused).want(t, http.StatusForbidden, "E10:gone")
	if w := o.show(id); w.State != "gone" {
		t.Fatalf("the case is %s", w.State)
	}
}

// A serial number that was retired and is admitted again is told of.
func TestRetiredSerialNumbersRaiseAnAlarm(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	scan := o.file("scan")
	o.check(os.WriteFile(scan, []byte("scan"), 0o600))
	papers, order := o.file("papers.json"), o.file("command.json")
	o.cli("issue", "--dir", string(o.dir), "--terminal", "T-1", "--action", "retire", "--profile", "retire-standard",
		"--reason", "merchant-closed", "--paper", "business-licence="+scan+":b-7", "--paper", "acceptance-form="+scan+":b-7",
		"--papers", papers, "--out", order)
	o.cli("sign", "--key", o.dir.Key("ops-1"), papers, order)
	o.cli("sign", "--key", o.dir.Key("sec-1"), order)
	o.cli("publish", "--dir", string(o.dir), papers)
	o.cli("publish", "--dir", string(o.dir), order)
	e, err := readEnvelope(order)
	o.check(err)
	m.trade(1)
	finish(m.begin(e))
	other := &terminal{t: t, desk: o, id: "T-9", readSN: "PED-T-9"}
	other.makeKeys()
	other.serial = "SN-T-1" // the same machine under another name
	other.admit()
	if list := o.alarms(); len(list) != 1 || list[0].About != "SN-T-1" || !strings.Contains(list[0].What, "T-9") {
		t.Fatalf("the alarms are %+v", list)
	}
}

// After a commit of unknown outcome the desk ends; the next one finds what is
// there, and the terminal's repeat gets the one answer either way.
func TestFailedCommitEndsTheDesk(t *testing.T) {
	for name, written := range map[string]bool{"written": true, "not written": false} {
		t.Run(name, func(t *testing.T) {
			base, ok := (store.Base)(nil), false
			p := newPair(t, func(dir string) store.Base { base = memoryBase(t)(dir); return base }, folderOf)
			memory, ok := base.(*storetest.Memory)
			if !ok {
				t.Fatal("the base is another")
			}
			m := newTerminal(p.office, "T-1")
			u := m.begin(p.order(unbind("T-1"), "ops-1", "sec-1"))
			ended := p.runOne(memory)
			memory.FailNext(written)
			word := u.seal("answer", command.Answer{Case: u.command.Case, Code: command.CodeNone, N: 2, Outcome: command.Undone, Subject: u.order.Digest(), Terminal: "T-1", V: 1})
			// The desk may be gone before its answer is: then there is none.
			r, err := u.ask(u.known, http.MethodPut, u.at("answer", 2), nil, bytes.NewReader(word), int64(len(word)))
			if err == nil && r.status != http.StatusInternalServerError {
				t.Fatalf("a word whose commit failed is answered with %d", r.status)
			}
			select {
			case err := <-ended:
				if err == nil || !strings.Contains(err.Error(), "cannot go on") {
					t.Fatalf("the desk ended with %v", err)
				}
			case <-time.After(signWait):
				t.Fatal("the desk goes on")
			}
			p.runOne(memory.Reopen())
			u.put(u.at("answer", 2), word).want(t, http.StatusOK, "")
			u.put(u.at("answer", 2), word).want(t, http.StatusOK, "")
		})
	}
}

// runOne runs a desk of its own on a base, with its own doors, and leads
// terminals to it.
func (p *pair) runOne(base store.Base) <-chan error {
	p.t.Helper()
	kept, err := store.New(base)
	p.check(err)
	d, err := (&serving{dir: p.dir, url: p.url}).open(kept, folderOf(p.dir), zerolog.Nop(), nil)
	p.check(err)
	terminals, err := net.Listen("tcp", "127.0.0.1:0")
	p.check(err)
	operators, err := serve.ListenOperators(p.work + "/one.sock")
	p.check(err)
	ended, ready := make(chan error, 1), make(chan bool)
	s := serve.New(d, zerolog.Nop(), 1<<30)
	go func() {
		ended <- s.Run(p.t.Context(), serve.Doors{Terminals: terminals, Operators: operators}, p.tls().Certificates[0], func() { close(ready) })
	}()
	<-ready
	p.url = "https://" + terminals.Addr().String()
	return ended
}

// What the desk refuses is in its log: code, route, and whose certificate.
func TestRefusalsAreLogged(t *testing.T) {
	o := newOffice(t)
	m, other := newTerminal(o, "T-1"), newTerminal(o, "T-2")
	u := m.begin(o.order(unbind("T-1"), "ops-1", "sec-1"))
	other.get(u.at("command", 1)).want(t, http.StatusForbidden, "E09:case")
	u.get(u.at("receipts/backup", 1)).want(t, http.StatusNotFound, "E28:receipt-backup") // not yet, and no refusal
	o.stop()
	lines := strings.Split(strings.TrimSpace(o.log.String()), "\n")
	var said struct{ Code, Route, Client string }
	if len(lines) != 1 || json.Unmarshal([]byte(lines[0]), &said) != nil {
		t.Fatalf("the desk logged: %s", o.log)
	}
	if said.Code != "E09:case" || said.Client != "T-2" || !strings.Contains(said.Route, "/v1/cases/{case}/{kind}/{n}") {
		t.Fatalf("the refusal is logged as %+v", said)
	}
}

// An amendment that allows something else is no permission to erase.
func TestOnlyTheFittingAmendmentIsAPermission(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	m.trade(1)
	u := m.begin(o.order(unbind("T-1"), "ops-1", "sec-1"))
	u.sealed(nothing)
	u.deliver()
	id := string(u.command.Case)
	absent := o.order([]string{"amend", "--case", id, "--allow", "reader-absent"}, "ops-1", "sec-1", "rel-1")
	sealed := o.order([]string{"amend", "--case", id, "--allow", "sealed-backup"}, "ops-1", "sec-1", "rel-1")
	u.answer(u.command.Case, 2, u.order.Digest(), command.Completed).want(t, http.StatusOK, "")
	u.put(u.at("certificate", 1), u.certificate(1, func(p *certificate.Predicate) { p.Receipt.Digest = absent.Digest() })).want(t, http.StatusUnprocessableEntity, "E28:receipt")
	u.put(u.at("certificate", 1), u.certificate(1, func(p *certificate.Predicate) { p.Receipt.Digest = sealed.Digest() })).want(t, http.StatusOK, "")
}

// The ticket signer signs under no trust version older than one it has seen,
// after a restart either.
func TestTicketSignerKeepsAFloorOfTrust(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	m.trade(1)
	u := m.begin(o.order(unbind("T-1"), "ops-1", "sec-1"))
	u.sealed(nothing)
	u.deliver()
	o.check(os.WriteFile(o.dir.TrustFloor(), []byte("2\n"), 0o600))
	p, err := ticketProcess(t.Context(), o.dir, o.dir.Key("reader-1"), "")
	o.check(err)
	o.check(p.Round(t.Context()))
	u.get(u.at("tickets", 1)).want(t, http.StatusNotFound, "E28:ticket")
	o.cli("publish", "--dir", string(o.dir), o.nextBundle(nil))
	o.check(p.Round(t.Context()))
	u.get(u.at("tickets", 1)).want(t, http.StatusOK, "")
	if text, err := os.ReadFile(o.dir.TrustFloor()); err != nil || string(text) != "2\n" {
		t.Fatalf("the floor is %q, %v", text, err)
	}
}

// A terminal that is gone leaves no pairing key at the desk, and its enrolment is
// not answered again.
func TestSecretsEndWithTheTerminal(t *testing.T) {
	base := store.Base(nil)
	p := newPair(t, func(dir string) store.Base { base = memoryBase(t)(dir); return base }, folderOf)
	u := whole(t, p.office, "T-1")
	u.post("/v1/enrol", u.request).want(t, http.StatusForbidden, "E30:used")
	p.check(base.Look(func(r store.Rows) error {
		for _, table := range []store.Table{"answers", "pairings", "salts"} {
			if rows, err := r.List(table, "", "", 9); err != nil || len(rows) != 0 {
				t.Errorf("%s has %d rows, %v", table, len(rows), err)
			}
		}
		return nil
	}))
}

// A later ticket ends the secrets of an unused earlier one.
func TestASupersededTicketKeepsNoSecrets(t *testing.T) {
	base := store.Base(nil)
	p := newPair(t, func(dir string) store.Base { base = memoryBase(t)(dir); return base }, folderOf)
	m := &terminal{t: t, desk: p.office, id: "T-1", readSN: "PED-T-1"}
	m.makeKeys()
	for range 3 {
		m.admit()
	}
	for _, table := range []store.Table{"pairings", "salts"} {
		if n := len(rowsOf(t, base, table)); n != 1 {
			t.Errorf("%s has %d rows, want 1", table, n)
		}
	}
	m.enrol() // with the last
	m.tls = nil
	m.makeKeys()
	m.admit()
	if n := len(rowsOf(t, base, "answers")); n != 1 {
		t.Errorf("%d answers are kept, want the one of the ticket that was used", n)
	}
}

// What an older desk kept for terminals that are gone ends when a newer one opens.
func TestAnOlderDesksSecretsEnd(t *testing.T) {
	base := store.Base(nil)
	p := newPair(t, func(dir string) store.Base { base = memoryBase(t)(dir); return base }, folderOf)
	whole(t, p.office, "T-1")
	nonce := rowsOf(t, base, "enrolments")[0].Key
	p.check(base.Change(func(r store.Rows) error {
		return errors.Join(r.Put("salts", nonce, []byte("salt")), r.Put("answers", nonce, []byte("answer")), r.Remove("counters", "gone-forgotten"))
	}))
	_, err := desk.New(p.desks[0].Parts)
	p.check(err)
	if n := len(rowsOf(t, base, "salts")) + len(rowsOf(t, base, "answers")); n != 0 {
		t.Errorf("%d secrets are kept", n)
	}
}

func rowsOf(t *testing.T, base store.Base, table store.Table) (rows []store.Row) {
	t.Helper()
	if err := base.Look(func(r store.Rows) (err error) { rows, err = r.List(table, "", "", 1<<10); return err }); err != nil {
		t.Fatal(err)
	}
	return rows
}

// A case that waits too long raises its alarm by itself, once among two desks for what it
// waits for, and takes it back when it has moved on.
func TestOverdueCasesRaiseAnAlarm(t *testing.T) {
	p := newPair(t, memoryBase(t), folderOf)
	m := newTerminal(p.office, "T-1")
	order := p.order(unbind("T-1"), "ops-1", "sec-1")
	watch := func(want int, what string) {
		t.Helper()
		raised := 0
		for _, d := range append(p.desks, p.desks...) {
			list, err := d.Watch(72)
			p.check(err)
			raised += len(list)
		}
		if raised != want {
			t.Fatalf("%d alarms are raised, want %d", raised, want)
		}
		list := p.alarms()
		if (what == "") != (len(list) == 0) || len(list) > 0 && (list[0].Kind != "overdue" || !strings.Contains(list[0].What, what)) {
			t.Fatalf("the alarms are %+v", list)
		}
	}
	watch(0, "")
	p.clock.move(73 * time.Hour)
	watch(1, "nothing heard of the terminal")
	p.clock.move(73 * time.Hour)
	watch(0, "nothing heard of the terminal")
	m.begin(order)
	watch(0, "")
	p.clock.move(73 * time.Hour)
	watch(1, "no backup has come")
}
