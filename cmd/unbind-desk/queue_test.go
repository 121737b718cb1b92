package main

import (
	"errors"
	"testing"

	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/bolt"
)

// A manifest that waits for its ticket in the store of an older desk, which had no queue,
// is found when this one opens it.
func TestTheManifestsOfAnOlderDeskAreQueued(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	m.trade(1)
	u := m.begin(o.order(unbind("T-1"), "ops-1", "sec-1"))
	u.sealed(nothing)
	u.deliver()
	o.stop()
	base, err := bolt.Open(string(o.dir))
	o.check(err)
	o.check(base.Change(func(r store.Rows) error { // as it left it
		rows, err := r.List("wanted", "", "", 9)
		if err != nil || len(rows) != 1 {
			return errors.Join(err, errors.New("the manifest is not in the queue"))
		}
		return errors.Join(r.Remove("wanted", rows[0].Key), r.Remove("counters", "tickets-queued"))
	}))
	o.check(base.Close())
	o.start()
	u.ticket()
}
