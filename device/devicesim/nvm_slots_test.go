package devicesim

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"unbindd/device/devicesim/keying"
)

// cutStore takes the power of a store at its n-th write, which reaches the file in part: torn bytes of it. It
// reports whether it came to that.
func cutStore(m *memory, n int, torn func(whole int) int) *bool {
	done := new(bool)
	m.fuse = func(at int64, b []byte) error {
		if n--; n >= 0 {
			return nil
		}
		*done, m.dead, m.fuse = true, true, nil
		if k := torn(len(b)); k > 0 {
			if _, err := m.f.WriteAt(b[:k], at); err != nil {
				return err
			}
		}
		return errPowerCut
	}
	return done
}

// sound holds what must be true of a store after any power cut.
func sound(t *testing.T, m *memory) {
	t.Helper()
	for i, s := range m.slots {
		place := make([]byte, keySpace)
		_, err := m.f.ReadAt(place, slotAt(i)+keyOffset)
		fatal(t, err)
		switch s.state {
		case slotEmpty:
			if !bytes.Equal(place, make([]byte, keySpace)) {
				t.Errorf("slot %v is empty, and there is a key in it", s)
			}
		case slotBlocked:
		default:
			k := keyOf(t, s)
			if kcv, err := keying.KCV(keying.Method(s.method), k); err != nil || !bytes.Equal(kcv, s.kcv) {
				t.Errorf("slot %v has another key's check value", s)
			}
			if s.parent != 0 && !m.full(s.parent) {
				t.Errorf("slot %v outlived its master key", s)
			}
		}
	}
	if len(m.slots) < maxSlots {
		behind := make([]byte, slotSize)
		_, err := m.f.ReadAt(behind, slotAt(len(m.slots)))
		fatal(t, err)
		if !bytes.Equal(behind[keyOffset:], make([]byte, slotSize-keyOffset)) {
			t.Error("a key lies in a place that is free")
		}
	}
}

// neverEmptyWithAKey looks at the file as the power cut left it, before anybody repairs it: whoever takes the medium
// out finds no key behind a slot that is marked empty.
func neverEmptyWithAKey(t *testing.T, path string) {
	t.Helper()
	image, err := os.ReadFile(path)
	fatal(t, err)
	for at := slotsAt; at < slotsAt+maxSlots*slotSize; at += slotSize {
		s, used := decodeSlot(image[at : at+slotSize])
		if used && s.state == slotEmpty && !bytes.Equal(image[at+keyOffset:at+keyOffset+keySpace], make([]byte, keySpace)) {
			t.Errorf("slot %v was marked empty before its key was gone", s)
		}
	}
}

// Every operation of the store, cut at each of its writes, whole and torn.
func TestPowerCutsInTheStore(t *testing.T) {
	_, template := newStore(t)
	image, err := os.ReadFile(template)
	fatal(t, err)
	fresh := payKey(t, keying.TDES, 0x3D, 16)
	for name, do := range map[string]func(m *memory) error{
		"load into a new slot":  func(m *memory) error { return m.loadKey(loading{slot: 0x0210, typ: keyTPK, key: fresh, under: 0x0402}) },
		"load over a key":       func(m *memory) error { return m.loadKey(loading{slot: 0x0201, typ: keyTPK, key: fresh, under: 0x0402}) },
		"load over a master":    func(m *memory) error { return m.loadKey(loading{slot: 0x0402, typ: keyTMK, key: fresh}) },
		"load over a transport": func(m *memory) error { return m.loadKey(loading{slot: 0x0501, typ: keyTLK, key: fresh}) },
		"delete a working key":  func(m *memory) error { return m.deleteFamily(0x0301) },
		"delete a master key":   func(m *memory) error { return m.deleteFamily(0x0402) },
		"use a DUKPT key":       func(m *memory) error { _, err := m.nextUse(m.slotIndex(0x0601)); return err },
	} {
		for _, torn := range []func(int) int{func(int) int { return 0 }, func(n int) int { return n / 2 }, func(int) int { return 1 }, func(n int) int { return n }} {
			for n := 0; ; n++ {
				m, path := sameStore(t, image)
				cut := cutStore(m, n, torn)
				err := do(m)
				if !*cut {
					fatal(t, err)
					break
				}
				if !errors.Is(err, errPowerCut) {
					t.Fatalf("%s, write %d: %v", name, n, err)
				}
				if strings.HasPrefix(name, "delete") {
					neverEmptyWithAKey(t, path)
				}
				m = reopen(t, m, path)
				sound(t, m)
				if err := do(m); err != nil && !slices.ContainsFunc(m.slots, func(s slot) bool { return s.state == slotBlocked }) {
					t.Errorf("%s, after a cut at write %d: %v", name, n, err)
				}
				sound(t, reopen(t, m, path))
				if t.Failed() {
					t.Fatalf("%s, cut at write %d", name, n)
				}
			}
		}
	}
}

// A serial number is given once, whatever happens to the power.
func TestSerialNumbersAreNeverGivenTwice(t *testing.T) {
	_, template := newStore(t)
	image, err := os.ReadFile(template)
	fatal(t, err)
	folder := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		path := filepath.Join(folder, "nvm")
		fatal(t, os.WriteFile(path, image, 0o600))
		m, err := openMemory(path)
		fatal(t, err)
		defer func() { fatal(t, m.close()) }()
		restart := func() {
			fatal(t, m.close())
			m, err = openMemory(path)
			fatal(t, err)
		}
		last := uint32(0)
		for range rapid.IntRange(1, 12).Draw(t, "uses") {
			if rapid.Bool().Draw(t, "cut") {
				kept := rapid.SampledFrom([]int{0, headSize}).Draw(t, "kept")
				cutStore(m, 0, func(int) int { return kept })
			}
			n, err := m.nextUse(m.slotIndex(0x0601))
			if err != nil {
				restart()
				continue
			}
			if n.Counter() <= last {
				t.Fatalf("number %x after %x", n.Counter(), last)
			}
			if last = n.Counter(); rapid.Bool().Draw(t, "restart") {
				restart()
			}
		}
	})
}

func TestDUKPTKeyIsUsedUpAtTheEnd(t *testing.T) {
	m, path := newStore(t)
	i := m.slotIndex(0x0601)
	m.slots[i].ksn = []byte{0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xFF, 0xF4, 0x00}
	fatal(t, m.saveHead(i))
	n, err := m.nextUse(i)
	fatal(t, err)
	if n.Counter() != 0x1FF800 {
		t.Errorf("the last number is %x", n.Counter())
	}
	m = reopen(t, m, path)
	if m.slots[i].state != slotExhausted {
		t.Errorf("slot %v", m.slots[i])
	}
	if _, err := m.nextUse(i); !errors.Is(err, keying.ErrExhausted) {
		t.Errorf("one more use: %v", err)
	}
	fatal(t, m.deleteFamily(0x0601))
	if _, err := m.nextUse(i); !errors.Is(err, errEmptySlot) {
		t.Errorf("after the erase: %v", err)
	}
	if _, err := m.nextUse(m.slotIndex(0x0201)); err == nil {
		t.Error("a PIN key has a counter")
	}
}

func TestEveryUseHasAKeyOfItsOwn(t *testing.T) {
	m, _ := newStore(t)
	i := m.slotIndex(0x0601)
	initial, seen := keyOf(t, m.slots[i]), map[string]bool{}
	for want := uint32(1); want <= 20; want++ {
		n, err := m.nextUse(i)
		fatal(t, err)
		k, err := keying.TransactionKey(initial, n, keying.UseData)
		fatal(t, err)
		if n.Counter() != want || seen[string(k.Reveal())] {
			t.Fatalf("use %d has number %x", want, n.Counter())
		}
		seen[string(k.Reveal())] = true
	}
}

func TestFormerLayoutIsRefusedByName(t *testing.T) {
	m, path := newStore(t)
	fatal(t, m.close())
	for _, former := range []string{"readersim-nvm/1", "readersim-nvm/2"} {
		damage(t, path, identityAt, page(1, []byte(`{"magic":"`+former+`","serial":"PED-0001"}`)))
		if err := os.Truncate(path, 57344); err != nil {
			t.Fatal(err)
		}
		s, err := Start(path, Options{})
		if err == nil {
			t.Fatalf("%s was started: %v", former, s.Close())
		}
		if !errors.Is(err, errLayout) || !strings.Contains(err.Error(), former) {
			t.Errorf("%s: %v", former, err)
		}
	}
}

func TestASlotBehindAFreePlaceIsDamage(t *testing.T) {
	m, path := newStore(t)
	at := slotAt(len(m.slots) + 1)
	fatal(t, m.close())
	s := slot{id: 0x0299, typ: keyTPK, alg: algTDES, state: slotLoaded}
	damage(t, path, at, s.head())
	if m, err := openMemory(path); !errors.Is(err, errMemory) {
		t.Errorf("opened: %v, %v", m, err)
	}
}
