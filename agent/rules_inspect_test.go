package agent

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"unbindd/agent/certificate"
	"unbindd/agent/envelope"
	"unbindd/device"
)

// A reader that signs what it erases, and has no record of it, did not sign: gone keys alone are not "erased".
func TestGoneKeysWithoutARecordAreUnverified(t *testing.T) {
	b := newBound(t)
	b.erasing(func(ctx context.Context, e *readerErase) {
		_, err := e.erase(ctx)
		b.no(err)
		ev, err := e.despite(ctx, e.evidence(), device.ErrRefused{Code: device.CodeEventsHeld})
		if err != nil || ev.Outcome != outcomeUnverified || ev.Authenticated {
			t.Errorf("%s (%s), %v", ev.Outcome, ev.Detail, err)
		}
	})
}

// A reader that was empty when it was inspected is looked at all the same: keys may have come since.
func TestAnEmptyReaderIsLookedAtTwice(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*inspection)
		want   string
	}{
		"still as it was":  {func(*inspection) {}, outcomeErased},
		"a slot was empty": {func(i *inspection) { s := &i.Slots[payment(i)]; s.State, s.KCV = string(device.SlotEmpty), "" }, outcomeIncomplete},
		"a slot is new":    {func(i *inspection) { n := payment(i); i.Slots = slices.Delete(i.Slots, n, n+1) }, outcomeIncomplete},
		"another reader":   {func(i *inspection) { i.Serial = "PED-OTHER" }, outcomeForeign},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBound(t)
			b.erasing(func(ctx context.Context, e *readerErase) {
				c.change(&e.seen)
				e.seen.Scope = []uint16{}
				ev, err := e.run(ctx)
				b.no(err)
				if ev.Outcome != c.want {
					t.Errorf("%s (%s), want %s", ev.Outcome, ev.Detail, c.want)
				}
			})
		})
	}
}

// payment is the place of the first key that an erase would cover.
func payment(i *inspection) int {
	return slices.IndexFunc(i.Slots, func(s slotSeen) bool { return slices.Contains(i.Scope, s.Slot) })
}

// What a reader retains is its own word; it does not excuse a key that the profile erases.
func TestAPaymentKeyIsNotRetained(t *testing.T) {
	types := []envelope.ID{"TMK", "TPK"}
	for _, c := range []struct {
		slot device.Slot
		want bool
	}{
		{device.Slot{ID: 1, Type: "TPK", State: device.SlotLoaded, Retained: true}, true},
		{device.Slot{ID: 1, Type: "TPK", State: device.SlotEmpty, Retained: true}, false},
		{device.Slot{ID: 1, Type: "TPK", State: device.SlotLoaded}, false},
		{device.Slot{ID: 1, Type: "TLK", State: device.SlotLoaded, Retained: true}, false},
	} {
		if _, got := keptBack([]device.Slot{c.slot}, types); got != c.want {
			t.Errorf("%+v: %v", c.slot, got)
		}
	}
}

// A list that leaves a key out before anything was touched is found out by using the key.
func TestAKeyThatTheListLeavesOutEndsTheCommand(t *testing.T) {
	b := newBound(t)
	b.erasing(func(ctx context.Context, e *readerErase) {
		slots, err := b.a.line().Slots(ctx)
		b.no(err)
		b.no(b.a.hidden(ctx, &e.seen, slots))
		i := slices.IndexFunc(slots, func(s device.Slot) bool { return s.ID == e.seen.Scope[0] })
		slots[i].State = device.SlotEmpty
		if err := b.a.hidden(ctx, &e.seen, slots); err == nil || !strings.Contains(err.Error(), "its key answers") {
			t.Errorf("error %v", err)
		}
	})
}

// A reader that lost its power for a moment is no missing one, however often its line was tried.
func TestAReaderMayTakeItsTimeToStart(t *testing.T) {
	b := newBound(t)
	b.erasing(func(ctx context.Context, e *readerErase) {
		b.no(b.sim.Unplug())
		for b.a.line().Status().Cycles < lostCycles {
			<-time.After(10 * time.Millisecond)
		}
		if ev, err := e.judge(ctx, certificate.Reader{}, device.ErrTimeout); err == nil {
			t.Errorf("judged %s after %v", ev.Outcome, b.a.awayFor())
		}
		b.a.mu.Lock()
		b.a.lost = b.a.lost.Add(-bootTime)
		b.a.mu.Unlock()
		if ev, err := e.judge(ctx, certificate.Reader{}, device.ErrBusy); err != nil || ev.Outcome != outcomeMissing || !strings.Contains(ev.Detail, "another program") {
			t.Errorf("%+v, %v", ev, err)
		}
	})
}

// The module in a socket is named: its keys are nobody's erase.
func TestAModuleInASocketIsNamed(t *testing.T) {
	e := &readerErase{seen: inspection{Sockets: []int{2}}}
	if got := e.evidence().Retained; len(got) != 1 || got[0] != (certificate.Retained{Slot: 2, Type: "SAM", Why: "module-in-socket"}) {
		t.Errorf("%+v", got)
	}
}
