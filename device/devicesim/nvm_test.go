package devicesim

import (
	"encoding/json"
	"os"
	"testing"

	"pgregory.net/rapid"
)

// damage changes bytes of the memory file of a reader that is off.
func damage(t *testing.T, path string, at int64, b []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt(b, at)
	must(t, err)
	must(t, f.Close())
}

func TestTornStatePageFallsBackToTheOther(t *testing.T) {
	path, _ := newReader(t)
	s := start(t, path, Options{})
	must(t, s.locked(func() error { return s.setFrozen(true).err })) // generation 2
	newest := stateAt + int64(s.mem.stateGen%2)*statePage
	must(t, s.locked(func() error { s.mem.st.Frozen = true; return nil }))
	must(t, s.Cut())
	damage(t, path, newest+pageHead+3, []byte{0xFF})
	s = start(t, path, Options{})
	if st := s.State(); st.Frozen || st.BootCount != 2 {
		t.Errorf("state %+v", st)
	}
}

func TestTornEventIsCutOff(t *testing.T) {
	path, _ := newReader(t)
	s := start(t, path, Options{})
	_, err := s.Generate(3)
	must(t, err)
	must(t, s.Cut())
	info, err := os.Stat(path)
	must(t, err)
	must(t, os.Truncate(path, info.Size()-5)) // the third never reached the disk as a whole
	s = start(t, path, Options{})
	if st := s.State(); st.Held != 2 || st.LastEvent != 2 {
		t.Errorf("state %+v", st)
	}
	if seq, err := s.Sell(1, "CNY"); err != nil || seq != 3 {
		t.Errorf("event %d, %v", seq, err)
	}
	must(t, s.Cut())
	if st := start(t, path, Options{}).State(); st.Held != 3 {
		t.Errorf("state %+v", st)
	}
}

func TestTornSlotIsBlockedAndCanStillBeErased(t *testing.T) {
	path, _ := newReader(t)
	damage(t, path, slotsAt+slotSize+9, []byte{0xEE}) // KCV of the second slot
	s := start(t, path, Options{})
	if st := s.State(); st.Slots[1].State != "blocked" {
		t.Fatalf("slot %+v", st.Slots[1])
	}
	must(t, s.locked(func() error { return s.mem.zeroise(1) }))
	must(t, s.Reboot())
	if st := s.State(); st.Slots[1].State != "empty" || st.Slots[1].Zeroised != 1 {
		t.Errorf("slot %+v", st.Slots[1])
	}
}

func TestDamagedIdentityIsNoReader(t *testing.T) {
	path, _ := newReader(t)
	damage(t, path, identityAt+pageHead+4, []byte{0xFF})
	if s, err := Start(path, Options{}); err == nil {
		t.Errorf("started: %v", s.Close())
	}
}

func TestEventRecordsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := event{rapid.Uint32().Draw(t, "seq"), rapid.Uint16().Draw(t, "code"), rapid.SliceOf(rapid.Byte()).Draw(t, "body")}
		got, rest, ok := readEvent(append(e.record(), 1, 2, 3))
		if !ok || got.seq != e.seq || got.code != e.code || string(got.body) != string(e.body) || len(rest) != 3 {
			t.Fatalf("%+v became %+v", e, got)
		}
		cut := rapid.IntRange(0, len(e.record())-1).Draw(t, "cut")
		if _, _, ok := readEvent(e.record()[:cut]); ok {
			t.Fatal("a torn record was read")
		}
	})
}

func TestGeneratedTransactionsAreCanonicalAndRepeatable(t *testing.T) {
	g := generator{7, "CANARY-1", Merchant{}.withDefaults()}
	kinds, methods, results := map[string]int{}, map[string]int{}, map[string]int{}
	canaries := 0
	for n := range uint64(400) {
		x := g.transaction(n)
		text, err := json.Marshal(x)
		must(t, err)
		var members map[string]any
		must(t, json.Unmarshal(text, &members))
		sorted, err := json.Marshal(members) // a map's members come out in alphabetical order
		must(t, err)
		if string(sorted) != string(text) {
			t.Fatalf("not canonical: %s", text)
		}
		again, err := json.Marshal(g.transaction(n))
		must(t, err)
		if string(again) != string(text) {
			t.Fatal("the same place makes another transaction")
		}
		checkTransaction(t, x)
		kinds[x.Kind]++
		methods[x.Method]++
		results[x.Result]++
		if x.RRN == "CANARY-1" {
			canaries++
		}
	}
	if len(kinds) != 7 || len(methods) != 4 || len(results) != 4 || canaries != 80 {
		t.Errorf("kinds %v, methods %v, results %v, canaries %d", kinds, methods, results, canaries)
	}
}

// checkTransaction holds a record against the classes that the ledger accepts.
func checkTransaction(t *testing.T, x transaction) {
	t.Helper()
	for _, id := range []string{x.Batch, x.MID, x.TID, x.STAN, x.RRN} {
		if !isID(id) {
			t.Fatalf("%q is no id", id)
		}
	}
	refers := x.Kind != "sale" && x.Kind != "preauth"
	if refers != (x.Original != "") || x.Amount < 0 || (x.Card == nil) != (x.Method != "card") {
		t.Fatalf("transaction %+v", x)
	}
	if x.Card == nil {
		return
	}
	m := x.Card.Masked
	for i, c := range m {
		digit := i < 6 || i >= len(m)-4
		if digit != (c >= '0' && c <= '9') || !digit && c != '*' {
			t.Fatalf("masked number %q", m)
		}
	}
}

func TestGenerateGoesOnAfterAPowerCut(t *testing.T) {
	path, _ := newReader(t)
	s := start(t, path, Options{Seed: 5})
	_, err := s.Generate(3)
	must(t, err)
	must(t, s.Cut())
	s = start(t, path, Options{Seed: 5})
	_, err = s.Generate(1)
	must(t, err)
	must(t, s.locked(func() error {
		var x transaction
		must(t, json.Unmarshal(s.mem.held[3].body, &x))
		if x.STAN != "000004" || x.Evseq != 4 {
			t.Errorf("transaction %+v", x)
		}
		return nil
	}))
}

func FuzzEventLog(f *testing.F) {
	f.Add(event{1, evTransaction, []byte(`{"evseq":1}`)}.record())
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, rest, ok := readEvent(b); ok && string(append(e.record(), rest...)) != string(b) {
			if b[10] == 0 && b[11] == 0 { // the reserve is not kept
				t.Fatal("a record does not give its bytes back")
			}
		}
	})
}

func FuzzSlot(f *testing.F) {
	for _, s := range []slot{
		{id: 0x10, typ: keyTMK, alg: algTDES, state: slotLoaded, method: kcvZero, kcv: []byte{1, 2, 3}, key: make([]byte, 16)},
		{id: 0x0203, typ: keyTPK, alg: algAES256, state: slotLoaded, method: kcvCMAC, kcv: make([]byte, 5), parent: 0x0405, usage: "P0", key: make([]byte, 32)},
		{id: 0x0601, typ: keyIPEK, alg: algTDES, state: slotExhausted, ksn: make([]byte, 10), zeroised: 3, key: make([]byte, 16)},
	} {
		f.Add(append(s.head(), append(make([]byte, keyOffset-headSize), append(s.keyBytes(), make([]byte, slotSize-keyOffset-keySpace)...)...)...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < slotSize {
			return
		}
		s, used := decodeSlot(b)
		if !used || s.state == slotBlocked {
			return
		}
		_ = s.entry(false)
		again, used := decodeSlot(append(s.head(), append(make([]byte, keyOffset-headSize), append(s.keyBytes(), make([]byte, slotSize)...)...)...))
		if !used || again.state != s.state || string(again.key) != string(s.key) || string(again.head()) != string(s.head()) {
			t.Fatalf("%v came back as %v", s, again)
		}
	})
}

// TestLossIsOnTheDiskBeforeItIsTold: an acknowledgement may be undone by a power cut, a loss may not.
func TestLossIsOnTheDiskBeforeItIsTold(t *testing.T) {
	path, _ := newReader(t)
	s := start(t, path, Options{EventRoom: 3})
	safe := true // every mark that was written is on the disk
	s.mem.fuse = func(at int64, _ []byte) error { safe = safe && at >= stateAt; return nil }
	s.mem.sync = func(int) error { safe = true; return nil }
	for range 5 {
		_, err := s.Happen("other")
		must(t, err)
	}
	if !safe || s.mem.released != 2 {
		t.Errorf("overflow: %d let go, on the disk: %v", s.mem.released, safe)
	}
	must(t, s.Lose(1))
	if !safe || s.mem.released != 3 {
		t.Errorf("lose: %d let go, on the disk: %v", s.mem.released, safe)
	}
	must(t, s.mem.release(4))
	if safe {
		t.Error("the test cannot tell a mark that is not on the disk")
	}
}
