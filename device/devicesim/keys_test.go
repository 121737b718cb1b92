package devicesim

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"unbindd/device/devicesim/keying"
)

// newStore makes the memory of a reader with the slots of mpos, which has every kind of key.
func newStore(t testing.TB) (*memory, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nvm")
	_, err := Create(path, Spec{
		Serial: "MPOS-0001", Protocol: "mpos", Rand: rand.NewChaCha8([32]byte{7}), TicketKey: make([]byte, 32),
	})
	fatal(t, err)
	return reopen(t, nil, path), path
}

// sameStore is a copy of a store.
func sameStore(t testing.TB, image []byte) (*memory, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nvm")
	fatal(t, os.WriteFile(path, image, 0o600))
	return reopen(t, nil, path), path
}

func reopen(t testing.TB, m *memory, path string) *memory {
	t.Helper()
	if m != nil {
		fatal(t, m.close())
	}
	m, err := openMemory(path)
	fatal(t, err)
	opened := m
	t.Cleanup(func() { _ = opened.close() }) // closed before, if it was opened anew
	return m
}

// failing is a test or a property.
type failing interface {
	Helper()
	Fatal(...any)
}

func fatal(t failing, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func payKey(t testing.TB, alg keying.Algorithm, b byte, n int) keying.Key {
	t.Helper()
	k, err := keying.NewKey(alg, bytes.Repeat([]byte{b}, n))
	fatal(t, err)
	return k
}

// told is everything the store says of its slots, keys included.
func told(m *memory) map[uint16]string {
	all := map[uint16]string{}
	for _, s := range m.slots {
		all[s.id] = fmt.Sprintf("%d %d %d %x %x %04x %s %x %d", s.typ, s.alg, s.state, s.kcv, s.ksn, s.parent, s.usage, []byte(s.key), s.zeroised)
	}
	return all
}

// deleteFamily does what a protocol's command to delete does.
func (m *memory) deleteFamily(id uint16) error {
	for _, id := range m.family(id) {
		if !m.full(id) {
			continue
		}
		if err := m.zeroise(m.slotIndex(id)); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) full(id uint16) bool {
	i := m.slotIndex(id)
	return i >= 0 && m.slots[i].state != slotEmpty
}

func TestWorkingKeysComeUnderTheirMasterOnly(t *testing.T) {
	des := payKey(t, keying.TDES, 0x2B, 16)
	ksn := make([]byte, 10)
	for name, c := range map[string]struct {
		l    loading
		want error
	}{
		"PIN key under its master":            {loading{slot: 0x0210, typ: keyTPK, key: des, under: 0x0402}, nil},
		"MAC key under its master":            {loading{slot: 0x0310, typ: keyTAK, key: des, under: 0x0403}, nil},
		"SM4 key under its master":            {loading{slot: 0x0110, typ: keyTDK, key: payKey(t, keying.SM4, 1, 16), under: 0x0404}, nil},
		"master key in the clear":             {loading{slot: 0x0406, typ: keyTMK, key: des}, nil},
		"master key under the transport key":  {loading{slot: 0x0406, typ: keyTMK, key: des, under: 0x0501}, nil},
		"transport key in the clear":          {loading{slot: 0x0501, typ: keyTLK, key: des}, nil},
		"DUKPT key in the clear":              {loading{slot: 0x0602, typ: keyIPEK, key: des, ksn: ksn}, nil},
		"DUKPT key under a master key":        {loading{slot: 0x0602, typ: keyIPEK, key: des, ksn: ksn, under: 0x0402}, nil},
		"PIN key in the clear":                {loading{slot: 0x0210, typ: keyTPK, key: des}, errHierarchy},
		"PIN key under the transport key":     {loading{slot: 0x0210, typ: keyTPK, key: des, under: 0x0501}, errHierarchy},
		"PIN key under a working key":         {loading{slot: 0x0210, typ: keyTPK, key: des, under: 0x0301}, errHierarchy},
		"PIN key under a DUKPT key":           {loading{slot: 0x0210, typ: keyTPK, key: des, under: 0x0601}, errHierarchy},
		"PIN key under nothing known":         {loading{slot: 0x0210, typ: keyTPK, key: des, under: 0x0409}, errHierarchy},
		"PIN key under itself":                {loading{slot: 0x0201, typ: keyTPK, key: des, under: 0x0201}, errHierarchy},
		"master key under a master key":       {loading{slot: 0x0406, typ: keyTMK, key: des, under: 0x0402}, errHierarchy},
		"transport key under a master key":    {loading{slot: 0x0501, typ: keyTLK, key: des, under: 0x0402}, errHierarchy},
		"key of another type in a known slot": {loading{slot: 0x0201, typ: keyTAK, key: des, under: 0x0402}, errNoSuchSlot},
		"key of the reader's own type":        {loading{slot: 0x0701, typ: keyLink, key: des}, errHierarchy},
		"DUKPT key without serial number":     {loading{slot: 0x0602, typ: keyIPEK, key: des}, errMisfit},
		"DUKPT key with AES":                  {loading{slot: 0x0602, typ: keyIPEK, key: payKey(t, keying.AES, 1, 16), ksn: ksn}, errMisfit},
		"PIN key with serial number":          {loading{slot: 0x0210, typ: keyTPK, key: des, under: 0x0402, ksn: ksn}, errMisfit},
		"check value of another key":          {loading{slot: 0x0210, typ: keyTPK, key: des, under: 0x0402, check: []byte{1, 2, 3}}, errCheckValue},
		"check value of two bytes":            {loading{slot: 0x0210, typ: keyTPK, key: des, under: 0x0402, check: []byte{1, 2}}, errCheckValue},
		"no slot":                             {loading{typ: keyTMK, key: des}, errNoSuchSlot},
	} {
		m, path := newStore(t)
		before := told(m)
		if err := m.loadKey(c.l); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if m = reopen(t, m, path); c.want == nil && !m.full(c.l.slot) {
			t.Errorf("%s: the slot is empty", name)
		}
		if c.want != nil && !sameSlots(told(m), before) {
			t.Errorf("%s: refused, and something changed", name)
		}
	}
}

func sameSlots(a, b map[uint16]string) bool {
	if len(a) != len(b) {
		return false
	}
	for id := range a {
		if a[id] != b[id] {
			return false
		}
	}
	return true
}

func TestNothingComesUnderAnEmptyOrBlockedMaster(t *testing.T) {
	m, _ := newStore(t)
	l := loading{slot: 0x0210, typ: keyTPK, key: payKey(t, keying.TDES, 1, 16), under: 0x0402}
	m.slots[m.slotIndex(0x0402)].state = slotBlocked
	if err := m.loadKey(l); !errors.Is(err, errKeyBlocked) {
		t.Errorf("under a blocked key: %v", err)
	}
	fatal(t, m.deleteFamily(0x0402))
	if err := m.loadKey(l); !errors.Is(err, errEmptySlot) {
		t.Errorf("under no key: %v", err)
	}
}

// The whole way of a working key: a master key under the transport key, a PIN key under the master key.
func TestKeysTravelDownTheHierarchy(t *testing.T) {
	m, path := newStore(t)
	transport, master, pin := payKey(t, keying.TDES, 0x13, 16), payKey(t, keying.TDES, 0x17, 16), payKey(t, keying.TDES, 0x11, 16)
	fatal(t, m.loadKey(loading{slot: 0x0501, typ: keyTLK, key: transport}))
	carry := func(under uint16, k keying.Key, l loading) {
		i := m.slotIndex(under)
		outer, err := m.keyIn(i)
		fatal(t, err)
		cryptogram, err := outer.Carry(k)
		fatal(t, err)
		l.key, err = outer.Receive(k.Algorithm(), cryptogram)
		fatal(t, err)
		l.under, l.method = under, keying.ZeroBlockLong
		fatal(t, m.loadKey(l))
	}
	carry(0x0501, master, loading{slot: 0x0402, typ: keyTMK, check: []byte{0x3A, 0xDE, 0xBB, 0xE0}})
	carry(0x0402, pin, loading{slot: 0x0201, typ: keyTPK, check: []byte{0x82, 0xE1, 0x36, 0x65}})
	m = reopen(t, m, path)
	got, err := m.keyIn(m.slotIndex(0x0201))
	fatal(t, err)
	if !got.Equal(pin) || m.slots[m.slotIndex(0x0201)].parent != 0x0402 {
		t.Error("another key arrived")
	}
}

func TestDeletingAMasterKeyTakesWhatHangsFromIt(t *testing.T) {
	m, path := newStore(t)
	before := told(m)
	gone := []uint16{0x0106, 0x0201, 0x0301, 0x0402}
	family := m.family(0x0402)
	if slices.Sort(family[:len(family)-1]); !slices.Equal(family, gone) {
		t.Fatalf("family %04x", family)
	}
	fatal(t, m.deleteFamily(0x0402))
	m = reopen(t, m, path)
	for _, s := range m.slots {
		if want := slices.Contains(gone, s.id); want != (s.state == slotEmpty) || !want && told(m)[s.id] != before[s.id] {
			t.Errorf("slot %v", s)
		}
	}
	fatal(t, m.deleteFamily(0x0402)) // there is nothing left to do
	for i := range m.slots {
		if m.slots[i].zeroised > 1 {
			t.Errorf("slot %v was erased %d times", m.slots[i], m.slots[i].zeroised)
		}
	}
}

func TestANewMasterKeyTakesTheFormerOnesChildren(t *testing.T) {
	m, path := newStore(t)
	fatal(t, m.loadKey(loading{slot: 0x0402, typ: keyTMK, key: payKey(t, keying.TDES, 0x61, 16)}))
	m = reopen(t, m, path)
	if m.full(0x0106) || m.full(0x0201) || m.full(0x0301) || !m.full(0x0402) || !m.full(0x0202) {
		t.Errorf("slots %v", m.slots)
	}
	if s := m.slots[m.slotIndex(0x0402)]; s.zeroised != 1 {
		t.Errorf("the former key was overwritten %d times", s.zeroised)
	}
}

func TestAnEraseByTicketTouchesItsScopeOnly(t *testing.T) {
	path, _ := newReader(t)
	s := start(t, path, Options{})
	before := told(s.mem)
	fatal(t, s.locked(func() error {
		if err := s.startErase(ticket{order: make([]byte, 32), scope: []uint16{0x10}}, make([]byte, 16)); err != nil {
			return err
		}
		return s.finishErase()
	}))
	fatal(t, s.Reboot())
	for _, k := range s.mem.slots {
		if erased := k.id == 0x10; erased != (k.state == slotEmpty && len(k.key) == 0 && k.zeroised == 1) || !erased && told(s.mem)[k.id] != before[k.id] {
			t.Errorf("slot %v", k)
		}
	}
	l := loading{slot: 0x11, typ: keyTPK, key: payKey(t, keying.TDES, 1, 16), under: 0x10}
	if err := s.mem.loadKey(l); !errors.Is(err, errEmptySlot) {
		t.Errorf("under a master key that is gone: %v", err)
	}
}

func TestManyWorkingKeysHaveRoom(t *testing.T) {
	m, path := newStore(t)
	l := loading{typ: keyTPK, key: payKey(t, keying.TDES, 0x29, 16), under: 0x0403, usage: "P0"}
	for n := len(m.slots); n < maxSlots; n++ {
		l.slot = 0x4000 + uint16(n)
		fatal(t, m.loadKey(l))
	}
	l.slot = 0x5000
	if err := m.loadKey(l); !errors.Is(err, errNoRoom) {
		t.Errorf("one too many: %v", err)
	}
	m = reopen(t, m, path)
	if len(m.slots) != maxSlots || m.slots[maxSlots-1].usage != "P0" || maxSlots < 700 {
		t.Errorf("%d slots", len(m.slots))
	}
	var all []uint16
	for _, s := range m.slots {
		all = append(all, s.id)
	}
	m.st.Challenge = &challenge{RC: make([]byte, 16), Order: make([]byte, 32), Scope: all}
	m.st.Erase = &erasing{Order: make([]byte, 32), Ticket: make([]byte, 32), Nonce: make([]byte, 16), Scope: all, Full: all}
	for range keptRecords {
		m.st.Done = append(m.st.Done, done{Order: make([]byte, 32), Ticket: make([]byte, 32), Record: make([]byte, 200+3*maxSlots), Signature: make([]byte, 64)})
	}
	if err := m.save(); err != nil {
		t.Errorf("an erase of all of them: %v", err)
	}
}

func TestKeysOfTheStorePrintNothing(t *testing.T) {
	k := payKey(t, keying.SM4, 'K', 16)
	s := slot{id: 0x0202, typ: keyTPK, alg: algSM4, state: slotLoaded, key: k.Reveal()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%s", "%d"} {
		if text := fmt.Sprintf(verb+verb+verb, s, []slot{s}, s.key); strings.Contains(text, "KKKK") || strings.Contains(text, "4b4b") || strings.Contains(text, "75 75") || strings.Contains(text, "0x4b") {
			t.Errorf("%s prints a key", verb)
		}
	}
}

func TestReadersHaveTheSlotsOfTheirProtocol(t *testing.T) {
	for protocol, want := range map[string]int{"": 10, "pedlink": 10, "mpos": 13, "ccid": 0} {
		path := filepath.Join(t.TempDir(), "nvm")
		in, err := Create(path, Spec{Serial: "PED-0001", Protocol: protocol, Rand: rand.NewChaCha8([32]byte{}), TicketKey: make([]byte, 32)})
		fatal(t, err)
		m := reopen(t, nil, path)
		if len(in.Slots) != want || len(m.slots) != want || m.id.Protocol != or(protocol, "pedlink") {
			t.Errorf("%q: %d slots", protocol, len(m.slots))
		}
		for _, s := range m.slots {
			if s.state == slotEmpty {
				continue
			}
			if _, err := m.prepare(loading{slot: s.id, typ: s.typ, key: keyOf(t, s), under: s.parent, ksn: s.ksn, check: s.kcv, method: keying.Method(s.method)}); err != nil && s.parent != 0 {
				t.Errorf("slot %v could not have been loaded: %v", s, err)
			}
		}
	}
	if _, err := Create(filepath.Join(t.TempDir(), "nvm"), Spec{Serial: "PED-0001", Protocol: "telex", Rand: rand.NewChaCha8([32]byte{}), TicketKey: make([]byte, 32)}); err == nil {
		t.Error("a reader of an unknown protocol")
	}
}

func keyOf(t testing.TB, s slot) keying.Key {
	t.Helper()
	k, err := s.payment()
	fatal(t, err)
	return k
}
