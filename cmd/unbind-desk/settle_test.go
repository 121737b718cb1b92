package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"unbindd/cmd/unbind-desk/internal/store"
)

// settle says of an alarm that was seen once that it was looked into, unless args tell
// another count; it tells how the verb ended.
func (o *office) settle(args ...string) (out, errOut string, code int) {
	o.t.Helper()
	return verb(o.t, append([]string{"alarms", "settle", "--dir", string(o.dir), "--seen", "1"}, args...)...)
}

// An alarm that somebody settled is listed no more, is kept with his word, and is raised
// anew by the next time that its terminal asks, however soon; by two desks as by one.
func TestAnAlarmIsSettledAndRaisedAnew(t *testing.T) {
	p := newPair(t, memoryBase(t), folderOf)
	u := whole(t, p.office, "T-1")
	asks := func() { u.get("/v1/terminals/T-1/command").want(t, http.StatusForbidden, "E10:gone") }
	asks()
	out, errOut, code := p.settle("T-1", "--by", "auditor-1", "--why", "the board was cloned at the repair shop")
	if code != exitDone || !strings.Contains(out, "Settled: zombie   T-1") {
		t.Fatalf("exit %d\n%s%s", code, out, errOut)
	}
	if list := p.alarms(); len(list) != 0 {
		t.Fatalf("a settled alarm is up: %+v", list)
	}
	every := func() (list []store.Alarm) {
		out, errOut, code := verb(t, "alarms", "--dir", string(p.dir), "--all", "--json")
		if code != exitDone {
			t.Fatalf("exit %d\n%s%s", code, out, errOut)
		}
		p.check(json.Unmarshal([]byte(out), &list))
		return list
	}
	if told, _, _ := verb(t, "alarms", "--help"); !strings.Contains(told, "ends with 9 when any is not settled") {
		t.Errorf("a list of settled ones ends with 0, and the help says: %s", told)
	}
	kept := every()
	if len(kept) != 1 || !kept[0].Quiet || kept[0].Count != 1 || len(kept[0].Settled) != 1 || kept[0].Settled[0].By != "auditor-1" || kept[0].Settled[0].At == 0 {
		t.Fatalf("kept is %+v", kept)
	}
	if _, errOut, code := p.settle("T-1", "--by", "auditor-2", "--why", "again"); code != exitRefused || !strings.Contains(errOut, "E28:settled") {
		t.Errorf("settled twice: exit %d, %s", code, errOut)
	}
	p.clock.move(time.Second) // far less than an hour, after which one that is up is counted again
	asks()
	list := p.alarms()
	if len(list) != 1 || list[0].Quiet || list[0].Count != 2 || list[0].Last <= kept[0].Last || len(list[0].Settled) != 1 {
		t.Fatalf("it asked again: %+v", list)
	}
	if told := p.list("alarms"); !strings.Contains(told, "by auditor-1: the board was cloned") {
		t.Errorf("alarms says: %s", told)
	}
	asks() // it is up, and counted once an hour
	if list = p.alarms(); list[0].Count != 2 {
		t.Errorf("counted at once: %+v", list)
	}
	if _, errOut, code := p.settle("T-1", "--by", "auditor-1", "--why", "read before it asked again"); code != exitRefused || !strings.Contains(errOut, "E28:seen") {
		t.Errorf("what nobody looked into is settled: exit %d, %s", code, errOut)
	}
	if list = p.alarms(); len(list) != 1 || list[0].Quiet || len(list[0].Settled) != 1 {
		t.Errorf("it is up no more: %+v", list)
	}
	if _, errOut, code := p.settle("T-1", "--seen", "2", "--by", "王审计", "--why", "终端已送检"); code != exitDone {
		t.Fatalf("exit %d, %s", code, errOut)
	}
	if kept = every(); len(kept) != 1 || len(kept[0].Settled) != 2 || kept[0].Settled[1].By != "王审计" {
		t.Errorf("kept is %+v", kept)
	}
}

// What nobody raised, what takes itself back, and a word that says nothing settle nothing.
func TestWhatIsNotSettled(t *testing.T) {
	p := newPair(t, memoryBase(t), folderOf)
	u := whole(t, p.office, "T-1")
	u.get("/v1/terminals/T-1/command").want(t, http.StatusForbidden, "E10:gone")
	for name, c := range map[string]struct {
		args []string
		code string
	}{
		"nobody's":          {[]string{"T-2", "--by", "a", "--why", "b"}, "E28:alarm"},
		"another kind":      {[]string{"T-1", "--kind", "spoilt", "--by", "a", "--why", "b"}, "E28:alarm"},
		"an overdue one":    {[]string{"T-1", "--kind", "overdue", "--by", "a", "--why", "b"}, "E28:kind"},
		"seen by nobody":    {[]string{"T-1", "--seen", "0", "--by", "a", "--why", "b"}, "E28:seen"},
		"no name":           {[]string{"T-1", "--by", "", "--why", "b"}, "E02:settlement"},
		"no reason":         {[]string{"T-1", "--by", "a", "--why", ""}, "E02:settlement"},
		"a name too long":   {[]string{"T-1", "--by", strings.Repeat("审", 65), "--why", "b"}, "E02:settlement"},
		"two lines":         {[]string{"T-1", "--by", "a", "--why", "b\nzombie T-3"}, "E02:settlement"},
		"a turn of letters": {[]string{"T-1", "--by", "a", "--why", "b\u202ec"}, "E02:settlement"},
	} {
		if out, errOut, code := p.settle(c.args...); code == exitDone || !strings.Contains(errOut, c.code) {
			t.Errorf("%s: exit %d, %s%s", name, code, out, errOut)
		}
	}
	if list := p.alarms(); len(list) != 1 || list[0].Quiet || len(list[0].Settled) != 0 {
		t.Errorf("the alarms are %+v", list)
	}
}
