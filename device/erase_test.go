package device_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"os"
	"testing"

	"unbindd/device"
)

var hostNonce = [16]byte{0xAA, 1}

// erase goes through both phases with a good ticket.
func (b *bench) erase(r *device.Reader) (device.EraseRecord, error) {
	b.t.Helper()
	c, err := r.BeginErase(testContext(b.t), order, b.scope())
	must(b.t, err)
	return r.CommitErase(testContext(b.t), b.ticket(c, b.scope()), hostNonce)
}

// answering lists the slots of the scope that still answer a probe.
func (b *bench) answering(r *device.Reader) (slots []uint16) {
	b.t.Helper()
	for _, id := range b.scope() {
		err := r.Probe(testContext(b.t), id)
		if err == nil {
			slots = append(slots, id)
		} else if !errors.Is(err, device.ErrNoKey) {
			b.t.Fatal(err)
		}
	}
	return slots
}

// listed counts the slots of the scope that the reader lists as anything but empty.
func (b *bench) listed(r *device.Reader) (n int) {
	b.t.Helper()
	slots, err := r.Slots(testContext(b.t))
	must(b.t, err)
	for _, s := range slots {
		if !s.Retained && s.State != device.SlotEmpty {
			n++
		}
	}
	return n
}

func TestEraseIsRealAndSigned(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	keys := b.keyBytes()
	record, err := b.erase(r)
	must(t, err)
	must(t, record.Verify(ed25519.PublicKey(b.injection.Pub)))
	if record.Serial != b.serial || record.EraseCounter != 1 || record.Nonce != hostNonce || len(record.Results) != len(b.scope()) {
		t.Errorf("record %+v", record)
	}
	for _, res := range record.Results {
		want := device.ResultErased
		if res.Slot == 0x31 {
			want = device.ResultAlreadyEmpty
		}
		if res.Result != want {
			t.Errorf("slot %d: result %d", res.Slot, res.Result)
		}
	}
	if left := b.answering(r); len(left) > 0 || b.listed(r) > 0 {
		t.Errorf("slots %v answer, %d are listed", left, b.listed(r))
	}
	must(t, r.Probe(testContext(t), 0x01)) // what is retained stays
	if id, err := r.Identify(testContext(t)); err != nil || id.Challenged || id.EraseCounter != 1 {
		t.Errorf("identity %+v, %v", id, err)
	}
	image, err := os.ReadFile(b.nvm)
	must(t, err)
	for id, key := range keys {
		if bytes.Contains(image, key) {
			t.Errorf("the key of slot %d is still in the memory file", id)
		}
	}
	b.overwrittenOnce()
}

// keyBytes reads the keys of the scope out of the memory file: 256 bytes a slot from 73728, the key at 129.
func (b *bench) keyBytes() map[uint16][]byte {
	b.t.Helper()
	image, err := os.ReadFile(b.nvm)
	must(b.t, err)
	keys := map[uint16][]byte{}
	for i, s := range b.injection.Slots {
		at := 73728 + 256*i
		if key := image[at+129 : at+145]; !s.Retained && s.KCV != "" {
			if binary.BigEndian.Uint16(image[at:]) != s.Slot || bytes.Equal(key, make([]byte, 16)) {
				b.t.Fatalf("no key of slot %d at its place", s.Slot)
			}
			keys[s.Slot] = key
		}
	}
	return keys
}

// overwrittenOnce checks the counters that tell a second erase from a repeated answer.
func (b *bench) overwrittenOnce() {
	b.t.Helper()
	s := b.sim.State()
	if s.ErasesStarted != 1 || s.ErasesFinished != 1 || s.EraseCount != 1 {
		b.t.Errorf("erases started %d, finished %d, counter %d", s.ErasesStarted, s.ErasesFinished, s.EraseCount)
	}
	for _, slot := range s.Slots {
		want := uint32(1)
		if slot.Retained || slot.Slot == 0x31 {
			want = 0
		}
		if slot.Zeroised != want {
			b.t.Errorf("slot %d was overwritten %d times", slot.Slot, slot.Zeroised)
		}
	}
}

func TestTicketErasesOnce(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	c, err := r.BeginErase(testContext(t), order, b.scope())
	must(t, err)
	ticket := b.ticket(c, b.scope())
	first, err := r.CommitErase(testContext(t), ticket, hostNonce)
	must(t, err)
	again, err := r.CommitErase(testContext(t), ticket, [16]byte{0xBB})
	must(t, err)
	status, known, err := r.EraseStatus(testContext(t), order)
	must(t, err)
	if !bytes.Equal(first.Message(), again.Message()) || !known || !bytes.Equal(first.Message(), status.Message()) {
		t.Error("three answers about one erase differ")
	}
	b.overwrittenOnce()
}

func TestBadTicketsChangeNothing(t *testing.T) {
	_, other, err := ed25519.GenerateKey(nil)
	must(t, err)
	cases := map[string]struct {
		spoil func(b *bench, c device.EraseChallenge) []byte
		code  device.Code
	}{
		"empty": {func(*bench, device.EraseChallenge) []byte { return nil }, device.CodeTicketForm},
		"cut": {func(b *bench, c device.EraseChallenge) []byte {
			ticket := b.ticket(c, b.scope())
			return ticket[:len(ticket)-1]
		}, device.CodeTicketForm},
		"other label": {changed(0, []byte("pedlink-ticket/2")), device.CodeTicketForm},
		"other key": {func(b *bench, c device.EraseChallenge) []byte {
			b.ticketKey = other
			return b.ticket(c, b.scope())
		}, device.CodeTicketForged},
		"other signature": {func(b *bench, c device.EraseChallenge) []byte {
			ticket := b.ticket(c, b.scope())
			ticket[len(ticket)-1] ^= 1
			return ticket
		}, device.CodeTicketForged},
		"other reader":    {changed(1, []byte("PED-0002")), device.CodeTicketSerial},
		"other challenge": {changed(2, make([]byte, 16)), device.CodeTicketStale},
		"other counter":   {changed(3, []byte{0, 0, 0, 9}), device.CodeTicketCounter},
		"smaller scope":   {changed(4, []byte{0, 0x10}), device.CodeTicketScope},
		"other command":   {changed(5, make([]byte, 32)), device.CodeTicketOrder},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			r := b.reader()
			challenge, err := r.BeginErase(testContext(t), order, b.scope())
			must(t, err)
			_, err = r.CommitErase(testContext(t), c.spoil(b, challenge), hostNonce)
			if !refusedWith(err, c.code) {
				t.Errorf("error %v", err)
			}
			b.untouched(r)
			if _, known, err := r.EraseStatus(testContext(t), order); known || err != nil {
				t.Errorf("status: %v %v", known, err)
			}
		})
	}
}

func changed(field int, value []byte) func(*bench, device.EraseChallenge) []byte {
	return func(b *bench, c device.EraseChallenge) []byte {
		return b.ticket(c, b.scope(), func(fields [][]byte) { fields[field] = value })
	}
}

// untouched checks that no erase was begun and that every key answers.
func (b *bench) untouched(r *device.Reader) {
	b.t.Helper()
	if s := b.sim.State(); s.ErasesStarted != 0 || s.EraseCount != 0 {
		b.t.Errorf("an erase was begun: %+v", s)
	}
	if n := len(b.answering(r)); n != len(b.scope())-1 {
		b.t.Errorf("%d keys answer", n)
	}
}

func TestChallengeIsSingleAndSurvivesRestarts(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	old, err := r.BeginErase(testContext(t), order, b.scope())
	must(t, err)
	kept, err := r.BeginErase(testContext(t), order, b.scope())
	must(t, err)
	if old.RC == kept.RC || old.Before != kept.Before {
		t.Error("a new challenge must differ, what it is about must not")
	}
	if _, err := r.CommitErase(testContext(t), b.ticket(old, b.scope()), hostNonce); !refusedWith(err, device.CodeTicketStale) {
		t.Errorf("replaced challenge: %v", err)
	}
	must(t, b.sim.Cut())
	b.start()
	if id := identifyWhenBack(t, r); !id.Challenged {
		t.Error("the challenge died with the power")
	}
	_, err = r.CommitErase(testContext(t), b.ticket(kept, b.scope()), hostNonce)
	must(t, err)
}

func TestCancelledChallengeIsDead(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	c, err := r.BeginErase(testContext(t), order, b.scope())
	must(t, err)
	must(t, r.CancelErase(testContext(t)))
	must(t, r.CancelErase(testContext(t)))
	if _, err := r.CommitErase(testContext(t), b.ticket(c, b.scope()), hostNonce); !refusedWith(err, device.CodeNoChallenge) {
		t.Errorf("error %v", err)
	}
	b.untouched(r)
}

func TestHeldEventsForbidTheErase(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	_, err := b.sim.Sell(100, "CNY")
	must(t, err)
	if _, err := b.erase(r); !refusedWith(err, device.CodeEventsHeld) {
		t.Errorf("error %v", err)
	}
	b.untouched(r)
	_, err = r.Follow(testContext(t), 0)
	must(t, err)
	collect(t, r, 1)
	_, err = b.erase(r)
	must(t, err)
}

func TestTamperedReaderMayBeErased(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	must(t, b.sim.Tamper())
	_, err := r.Follow(testContext(t), 0)
	must(t, err)
	collect(t, r, 1)
	_, err = b.erase(r)
	must(t, err)
}

func TestScopeMayNotNameRetainedOrUnknownSlots(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	for _, scope := range [][]uint16{{0x01}, {0x10, 0x01}, {0x99}, {0xFF01}} {
		if _, err := r.BeginErase(testContext(t), order, scope); !refusedWith(err, device.CodeScope) {
			t.Errorf("scope %x: %v", scope, err)
		}
	}
	if _, err := r.BeginErase(testContext(t), order, nil); !refusedWith(err, device.CodeMalformed) {
		t.Errorf("empty scope: %v", err)
	}
}
