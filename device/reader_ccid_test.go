package device_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"unbindd/device"
	"unbindd/device/devicesim"
)

// ccidBench is a simulated reader that speaks ccid.
type ccidBench struct{ *bench }

func newCcidBench(t *testing.T, model string, cards []string, faults ...string) ccidBench {
	t.Helper()
	b := ccidBench{newBenchWith(t, func(o *devicesim.Options) {
		o.Protocol, o.Model, o.Cards = "ccid", model, cards
	}, faults...)}
	b.serial = "ccid:" + model
	return b
}

func (b ccidBench) reader(change ...func(*device.Options)) *device.Reader {
	b.t.Helper()
	options := device.Options{Serial: b.serial, Retry: quick}
	for _, f := range change {
		f(&options)
	}
	r := device.New(device.Config{Driver: "ccid", Path: b.link, Baud: 115200}, options)
	b.t.Cleanup(func() { must(b.t, r.Close()) })
	identifyWhenBack(b.t, r)
	return r
}

const (
	twin   = "GemPCTwin"
	posPro = "GemCorePOSPro"
)

// apdus are commands of the simulated cards and what answers them; "" behind the status is not looked at.
var apdus = []struct{ name, command, want string }{
	{"case 1, no such key", "80E4007F", "6A88"},
	{"case 2, challenge", "0084000008", "*9000"},
	{"case 2, wrong length", "80CA000100", "265A7A9000"},
	{"case 3, select", "00A4000C023F00", "9000"},
	{"case 4, echo", "80EC0000050102030405" + "00", "01020304059000"},
	{"case 4, a part of it", "80EC0000050102030405" + "05", "01020304059000"},
	{"case 4, the longest", "80EC0000FF" + fmt.Sprintf("%0510d", 0) + "00", fmt.Sprintf("%0510d", 0) + "9000"},
	{"unknown instruction", "00FF000000", "6D00"},
}

func TestCcidModulesExecuteCommands(t *testing.T) {
	for _, model := range []string{twin, posPro} {
		for _, card := range devicesim.CardKinds() {
			t.Run(model+" "+card, func(t *testing.T) {
				b := newCcidBench(t, model, []string{card})
				r := b.reader()
				atr, err := r.PowerSAM(testContext(t), 0, true)
				must(t, err)
				if _, err := atr.Parse(); err != nil {
					t.Errorf("%x: %v", atr, err)
				}
				for range 2 {
					commandModule(t, r, 0)
				}
			})
		}
	}
}

// commandModule sends every command of apdus.
func commandModule(t *testing.T, r *device.Reader, slot int) {
	t.Helper()
	for _, a := range apdus {
		command, err := hex.DecodeString(a.command)
		must(t, err)
		got, err := r.Transmit(testContext(t), slot, command)
		text := fmt.Sprintf("%X", got)
		if a.want[0] == '*' && len(text) == 20 {
			text = "*" + text[16:]
		}
		if err != nil || text != a.want {
			t.Errorf("%s: %s %v", a.name, text, err)
		}
	}
}

func TestCcidSockets(t *testing.T) {
	cards := []string{"", "t0", "t1", "t1-fast", "t1-slow"}
	b := newCcidBench(t, posPro, cards)
	r := b.reader()
	sockets, err := r.SAMSlots(testContext(t))
	must(t, err)
	if len(sockets) != len(cards) {
		t.Fatalf("%d sockets", len(sockets))
	}
	for i, s := range sockets {
		if s.Slot != i || s.Card != (i == 0) || s.Present != (cards[i] != "") || s.Powered || s.ATR != nil {
			t.Errorf("%+v", s)
		}
	}
	for i := 1; i < len(cards); i++ { // all of them at once
		_, err := r.PowerSAM(testContext(t), i, true)
		must(t, err)
	}
	for i := 1; i < len(cards); i++ {
		commandModule(t, r, i)
	}
	sockets, err = r.SAMSlots(testContext(t))
	if err != nil || sockets[0].Powered || !sockets[4].Powered || len(sockets[4].ATR) < 2 {
		t.Errorf("%+v %v", sockets, err)
	}
	_, err = r.PowerSAM(testContext(t), 4, false)
	must(t, err)
	if _, err := r.Transmit(testContext(t), 4, []byte{0, 0x84, 0, 0, 8}); !refusedWith(err, device.CodeCardOff) {
		t.Errorf("switched off: %v", err)
	}
}

func TestCcidTwinHasOneSocket(t *testing.T) {
	r := newCcidBench(t, twin, []string{}).reader()
	sockets, err := r.SAMSlots(testContext(t))
	if err != nil || len(sockets) != 1 || sockets[0].Present {
		t.Errorf("%+v %v", sockets, err)
	}
}

func TestCcidRefusals(t *testing.T) {
	b := newCcidBench(t, posPro, []string{"", "t0"})
	r := b.reader()
	power := func(slot int) error { _, err := r.PowerSAM(testContext(t), slot, true); return err }
	transmit := func(slot int, apdu ...byte) error { _, err := r.Transmit(testContext(t), slot, apdu); return err }
	for name, c := range map[string]struct {
		err  error
		code device.Code
	}{
		"power to no socket":     {power(5), device.CodeNoSocket},
		"power to a negative":    {power(-1), device.CodeNoSocket},
		"power to no card":       {power(0), device.CodeNoCard},
		"APDU to no socket":      {transmit(5, 0, 0x84, 0, 0, 8), device.CodeNoSocket},
		"APDU without power":     {transmit(1, 0, 0x84, 0, 0, 8), device.CodeCardOff},
		"an APDU without header": {errors.Join(power(1), transmit(1, 0, 0x84, 0)), device.CodeMalformed},
		"an extended APDU":       {transmit(1, 0, 0x84, 0, 0, 0, 1, 0), device.CodeMalformed},
	} {
		if !refusedWith(c.err, c.code) {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	b.fault("mute-card")
	if err := power(1); !refusedWith(err, device.CodeCardMute) {
		t.Errorf("a mute card: %v", err)
	}
}

// TestCcidModuleThatIsDrawn checks that a command to a module that went leaves its outcome open, and that the
// module which comes instead is not taken for the old one.
func TestCcidModuleThatIsDrawn(t *testing.T) {
	for _, model := range []string{twin, posPro} {
		b := newCcidBench(t, model, []string{"t1"})
		r := b.reader()
		_, err := r.PowerSAM(testContext(t), 0, true)
		must(t, err)
		must(t, b.sim.RemoveCard(0))
		if _, err := r.Transmit(testContext(t), 0, []byte{0, 0x84, 0, 0, 8}); !errors.Is(err, device.ErrTimeout) {
			t.Errorf("%s: drawn: %v", model, err)
		}
		must(t, b.sim.InsertCard(0, "t0"))
		if _, err := r.Transmit(testContext(t), 0, []byte{0, 0x84, 0, 0, 8}); !refusedWith(err, device.CodeCardOff) {
			t.Errorf("%s: another: %v", model, err)
		}
		_, err = r.PowerSAM(testContext(t), 0, true)
		must(t, err)
		commandModule(t, r, 0)
	}
}

func TestCcidFaultsOfTheReader(t *testing.T) {
	for _, fault := range []string{"asks-time=3", "nak=1", "wrong-lrc=1"} {
		for _, card := range []string{"t0", "t1"} {
			t.Run(fault+" "+card, func(t *testing.T) {
				b := newCcidBench(t, twin, []string{card}, fault)
				r := b.reader()
				_, err := r.PowerSAM(testContext(t), 0, true)
				must(t, err)
				b.fault(fault)
				commandModule(t, r, 0)
			})
		}
	}
}

// TestCcidNoisyLine damages bytes both ways: what is answered is right, and what is not says so.
func TestCcidNoisyLine(t *testing.T) {
	for _, card := range []string{"t0", "t1"} {
		t.Run(card, func(t *testing.T) { echoOverNoise(t, card) })
	}
}

func echoOverNoise(t *testing.T, card string) {
	b := newCcidBench(t, posPro, []string{card})
	r := b.reader(func(o *device.Options) { o.Retry.Ack, o.Retry.Response = calm/10, calm/4 })
	_, err := r.PowerSAM(testContext(t), 0, true)
	must(t, err)
	noise, err := devicesim.ParseNoise("flip=2e-4,lose=1e-3,seed=11")
	must(t, err)
	b.sim.SetLine(noise)
	answered := 0
	for i := range 60 {
		data := bytes.Repeat([]byte{byte(i)}, 8)
		command := append(append([]byte{0x80, 0xEC, 0, 0, 8}, data...), 0)
		got, err := r.Transmit(testContext(t), 0, command)
		switch {
		case err == nil && bytes.Equal(got, append(data, 0x90, 0)):
			answered++
		case err == nil:
			t.Fatalf("%x to %x", got, command)
		case !errors.Is(err, device.ErrTimeout):
			t.Logf("command %d: %v", i, err)
		}
		if refusedWith(err, device.CodeCardOff) || errors.Is(err, device.ErrAbsent) {
			_, _ = r.PowerSAM(testContext(t), 0, true) // it is asked again in the next round
		}
	}
	if answered < 30 {
		t.Errorf("%d of 60 commands were answered", answered)
	}
}

func TestCcidModuleHasToBePoweredAfterALoss(t *testing.T) {
	b := newCcidBench(t, posPro, []string{"t0"})
	r := b.reader()
	_, err := r.PowerSAM(testContext(t), 0, true)
	must(t, err)
	must(t, r.Reopen(testContext(t)))
	if _, err := r.Transmit(testContext(t), 0, []byte{0, 0x84, 0, 0, 8}); !refusedWith(err, device.CodeCardOff) {
		t.Errorf("%v", err)
	}
	sockets, err := r.SAMSlots(testContext(t))
	if err != nil || sockets[0].Powered {
		t.Errorf("%+v %v", sockets[0], err)
	}
}
