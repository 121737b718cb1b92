package main

import (
	"net/http"
	"testing"
	"time"

	"unbindd/cmd/unbind-desk/internal/store"
)

const decade = 10 * 365 * 24 * time.Hour

// A clock that was ten years ahead for a moment silences nobody once it is right again.
func TestAClockThatWasAheadSilencesNobody(t *testing.T) {
	p := newPair(t, memoryBase(t), folderOf)
	d := p.desks[0]
	p.check(d.Store.Change(func(tx *store.Tx) error { return tx.AddHook(store.Hook{Partner: "acquirer", Body: []byte("{}")}) }))
	m := newTerminal(p.office, "T-1")
	m.trade(3)
	u := m.begin(p.order(unbind("T-1"), "ops-1", "sec-1"))
	u.sealed(nothing)
	u.put(u.at("manifest", 1), u.signed).want(t, http.StatusNoContent, "")
	gone := whole(t, p.office, "T-2")

	p.clock.move(decade)
	h, ok, err := d.DueHook("acquirer", 60)
	if err != nil || !ok {
		t.Fatalf("nothing is due: %v", err)
	}
	p.check(d.HookFailed(h, 30))
	gone.get("/v1/terminals/T-2/command").want(t, http.StatusForbidden, "E10:gone")
	u.begun(1, u.manifest.Digest, u.manifest.Size).want(t, http.StatusCreated, "")
	link, err := d.Invite()
	p.check(err)

	p.clock.move(-decade)
	if err := d.Admits(link); err == nil {
		t.Error("a link is good for ten years")
	}
	if _, err := d.Enter(link); err == nil {
		t.Error("a link of ten minutes is good for ten years")
	}
	if _, ok, err := d.DueHook("acquirer", 60); err != nil || !ok {
		t.Errorf("the message waits ten years: %v", err)
	}
	gone.get("/v1/terminals/T-2/command").want(t, http.StatusForbidden, "E10:gone")
	if list := p.alarms(); len(list) != 1 || list[0].Count != 2 {
		t.Errorf("the alarm is counted in ten years: %+v", list)
	}
	u.begun(1, u.manifest.Digest, u.manifest.Size).want(t, http.StatusCreated, "") // what was ahead is dropped, and begun anew
	u.rest(1, u.file).want(t, http.StatusNoContent, "")
}
