package devicesim

import (
	"bytes"
	"slices"
	"testing"
)

// TestMposFaultsOfTheConversation asks twice with the same bytes for the next KSN, and wants each fault to show in the
// answers and in how often the key was counted up.
func TestMposFaultsOfTheConversation(t *testing.T) {
	const good, first, second = "00", "1", "2"
	request := mposFrame(mposNextKSN, 0x20, []byte{1})
	for fault, want := range map[string][]string{
		"answers-twice=1":     {good + first, good + first, good + first},
		"busy-forever=1":      {good + first},
		"late-ack=1":          {good + first, good + first},
		"nak=1":               {"06", good + first},
		"no-ack=1":            {good + first},
		"reboots=1":           {good + second},
		"silent":              nil,
		"silent-after-ack=1":  {good + first},
		"tamper-in-session=1": {"0047", "0047"},
		"wrong-seq=1":         {"wrong " + good + first, good + first, good + first},
		"lies-keeps":          {good + first, good + first},
	} {
		t.Run(fault, func(t *testing.T) {
			s := startMpos(t, newMposReader(t))
			line := &bytes.Buffer{}
			e := newMposEngine(s, line)
			must(t, e.take(mposNamed(t, "load-dukpt").request))
			line.Reset()
			must(t, s.Fault(faultOf(t, fault)))
			must(t, e.take(request))
			must(t, e.take(request))
			if got := mposAnswers(line.Bytes()); !slices.Equal(got, want) {
				t.Errorf("answers %q, want %q", got, want)
			}
			name := faultOf(t, fault).Name
			if struck := s.State().Struck; (struck[name] > 0) != (name != faultLiesKeeps) || len(struck) > 1 { // nothing was erased
				t.Errorf("struck %v", struck)
			}
		})
	}
}

// mposAnswers reads answers to request 20: the result, the second result unless it is good, and the KSN's last digit.
func mposAnswers(b []byte) (seen []string) {
	for {
		a, what, left := mposScan(b)
		if what != found {
			return seen
		}
		text := string(a.data[:2])
		switch {
		case len(a.data) == 16:
			text += string('0' + rune(a.data[15]))
		case len(a.data) == 4:
			text += string(a.data[2:])
		}
		if a.seq != 0x21 {
			text = "wrong " + text
		}
		seen, b = append(seen, text), left
	}
}

func TestMposErasesTooMuch(t *testing.T) {
	s := startMpos(t, newMposReader(t))
	h := mposFixture(t, s)
	must(t, s.Fault(faultOf(t, "erases-too-much")))
	h.want(rcOK, "00", mposDelete, 1, 0, 1, 6)
	for _, slot := range fixtureSlots {
		if h.has(slot) {
			t.Errorf("slot %04X is still there", slot)
		}
	}
}

func TestMposErasesAndSaysFailed(t *testing.T) {
	s := startMpos(t, newMposReader(t))
	h := mposFixture(t, s)
	must(t, s.Fault(faultOf(t, "erases-but-says-failed")))
	h.want(rcRefused, "", mposDelete, 1, 0, 1, 6)
	gone(t, h, 0x0106)
}

// A script's counts are those of this protocol too.
func TestMposScript(t *testing.T) {
	path := newMposReader(t)
	s := startMpos(t, path)
	ended := play(t, s, "at erases 2: cut")
	armed(t, s, 1)
	h := mposFixture(t, s) // deletes once
	h.write(h.next(mposDelete, 1, 0, 1, 6))
	off(t, s)
	must(t, <-ended)
	if h = newMposHost(t, startMpos(t, path)); !h.has(0x0106) {
		t.Error("the second erase was begun")
	}
}

// A new reader has the slots of its protocol, and all of them answer.
func TestMposNewReader(t *testing.T) {
	s := startMpos(t, newMposReader(t))
	h := newMposHost(t, s)
	if len(s.State().Slots) < 10 {
		t.Fatalf("%d slots", len(s.State().Slots))
	}
	for _, k := range s.State().Slots {
		rc, data := h.ask(mposWorkingKey, mposTellData(byte(k.Slot>>8), byte(k.Slot))...)
		if rc != rcOK || len(data) != 9 || string(data[:2]) != "00" {
			t.Errorf("slot %04X: result %s %x", k.Slot, rc, data)
			continue
		}
		if kcv := unhex(k.KCV); !bytes.Equal(data[4:8], kcv[:4]) {
			t.Errorf("slot %04X shows %x and keeps %x", k.Slot, data[4:8], kcv)
		}
	}
}
