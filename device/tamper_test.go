package device_test

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"testing"

	"unbindd/device"
)

func TestTamperErasesThePaymentKeys(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	must(t, b.sim.Tamper())
	must(t, b.sim.Tamper()) // latched already: counted
	if left := b.answering(r); len(left) > 0 || b.listed(r) > 0 {
		t.Errorf("slots %v answer", left)
	}
	must(t, r.Probe(testContext(t), 0x01)) // what is retained stays
	must(t, b.sim.Cut())
	b.start()
	identifyWhenBack(t, r)
	if state, err := r.Tamper(testContext(t)); err != nil || state != (device.Tamper{Detected: true, Count: 2}) {
		t.Errorf("state %+v, %v", state, err)
	}
	if id := identifyWhenBack(t, r); !id.Tampered || id.EraseCounter != 0 {
		t.Errorf("identity %+v", id) // nobody ordered this erase
	}
	_, err := r.Follow(testContext(t), 0)
	must(t, err)
	for _, e := range collect(t, r, 2) {
		var record struct{ Kind string }
		must(t, json.Unmarshal(e.Body, &record))
		if e.Code != device.EventTamper || record.Kind != "tamper" {
			t.Errorf("event %d: %s", e.Code, e.Body)
		}
	}
}

// Whoever ordered an erase still gets its record: every slot was already empty.
func TestTamperedReaderStillAnswersForAnErase(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	c, err := r.BeginErase(testContext(t), order, b.scope())
	must(t, err)
	must(t, b.sim.Tamper())
	_, err = r.Follow(testContext(t), 0)
	must(t, err)
	collect(t, r, 1)
	record, err := r.CommitErase(testContext(t), b.ticket(c, b.scope()), hostNonce)
	must(t, err)
	must(t, record.Verify(ed25519.PublicKey(b.injection.Pub)))
	for _, res := range record.Results {
		if res.Result != device.ResultAlreadyEmpty {
			t.Errorf("slot %d: result %d", res.Slot, res.Result)
		}
	}
}

func TestFrozenReaderRecordsWhatHappensAndSellsNothing(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	must(t, r.Freeze(testContext(t)))
	if _, err := b.sim.Sell(100, "CNY"); err == nil {
		t.Error("sold")
	}
	for _, happen := range []func() (uint32, error){
		func() (uint32, error) { return b.sim.CloseBatch("000001") },
		func() (uint32, error) { return b.sim.Happen("battery") },
	} {
		_, err := happen()
		must(t, err)
	}
	_, err := r.Follow(testContext(t), 0)
	must(t, err)
	if e := collect(t, r, 2); e[0].Code != device.EventBatchClose || e[1].Code != device.EventBattery {
		t.Errorf("events %d, %d", e[0].Code, e[1].Code)
	}
	if err := r.Thaw(testContext(t)); err != nil || identifyWhenBack(t, r).Frozen {
		t.Errorf("thawed: %v", err)
	}
	must(t, r.Thaw(testContext(t)))
}

// A reader that restarts in the middle of everything: the outcome of what was asked is unknown, never "refused",
// and nothing of the events is lost or doubled.
func TestReaderThatRestartsInMidSession(t *testing.T) {
	b := newBench(t)
	_, err := b.sim.Generate(40)
	must(t, err)
	r := b.reader()
	_, err = r.Follow(testContext(t), 0)
	must(t, err)
	must(t, r.Acknowledge(testContext(t), collectOnly(t, r, 10)[9].Seq))
	must(t, b.sim.Reboot())
	for err == nil {
		_, err = r.Next(testContext(t), 64)
	}
	if !errors.Is(err, device.ErrHangup) {
		t.Fatalf("error %v", err)
	}
	backlog, err := followWhenBack(t, r, 10)
	must(t, err)
	if backlog != (device.Backlog{First: 11, Last: 40}) {
		t.Errorf("backlog %+v", backlog)
	}
	if again := collect(t, r, 30); again[0].Seq != 11 || again[29].Seq != 40 {
		t.Errorf("got %d..%d", again[0].Seq, again[29].Seq)
	}
}
