package device_test

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"testing"

	"unbindd/device"
	"unbindd/device/devicesim/keying"
)

// block wraps a key as the loading device of a maker does.
func block(t *testing.T, alg keying.Algorithm, protection []byte, h keying.Header, key keying.Key) []byte {
	t.Helper()
	p, err := keying.NewKey(alg, protection)
	must(t, err)
	h.KeyVersion, h.Exportability = "00", 'N'
	text, err := keying.Wrap(p, h, key, rand.Reader)
	must(t, err)
	return []byte(text)
}

func fresh(t *testing.T, alg keying.Algorithm, n int) keying.Key {
	t.Helper()
	raw := make([]byte, n)
	_, err := rand.Read(raw)
	must(t, err)
	k, err := keying.NewKey(alg, raw)
	must(t, err)
	return k
}

func kcv(t *testing.T, m keying.Method, k keying.Key) string {
	t.Helper()
	sum, err := keying.KCV(m, k)
	must(t, err)
	return hex.EncodeToString(sum)
}

var (
	pinBlock  = keying.Header{Version: 'B', Usage: "P0", Algorithm: 'T', Mode: 'E'}
	dataBlock = keying.Header{Version: 'D', Usage: "D0", Algorithm: 'A', Mode: 'B'}
)

func TestWorkingKeysAreLoadedUnderTheirMaster(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	keys := b.keyBytes()
	pin, data := fresh(t, keying.TDES, 16), fresh(t, keying.AES, 16)
	got, err := r.LoadKey(testContext(t), 0x11, block(t, keying.TDES, keys[0x10], pinBlock, pin))
	if want := kcv(t, keying.ZeroBlock, pin); err != nil || hex.EncodeToString(got) != want {
		t.Errorf("KCV %x and not %s, %v", got, want, err)
	}
	got, err = r.LoadKey(testContext(t), 0x31, block(t, keying.AES, keys[0x20], dataBlock, data))
	if want := kcv(t, keying.CodeMAC, data); err != nil || hex.EncodeToString(got) != want {
		t.Errorf("KCV %x and not %s, %v", got, want, err)
	}
	must(t, r.Probe(testContext(t), 0x31))
	must(t, b.sim.Cut())
	b.start()
	identifyWhenBack(t, r)
	slots, err := r.Slots(testContext(t))
	must(t, err)
	for _, s := range slots {
		if s.ID == 0x11 && s.KCV != kcv(t, keying.ZeroBlock, pin) || s.ID == 0x31 && s.State != device.SlotLoaded {
			t.Errorf("after a power cut: %+v", s)
		}
	}
}

func TestBadKeyBlocksLoadNothing(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	master := b.keyBytes()[0x10]
	pin := fresh(t, keying.TDES, 16)
	good := block(t, keying.TDES, master, pinBlock, pin)
	changed := append([]byte{}, good...)
	changed[20] ^= 1
	as := func(usage string, mode byte, blocks ...keying.OptionalBlock) []byte {
		return block(t, keying.TDES, master, keying.Header{Version: 'B', Usage: usage, Algorithm: 'T', Mode: mode, Blocks: blocks}, pin)
	}
	for name, c := range map[string]struct {
		slot  uint16
		block []byte
		code  device.Code
	}{
		"nothing":             {0x11, nil, device.CodeMalformed},
		"no slot":             {0x99, good, device.CodeNoSlot},
		"the reader's own":    {0xFF01, good, device.CodeNoSlot},
		"no block":            {0x11, good[:15], device.CodeBlockForm},
		"cut short":           {0x11, good[:len(good)-2], device.CodeBlockForm},
		"changed":             {0x11, changed, device.CodeBlockForged},
		"by a stranger":       {0x11, block(t, keying.TDES, make([]byte, 16), pinBlock, pin), device.CodeBlockForged},
		"under a working key": {0x11, block(t, keying.TDES, b.keyBytes()[0x12], pinBlock, pin), device.CodeBlockForged},
		"a master under one":  {0x20, as("K0", 'D'), device.CodeBlockForged},
		"for a retained slot": {0x01, good, device.CodeKeyMisfit},
		"of another usage":    {0x11, as("D0", 'B'), device.CodeKeyMisfit},
		"of another length":   {0x11, block(t, keying.TDES, master, keying.Header{Version: 'B', Usage: "P0", Algorithm: 'D', Mode: 'E'}, fresh(t, keying.DES, 8)), device.CodeKeyMisfit},
		"with another KCV":    {0x11, as("P0", 'E', keying.OptionalBlock{ID: "KC", Data: "00123456"}), device.CodeKeyMisfit},
		"with no KCV":         {0x11, as("P0", 'E', keying.OptionalBlock{ID: "KC", Data: "0"}), device.CodeBlockForm},
	} {
		if _, err := r.LoadKey(testContext(t), c.slot, c.block); !refusedWith(err, c.code) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, s := range b.sim.State().Slots {
		if s.Zeroised != 0 {
			t.Errorf("slot %d was overwritten", s.Slot)
		}
	}
}

// With its master gone a working key has nothing to come under.
func TestWorkingKeyWithoutAMasterIsRefused(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	good := block(t, keying.TDES, b.keyBytes()[0x10], pinBlock, fresh(t, keying.TDES, 16))
	_, err := b.erase(r)
	must(t, err)
	if _, err := r.LoadKey(testContext(t), 0x11, good); !refusedWith(err, device.CodeNoParent) {
		t.Errorf("error %v", err)
	}
	if err := r.Probe(testContext(t), 0x11); !errors.Is(err, device.ErrNoKey) {
		t.Errorf("probe: %v", err)
	}
}

func TestNoKeyIsLoadedInAnOpenCase(t *testing.T) {
	for name, open := range openCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			r := b.reader()
			good := block(t, keying.TDES, b.keyBytes()[0x10], pinBlock, fresh(t, keying.TDES, 16))
			open(b, r)
			if _, err := r.LoadKey(testContext(t), 0x11, good); !refusedWith(err, device.CodeNotNow) {
				t.Errorf("error %v", err)
			}
		})
	}
}
