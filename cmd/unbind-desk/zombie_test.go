package main

import (
	"net/http"
	"strings"
	"testing"

	"unbindd/agent/command"
)

// The alarm names the case in which the key was destroyed, also where another was issued
// meanwhile.
func TestAZombieEndedInTheCaseTakenAfterAll(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	m.trade(3)
	m.closeBatch()
	u := m.begun(o.order(unbind("T-1"), "ops-1", "sec-1"))
	u.answer(u.command.Case, 1, u.order.Digest(), command.Refused).want(t, http.StatusOK, "")
	o.order(unbind("T-1"), "ops-1", "sec-1")
	u.answer(u.command.Case, 3, u.order.Digest(), command.Accepted).want(t, http.StatusOK, "")
	finish(u)
	u.get("/v1/terminals/T-1/command").want(t, http.StatusForbidden, "E10:gone")
	list := o.alarms()
	if len(list) != 1 || list[0].Kind != "zombie" || !strings.Contains(list[0].What, string(u.command.Case)) {
		t.Fatalf("the alarms are %+v, want one about %s", list, u.command.Case)
	}
}
