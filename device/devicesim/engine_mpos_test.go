package devicesim

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
)

// newMposReader makes a memory file whose keys are all of this protocol.
func newMposReader(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nvm")
	_, err := Create(path, Spec{
		Serial: "MPOS-0001", Protocol: "mpos", TicketKey: make([]byte, 32), Rand: rand.NewChaCha8([32]byte{7}),
	})
	must(t, err)
	return path
}

func startMpos(t *testing.T, path string, faults ...string) *Sim {
	t.Helper()
	options := Options{Protocol: "mpos", Rand: endless("01234567")}
	for _, text := range faults {
		f, err := ParseFault(text)
		must(t, err)
		options.Faults = append(options.Faults, f)
	}
	return start(t, path, options)
}

// The document's conversation, byte for byte and in its order.
func TestMposGoldenConversation(t *testing.T) {
	s := startMpos(t, newMposReader(t))
	boots := s.State().BootCount
	h := newMposHost(t, s)
	for _, p := range mposGolden(t) {
		h.write(p.request)
		same(t, p.name, h.read().raw, p.answer)
	}
	h.want(rcOK, string(appendLL(nil, []byte("MPOS-0001"))), mposSerial)
	if s.State().BootCount != boots+1 {
		t.Error("it did not restart")
	}
}

func TestMposRepeatedRequestIsNotCarriedOutTwice(t *testing.T) {
	s := startMpos(t, newMposReader(t))
	h := newMposHost(t, s)
	h.replay("load-dukpt")
	request := h.next(mposNextKSN, 1)
	h.write(request)
	first := h.read()
	for range 2 {
		h.write(request) // its answer was lost
		same(t, "repeated", h.read().raw, first.raw)
	}
	h.write(append(bytes.Clone(request[:len(request)-1]), 0xEE)) // a damaged one in between changes nothing
	if r := h.read(); string(r.data) != string(rcDamaged) {
		t.Errorf("damaged: %x", r.raw)
	}
	h.write(request)
	same(t, "repeated after damage", h.read().raw, first.raw)
	h.write(mposFrame(mposNextKSN, h.seq, []byte{2})) // the same number, but not the same bytes
	if r := h.read(); string(r.data) != string(rcOK)+string(keyMissing) {
		t.Errorf("another key under the same number: %x", r.raw)
	}
	h.want(rcOK, string(keyDone)+string(appendLL(nil, unhex("ffff9876543210e00002"))), mposNextKSN, 1)
	h.write(request) // the same bytes, but another was carried out since: it is new
	if r := h.read(); !bytes.HasSuffix(r.data, []byte{0x03}) {
		t.Errorf("third number: %x", r.data)
	}
}

func TestMposRestartForgetsTheLastRequest(t *testing.T) {
	s := startMpos(t, newMposReader(t))
	h := newMposHost(t, s)
	h.replay("load-dukpt")
	request := h.next(mposNextKSN, 1)
	h.write(request)
	first := h.read()
	must(t, s.Reboot())
	h.write(request)
	if second := h.read(); bytes.Equal(first.raw, second.raw) {
		t.Error("a fresh reader remembers")
	}
}

func TestMposNoiseAndPartialFrames(t *testing.T) {
	h := newMposHost(t, startMpos(t, newMposReader(t)))
	serial := string(appendLL(nil, []byte("MPOS-0001")))
	for name, before := range map[string][]byte{
		"noise":         unhex("ff00aa03062f"),
		"many STX":      bytes.Repeat([]byte{2}, 40),
		"a cut frame":   mposFrame(mposDelete, 9, []byte{4, 0, 1, 0})[:9],
		"a wrong LEN":   unhex("021000ff012f1903cf"),
		"pedlink reset": frame{typ: tRST, arg: 77}.bytes(),
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			h.write(before)
			h.want(rcOK, serial, mposSerial)
		})
	}
}

func TestMposSilentReader(t *testing.T) {
	s := startMpos(t, newMposReader(t), "silent")
	line := &bytes.Buffer{}
	e := newMposEngine(s, line)
	request := mposFrame(mposTamper, 5, nil)
	must(t, e.take(mposNamed(t, "delete-all").request))
	must(t, e.take(request))
	must(t, e.take(append(request[:len(request)-1:len(request)-1], 0)))
	if line.Len() > 0 {
		t.Fatalf("silent and says %x", line.Bytes())
	}
	if i := slices.IndexFunc(s.State().Slots, func(k SlotState) bool { return k.State == "empty" }); i >= 0 {
		t.Errorf("silent, and slot %04X is empty", s.State().Slots[i].Slot)
	}
	must(t, s.ClearFaults())
	must(t, e.take(request))
	if r, _, _ := mposScan(line.Bytes()); string(r.data) != string(rcOK)+"\x00\x00\x00\x00" {
		t.Errorf("afterwards it says %x", line.Bytes())
	}
}

func TestMposForeignReader(t *testing.T) {
	s := startMpos(t, newMposReader(t), "foreign=MPOS-9999")
	h := newMposHost(t, s)
	h.want(rcOK, string(appendLL(nil, []byte("MPOS-9999"))), mposSerial)
	must(t, s.ClearFaults())
	h.want(rcOK, string(appendLL(nil, []byte("MPOS-0001"))), mposSerial)
}

func TestMposRestartThatDoesNotHappen(t *testing.T) {
	s := startMpos(t, newMposReader(t), "ignores-reboot")
	boots := s.State().BootCount
	h := newMposHost(t, s)
	h.want(rcOK, "", mposRestart)
	h.want(rcOK, string(unhex("00000000")), mposTamper)
	if s.State().BootCount != boots {
		t.Error("it restarted")
	}
}

func TestMposTamper(t *testing.T) {
	s := startMpos(t, newMposReader(t))
	h := newMposHost(t, s)
	must(t, s.Tamper())
	h.want(rcOK, string(unhex("00000001")), mposTamper)
	r, _, _ := mposScan(mposNamed(t, "load-tmk").request)
	h.want(rcRefused, "", r.cmd, r.data...)
	h.want(rcOK, "", mposTamperClear)
	must(t, s.Reboot())
	h.want(rcOK, string(unhex("00000000")), mposTamper)
	h.replay("load-tmk")
}
