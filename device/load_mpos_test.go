package device_test

import (
	"encoding/hex"
	"errors"
	"os"
	"testing"

	"unbindd/device"
	"unbindd/device/devicesim/keying"
)

// mposKey is the key of a slot in the simulator's memory, whatever may be read of it on the line.
func (b mposBench) mposKey(slot uint16) keying.Key {
	b.t.Helper()
	image, err := os.ReadFile(b.nvm)
	must(b.t, err)
	for i, s := range b.injection.Slots {
		if s.Slot == slot {
			at := 73728 + 256*i
			key, err := keying.NewKey(keying.TDES, image[at+129:at+145])
			must(b.t, err)
			return key
		}
	}
	b.t.Fatalf("no slot %04X", slot)
	return keying.Key{}
}

func TestMposKeysAreLoadedUnderTheirParents(t *testing.T) {
	b := newMposBench(t)
	r := b.reader()
	tdk, tmk := fresh(t, keying.TDES, 16), fresh(t, keying.TDES, 16)
	for _, c := range []struct {
		slot   uint16
		under  byte
		parent uint16
		key    keying.Key
	}{{0x0109, 2, 0x0402, tdk}, {0x0409, 2, 0x0501, tmk}, {0x0309, 9, 0, fresh(t, keying.TDES, 16)}} {
		parent := tmk // the one that was just loaded
		if c.parent != 0 {
			parent = b.mposKey(c.parent)
		}
		cryptogram, err := parent.Encrypt(c.key.Reveal())
		must(t, err)
		want, err := c.key.Encrypt(make([]byte, 8))
		must(t, err)
		got, err := r.LoadKey(testContext(t), c.slot, device.MposKeyBlock(c.under, cryptogram, [4]byte(want)))
		if err != nil || hex.EncodeToString(got) != hex.EncodeToString(want[:4]) {
			t.Errorf("slot %04X: KCV %x and not %x, %v", c.slot, got, want[:4], err)
		}
	}
	must(t, r.Probe(testContext(t), 0x0109))
	must(t, r.Probe(testContext(t), 0x0309))
}

func TestBadMposKeysLoadNothing(t *testing.T) {
	b := newMposBench(t)
	r := b.reader()
	good, err := b.mposKey(0x0402).Encrypt(fresh(t, keying.TDES, 16).Reveal())
	must(t, err)
	before := b.sim.State()
	for name, c := range map[string]struct {
		slot  uint16
		block []byte
	}{
		"nothing":            {0x0109, nil},
		"cut short":          {0x0109, device.MposKeyBlock(2, good, [4]byte{})[:9]},
		"more behind it":     {0x0109, append(device.MposKeyBlock(2, good, [4]byte{}), 0)},
		"another KCV":        {0x0109, device.MposKeyBlock(2, good, [4]byte{1, 2, 3, 4})},
		"no such parent":     {0x0109, device.MposKeyBlock(10, good, [4]byte{})},
		"no such slot":       {0x0FFF, device.MposKeyBlock(2, good, [4]byte{})},
		"the loading key":    {0x0501, device.MposKeyBlock(2, good, [4]byte{})},
		"a key in the clear": {0x0601, device.MposKeyBlock(2, good, [4]byte{})},
	} {
		if _, err := r.LoadKey(testContext(t), c.slot, c.block); !errors.As(err, new(device.ErrRefused)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	after := b.sim.State()
	for i := range after.Slots {
		if after.Slots[i] != before.Slots[i] {
			t.Errorf("slot %04X has changed", after.Slots[i].Slot)
		}
	}
}
