package device_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"unbindd/device"
	"unbindd/device/devicesim"
)

func withCards(kinds ...string) func(*devicesim.Options) {
	return func(o *devicesim.Options) { o.Cards = kinds }
}

func TestCardsOfAReader(t *testing.T) {
	b := newBenchWith(t, withCards("", "t0", "t1"))
	r := b.reader()
	ctx := testContext(t)
	sockets, err := r.SAMSlots(ctx)
	must(t, err)
	for i, s := range sockets {
		want := device.SAM{Slot: i, Card: i == 0, Present: i == 1 || i == 2}
		if s.Slot != want.Slot || s.Card != want.Card || s.Present != want.Present || s.Powered || s.ATR != nil {
			t.Errorf("socket %+v", s)
		}
	}
	for _, slot := range []int{1, 2} {
		atr, err := r.PowerSAM(ctx, slot, true)
		must(t, err)
		again, err := r.PowerSAM(ctx, slot, true)
		if err != nil || !bytes.Equal(atr, again) || atr[0] != 0x3B {
			t.Errorf("socket %d: answers to reset %x, %x, %v", slot, atr, again, err)
		}
		challenge, err := r.Transmit(ctx, slot, []byte{0x00, 0x84, 0x00, 0x00, 0x08})
		if err != nil || len(challenge) != 10 || !bytes.HasSuffix(challenge, []byte{0x90, 0x00}) {
			t.Errorf("socket %d: challenge %x, %v", slot, challenge, err)
		}
		if sockets, err = r.SAMSlots(ctx); err != nil || !sockets[slot].Powered || !bytes.Equal(sockets[slot].ATR, atr) {
			t.Errorf("socket %d listed as %+v, %v", slot, sockets[slot], err)
		}
		off, err := r.PowerSAM(ctx, slot, false)
		if err != nil || off != nil {
			t.Errorf("socket %d off: %x, %v", slot, off, err)
		}
	}
	if sockets, err = r.SAMSlots(ctx); err != nil || slices.ContainsFunc(sockets, func(s device.SAM) bool { return s.Powered }) {
		t.Errorf("%+v, %v", sockets, err)
	}
}

func TestCardRefusals(t *testing.T) {
	b := newBenchWith(t, withCards("", "t0"))
	r := b.reader()
	ctx := testContext(t)
	power := func(slot int) error { _, err := r.PowerSAM(ctx, slot, true); return err }
	transmit := func(slot int, apdu []byte) error { _, err := r.Transmit(ctx, slot, apdu); return err }
	apdu := []byte{0x00, 0x84, 0x00, 0x00, 0x08}
	for name, c := range map[string]struct {
		err  error
		code device.Code
	}{
		"power to no socket":     {power(99), device.CodeNoSocket},
		"power out of range":     {power(256), device.CodeNoSocket},
		"power to no card":       {power(0), device.CodeNoCard},
		"APDU to no socket":      {transmit(99, apdu), device.CodeNoSocket},
		"APDU to no card":        {transmit(0, apdu), device.CodeNoCard},
		"APDU without power":     {transmit(1, apdu), device.CodeCardOff},
		"an APDU without header": {transmit(1, apdu[:3]), device.CodeMalformed},
	} {
		if !refusedWith(c.err, c.code) {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	must(t, power(1))
	must(t, b.sim.RemoveCard(1))
	if err := transmit(1, apdu); !refusedWith(err, device.CodeNoCard) {
		t.Errorf("a card that was drawn: %v", err)
	}
	must(t, b.sim.InsertCard(1, "t0"))
	if err := transmit(1, apdu); !refusedWith(err, device.CodeCardOff) {
		t.Errorf("a card that was put back: %v", err)
	}
}

// What a card was told before it fell silent it may have done: that is no refusal.
func TestMuteCardLeavesTheOutcomeOpen(t *testing.T) {
	b := newBenchWith(t, withCards("", "t0"))
	r := b.reader()
	_, err := r.PowerSAM(testContext(t), 1, true)
	must(t, err)
	b.fault("mute-card")
	var refused device.ErrRefused
	if _, err := r.Transmit(testContext(t), 1, []byte{0, 0x84, 0, 0, 8}); !errors.Is(err, device.ErrTimeout) || errors.As(err, &refused) {
		t.Errorf("APDU: %v", err)
	}
	if _, err := r.PowerSAM(testContext(t), 1, true); !refusedWith(err, device.CodeCardMute) {
		t.Errorf("power: %v", err)
	}
	_, err = r.Slots(testContext(t))
	must(t, err)
}

// An APDU that fits no frame is not sent, and the session stays whole; the longest one that fits goes through.
func TestAPDUsUpToTheCap(t *testing.T) {
	b := newBenchWith(t, withCards("", "t1"))
	r := b.reader()
	_, err := r.PowerSAM(testContext(t), 1, true)
	must(t, err)
	if _, err := r.Transmit(testContext(t), 1, make([]byte, 4080)); err == nil || errors.Is(err, device.ErrHangup) {
		t.Errorf("4080 bytes: %v", err)
	}
	response, err := r.Transmit(testContext(t), 1, make([]byte, 4079))
	if err != nil || len(response) < 2 {
		t.Errorf("4079 bytes: %x, %v", response, err)
	}
}
