package desk

import (
	"errors"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/storetest"
)

// A case that was closed by order waits for nothing, and the alarm that it did is taken back.
func TestAClosedCaseIsNotOverdue(t *testing.T) {
	d := queueing(t, storetest.NewMemory())
	if err := d.change(func(tx *store.Tx) (err error) {
		for _, s := range States {
			err = errors.Join(err, tx.PutCase(store.Case{ID: envelope.ID("C-" + s), Terminal: "T", State: s, Since: 1, Command: anything, Binding: anything}))
		}
		return errors.Join(err, tx.PutAlarm(store.Alarm{Kind: lateCase, About: "C-closed", What: "what an older desk said", Count: 1}))
	}); err != nil {
		t.Fatal(err)
	}
	raised, err := d.Watch(1)
	if err != nil || len(raised) != len(waits) {
		t.Errorf("raised are %+v, %v", raised, err)
	}
	late, err := d.Overdue(1, "")
	if err != nil || len(late.Cases) != len(waits) {
		t.Errorf("overdue are %+v, %v", late.Cases, err)
	}
	alarms, err := d.Alarms("", "")
	if err != nil || len(alarms) != len(waits) {
		t.Errorf("the alarms are %+v, %v", alarms, err)
	}
	for _, a := range alarms {
		if a.About == "C-closed" {
			t.Errorf("there is still %+v", a)
		}
	}
}
