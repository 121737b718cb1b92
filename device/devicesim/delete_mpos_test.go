package devicesim

import (
	"fmt"
	"slices"
	"testing"
)

// gone checks which slots of the fixture are there, by asking and, where one can, by using.
func gone(t *testing.T, h *mposHost, want ...uint16) {
	t.Helper()
	for _, slot := range fixtureSlots {
		is := !h.has(slot)
		if is != slices.Contains(want, slot) {
			t.Errorf("slot %04X is gone: %v", slot, is)
		}
		if kind := byte(slot >> 8); (kind == mposTDK || kind == mposTAK) && h.use(slot) == is {
			t.Errorf("slot %04X is gone: %v, and its use says otherwise", slot, is)
		}
	}
	if !h.has(0x0501) {
		t.Error("the TLK is gone")
	}
}

func TestMposDelete(t *testing.T) {
	for _, c := range []struct {
		what string
		data []byte
		rc   mposResult
		gone []uint16
	}{
		{"one TDK", []byte{1, 0, 1, 6}, rcOK, []uint16{0x0106}},
		{"an empty TDK", []byte{1, 0, 1, 7}, rcOK, nil},
		{"three TPKs", []byte{2, 0, 3, 1, 2, 200}, rcOK, []uint16{0x0202}},
		{"one TAK, named twice", []byte{3, 0, 2, 1, 1}, rcOK, []uint16{0x0301}},
		{"everything", []byte{4, 0, 1, 0}, rcOK, fixtureSlots},
		{"every working key", []byte{5, 0, 0}, rcOK, []uint16{0x0106, 0x0202, 0x0301}},
		{"a TMK and what is under it", []byte{6, 0, 1, 2}, rcOK, []uint16{0x0106, 0x0301, 0x0402}},
		{"a TMK with nothing under it", []byte{6, 0, 1, 5}, rcOK, []uint16{0x0405}},
		{"a DUKPT key", []byte{7, 0, 1, 1}, rcOK, []uint16{0x0601}},
		{"the TLK as a TMK", []byte{6, 0, 1, 1}, rcNoIndex, nil},
		{"one index of two is none", []byte{1, 0, 2, 6, 201}, rcNoIndex, nil},
		{"index 0", []byte{2, 0, 1, 0}, rcNoIndex, nil},
		{"none", []byte{1, 0, 0}, rcMalformed, nil},
		{"fewer than counted", []byte{1, 0, 2, 6}, rcMalformed, nil},
		{"more than counted", []byte{1, 0, 1, 6, 7}, rcMalformed, nil},
		{"a count that is no number", []byte{1, 0, 0x0A, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, rcMalformed, nil},
		{"everything, with another index", []byte{4, 0, 1, 1}, rcMalformed, nil},
		{"every working key, with an index", []byte{5, 0, 1, 6}, rcMalformed, nil},
		{"kind 8", []byte{8, 0, 1, 1}, rcMalformed, nil},
		{"nothing at all", nil, rcMalformed, nil},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := startMpos(t, newMposReader(t))
			h := mposFixture(t, s)
			answer := ""
			if c.rc == rcOK {
				answer = string(keyDone)
			}
			h.want(c.rc, answer, mposDelete, c.data...)
			gone(t, h, c.gone...)
			must(t, s.Reboot())
			gone(t, h, c.gone...)
		})
	}
}

func TestMposDeleteFaults(t *testing.T) {
	for _, c := range []struct {
		fault                 string
		rc                    mposResult
		answer                string
		asked, used, rebooted bool // is TDK 6 there afterwards: told, used, told after a restart
	}{
		{"refuses", rcRefused, "", true, true, true},
		{"refuses=08", rcMemory, "", true, true, true},
		{"refuses=07", "07", "", true, true, true},
		{"lies-keeps", rcOK, "00", true, true, true},
		{"lies-hides-from-list", rcOK, "00", false, true, false},
		{"lies-until-reboot", rcOK, "00", false, false, true},
	} {
		t.Run(c.fault, func(t *testing.T) {
			s := startMpos(t, newMposReader(t))
			h := mposFixture(t, s)
			f := faultOf(t, c.fault)
			must(t, s.Fault(f))
			h.want(c.rc, c.answer, mposDelete, 1, 0, 1, 6)
			if h.has(0x0106) != c.asked || h.use(0x0106) != c.used {
				t.Errorf("told: %v, used: %v", h.has(0x0106), h.use(0x0106))
			}
			must(t, s.Reboot())
			if h.has(0x0106) != c.rebooted {
				t.Errorf("told after a restart: %v", !c.rebooted)
			}
			must(t, s.ClearFaults())
			h.want(rcOK, "00", mposDelete, 1, 0, 1, 6)
			if h.has(0x0106) || h.use(0x0106) {
				t.Error("an honest reader keeps it")
			}
		})
	}
}

func TestMposDeleteHalf(t *testing.T) {
	s := startMpos(t, newMposReader(t))
	h := mposFixture(t, s)
	f := faultOf(t, "half")
	must(t, s.Fault(f))
	h.want(rcMemory, "", mposDelete, 4, 0, 1, 0)
	left := 0
	for _, slot := range fixtureSlots {
		if h.has(slot) {
			left++
		}
	}
	if left == 0 || left == len(fixtureSlots) {
		t.Errorf("%d of %d are left", left, len(fixtureSlots))
	}
}

// A power cut in the middle leaves what the erase had not come to: neither finished nor undone at the next start.
func TestMposPowerCutInTheMiddle(t *testing.T) {
	for k := range len(fixtureSlots) + 1 {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			path := newMposReader(t)
			s := startMpos(t, path)
			h := mposFixture(t, s)
			f := faultOf(t, fmt.Sprintf("cut-after=%d", k))
			must(t, s.Reboot()) // slots are counted from here
			h.want(rcOK, "\x00\x00\x00\x00", mposTamper)
			must(t, s.Fault(f))
			h.write(h.next(mposDelete, 4, 0, 1, 0))
			off(t, s)
			s = startMpos(t, path)
			h = newMposHost(t, s)
			gone(t, h, fixtureSlots[:k]...)
			h.want(rcOK, "00", mposDelete, 4, 0, 1, 0)
			gone(t, h, fixtureSlots...)
			for _, slot := range s.State().Slots {
				if slices.Contains(fixtureSlots, slot.Slot) && slot.Zeroised == 0 {
					t.Errorf("slot %04X was not overwritten", slot.Slot)
				}
			}
		})
	}
}

// A host that deletes slot by slot meets the cut in its k-th request.
func TestMposPowerCutBetweenRequests(t *testing.T) {
	path := newMposReader(t)
	s := startMpos(t, path)
	h := mposFixture(t, s)
	must(t, s.Reboot())
	h.want(rcOK, "\x00\x00\x00\x00", mposTamper)
	f := faultOf(t, "cut-after=2")
	must(t, s.Fault(f))
	h.want(rcOK, "00", mposDelete, 1, 0, 1, 6)
	h.write(h.next(mposDelete, 2, 0, 1, 2))
	off(t, s)
	gone(t, newMposHost(t, startMpos(t, path)), 0x0106, 0x0202)
}

func TestMposPowerCutAroundTheErase(t *testing.T) {
	for fault, want := range map[string][]uint16{"cut-before-journal": nil, "cut-before-answer": {0x0301}} {
		t.Run(fault, func(t *testing.T) {
			path := newMposReader(t)
			s := startMpos(t, path)
			h := mposFixture(t, s)
			f := faultOf(t, fault)
			must(t, s.Fault(f))
			h.write(h.next(mposDelete, 3, 0, 1, 1))
			off(t, s)
			gone(t, newMposHost(t, startMpos(t, path)), want...)
		})
	}
}

// TestMposDeletesOfEmptyAreCounted: a delete that names what is gone is told from one that is only sent again.
func TestMposDeletesOfEmptyAreCounted(t *testing.T) {
	s := startMpos(t, newMposReader(t))
	h := mposFixture(t, s)
	h.want(rcOK, "00", mposDelete, 1, 0, 1, 6)
	h.write(mposFrame(mposDelete, h.seq, []byte{1, 0, 1, 6})) // the same bytes
	h.read()
	if got := s.State().DeletesOfEmpty; len(got) != 0 {
		t.Errorf("nothing was named twice, and it counts %v", got)
	}
	h.want(rcOK, "00", mposDelete, 1, 0, 1, 6)
	h.want(rcOK, "00", mposDelete, 1, 0, 1, 199) // never had a key
	if got := s.State().DeletesOfEmpty; len(got) != 2 || got[0x0106] != 1 || got[0x01C7] != 1 {
		t.Errorf("TDK 6 and 199 were named without a key once each: %v", got)
	}
}
