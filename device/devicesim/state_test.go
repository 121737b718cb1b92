package devicesim

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
)

func TestStateTellsWhatASlotIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nvm")
	_, err := Create(path, Spec{Serial: "MPOS-0001", Protocol: "mpos", Rand: rand.NewChaCha8([32]byte{3}), TicketKey: make([]byte, 32)})
	must(t, err)
	s := start(t, path, Options{})
	told := map[uint16]SlotState{}
	for _, k := range s.State().Slots {
		if len(k.KCV) != 8 && k.Method != "cmac" {
			t.Errorf("slot %+v", k)
		}
		k.KCV = ""
		told[k.Slot] = k
	}
	for _, want := range []SlotState{
		{Slot: 0x0501, Type: "TLK", Alg: "3DES", Method: "zero-block-4", State: "loaded", Retained: true},
		{Slot: 0x0402, Type: "TMK", Alg: "3DES", Method: "zero-block-4", State: "loaded", Parent: 0x0501},
		{Slot: 0x0202, Type: "TPK", Alg: "SM4", Method: "zero-block-4", State: "loaded", Parent: 0x0404},
		{Slot: 0x0203, Type: "TPK", Alg: "AES-128", Method: "cmac", State: "loaded", Parent: 0x0405},
		{Slot: 0x0601, Type: "IPEK", Alg: "3DES", Method: "zero-block-4", State: "loaded", KSN: "ffff9876543210e00000"},
	} {
		if told[want.Slot] != want {
			t.Errorf("slot %+v, not %+v", told[want.Slot], want)
		}
	}
}

func TestSlotsAreSetByTheNameOfTheirState(t *testing.T) {
	path, _ := newReader(t)
	s := start(t, path, Options{})
	for _, state := range []string{"exhausted", "blocked", "loaded"} {
		must(t, s.SetSlot(0x30, state))
		must(t, s.Reboot())
		for _, k := range s.State().Slots {
			if k.Slot == 0x30 && k.State != state {
				t.Errorf("%s became %s", state, k.State)
			}
		}
	}
	for id, state := range map[uint16]string{0x30: "empty", 0x31: "loaded", 0x99: "loaded", 0x10: "lost"} {
		if err := s.SetSlot(id, state); err == nil {
			t.Errorf("slot %04x was set to %s", id, state)
		}
	}
}
