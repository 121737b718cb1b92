package devicesim

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"testing"
	"time"
)

// ccidHost speaks with a front without a line between them.
type ccidHost struct {
	t     *testing.T
	sim   *Sim
	front *ccidFront
	said  bytes.Buffer
	seq   byte
}

func newCCIDHost(t *testing.T, options Options) *ccidHost {
	t.Helper()
	path, _ := newReader(t)
	return hostOf(t, start(t, path, options))
}

func hostOf(t *testing.T, s *Sim) *ccidHost {
	t.Helper()
	h := &ccidHost{t: t, sim: s}
	h.front = newCCID(s, struct {
		io.Reader
		io.Writer
	}{nil, &h.said})
	return h
}

// send gives bytes to the reader and returns what it says.
func (h *ccidHost) send(b []byte) []byte {
	h.t.Helper()
	h.said.Reset()
	must(h.t, h.front.take(b))
	return bytes.Clone(h.said.Bytes())
}

// ask sends a command and wants an answer, without what is around it: type, status, error, parameter, data.
func (h *ccidHost) ask(kind, slot byte, params string, data string) (got []byte) {
	h.t.Helper()
	h.seq++
	c := ccidCommand{kind: kind, slot: slot, seq: h.seq, params: [3]byte(unhexed(h.t, params)), data: unhexed(h.t, data)}
	said := bytes.TrimPrefix(h.send(frameOf(c)), h.front.echo(frameOf(c)))
	if len(said) < 13 || said[0] != 0x03 || said[1] != 0x06 || xor(said) != 0 || said[7] != slot || said[8] != h.seq {
		h.t.Fatalf("%x says %x", frameOf(c), said)
	}
	return append([]byte{said[2], said[9], said[10], said[11]}, said[12:len(said)-1]...)
}

func (h *ccidHost) want(name string, kind, slot byte, params, data, want string) {
	h.t.Helper()
	if got := h.ask(kind, slot, params, data); !bytes.Equal(got, unhexed(h.t, want)) {
		h.t.Errorf("%s: got %x, want %s", name, got, want)
	}
}

const none = "000000"

func TestCCIDSockets(t *testing.T) {
	h := newCCIDHost(t, Options{})
	h.want("card without power", 0x65, 0, none, "", "81 01 00 01")
	h.want("SAM without power", 0x65, 1, none, "", "81 01 00 01")
	h.want("no SAM", 0x65, 4, none, "", "81 02 00 01")
	h.want("no such socket", 0x65, 5, none, "", "81 42 05 00")
	h.want("power", 0x62, 0, none, "", "80 00 00 00 3b68 00 00 5053414d2d303031")
	h.want("power with 1.8 V", 0x62, 1, "030000", "", "80 00 00 00 3b88 81 31 20 45 5053414d2d303031 4e")
	h.want("power with what", 0x62, 1, "040000", "", "80 40 07 00")
	h.want("power without card", 0x62, 4, none, "", "80 42 fe 00")
	h.want("power, no such socket", 0x62, 200, none, "", "80 42 05 00")
	h.want("has power", 0x65, 0, none, "", "81 00 00 00")
	h.want("T=0", 0x6F, 0, none, "80ca000103", "80 00 00 00 265a7a 9000")
	h.want("T=1", 0x6F, 1, none, "00 00 05 80ca000103 4d", "80 00 00 00 00 00 05 265a7a 9000 93")
	h.want("of a level", 0x6F, 0, "000100", "80ca000103", "80 40 08 00")
	h.want("of nothing", 0x6F, 0, none, "", "80 40 01 00")
	h.want("power away", 0x63, 0, none, "", "81 01 00 01")
	h.want("without power", 0x6F, 0, none, "80ca000103", "80 41 fe 00")
	h.want("the other has power", 0x65, 1, none, "", "81 00 00 00")
	h.want("power away from nothing", 0x63, 4, none, "", "81 02 00 01")
	h.want("clock", 0x6E, 1, "010000", "", "81 00 00 00")
	h.want("clock what", 0x6E, 1, "020000", "", "81 40 07 00")
	h.want("clock without card", 0x6E, 4, none, "", "81 42 fe 00")
	h.want("no such command", 0x69, 1, none, "", "81 40 00 00")
}

func TestCCIDEscapes(t *testing.T) {
	h := newCCIDHost(t, Options{Model: "GemPCTwin"})
	firmware := append([]byte{0x83, 0x01, 0, 0}, "GemPCTwin-1.0.0"...)
	if got := h.ask(0x6B, 0, none, "02"); !bytes.Equal(got, firmware) {
		t.Errorf("%q", got)
	}
	h.want("changes", 0x6B, 0, none, "010101", "83 01 00 00")
	h.want("features", 0x6B, 0, none, "6a", "83 01 00 00")
	h.want("what", 0x6B, 0, none, "77", "83 41 0a 00")
	h.want("a Twin has one socket", 0x65, 1, none, "", "81 42 05 00")
}

func TestCCIDParameters(t *testing.T) {
	h := newCCIDHost(t, Options{})
	h.want("without power", 0x6C, 1, none, "", "82 41 fe 00")
	h.ask(0x62, 0, none, "")
	h.ask(0x62, 1, none, "")
	h.want("T=0", 0x6C, 0, none, "", "82 00 00 00 11 00 00 0a 00")
	h.want("T=1", 0x6C, 1, none, "", "82 00 00 01 11 10 00 45 00 20 00")
	h.want("set", 0x61, 1, "010000", "13 10 00 45 00 fe 00", "82 00 00 01 13 10 00 45 00 fe 00")
	h.want("kept", 0x6C, 1, none, "", "82 00 00 01 13 10 00 45 00 fe 00")
	h.want("another protocol", 0x61, 1, none, "11 00 00 0a 00", "82 40 07 00")
	h.want("too few", 0x61, 1, "010000", "13", "82 40 01 00")
	h.want("reset", 0x6D, 1, none, "", "82 00 00 01 11 10 00 45 00 20 00")
	h.ask(0x61, 1, "010000", "13 10 00 45 00 fe 00")
	h.ask(0x62, 1, none, "")
	h.want("gone with the card's reset", 0x6C, 1, none, "", "82 00 00 01 11 10 00 45 00 20 00")
}

func TestCCIDTwinEchoes(t *testing.T) {
	command := unhexed(t, askFirmware)
	twin := newCCIDHost(t, Options{Model: "GemPCTwin"}).send(command)
	if !bytes.HasPrefix(twin, command) || len(twin) == len(command) {
		t.Errorf("a Twin says %x", twin)
	}
	if pro := newCCIDHost(t, Options{}).send(command); bytes.HasPrefix(pro, command) {
		t.Errorf("a POS Pro says %x", pro)
	}
}

// transfer is a command for the T=0 card.
func transfer(t *testing.T, seq byte, tpdu string) []byte {
	return frameOf(ccidCommand{kind: 0x6F, seq: seq, data: unhexed(t, tpdu)})
}

func TestCCIDDamagedCommandIsNotExecuted(t *testing.T) {
	h := newCCIDHost(t, Options{})
	h.ask(0x62, 0, none, "")
	remove := transfer(t, 7, "80e40001")
	remove[len(remove)-1] ^= 1
	if got := h.send(remove); !bytes.Equal(got, unhexed(t, "03 15 16")) {
		t.Errorf("damaged: %x", got)
	}
	h.send(remove[:8])
	must(t, h.front.giveUpHalf())
	if got := h.said.Bytes(); !bytes.Equal(got, unhexed(t, "03 15 16")) {
		t.Errorf("half: %x", got)
	}
	h.want("the key", 0x6F, 0, none, "80ca000103", "80 00 00 00 265a7a 9000")
}

func TestCCIDRefusedAnswerComesAgain(t *testing.T) {
	h := newCCIDHost(t, Options{Model: "GemPCTwin"})
	if got := h.send(nakFrame); len(got) != 0 {
		t.Errorf("nothing was said yet: %x", got)
	}
	h.ask(0x62, 0, none, "")
	command := transfer(t, 9, "0084000008")
	first := bytes.TrimPrefix(h.send(command), command)
	if again := h.send(nakFrame); !bytes.Equal(again, first) {
		t.Errorf("%x, then %x", first, again)
	}
	if other := bytes.TrimPrefix(h.send(command), command); bytes.Equal(other, first) {
		t.Error("a command that is sent again is executed again")
	}
}

func TestCCIDTellsOfMovedCards(t *testing.T) {
	h := newCCIDHost(t, Options{})
	h.ask(0x62, 0, none, "")
	must(t, h.sim.RemoveCard(0))
	must(t, h.front.tellMoved())
	if got := h.said.Bytes(); !bytes.HasSuffix(got, []byte{0x50, 0x02}) {
		t.Errorf("at once: %x", got)
	}
	h.want("gone", 0x65, 0, none, "", "81 02 00 01")
	h.want("changes wait", 0x6B, 0, none, "010101", "83 02 00 00")
	must(t, h.sim.InsertCard(0, "t1"))
	must(t, h.sim.InsertCard(3, "t0"))
	status := frameOf(ccidCommand{kind: 0x65, seq: 9})
	if got := h.send(status); !bytes.Equal(got[:2], []byte{0x50, 0x03}) || got[4] != 0x81 {
		t.Errorf("before the answer: %x", got)
	}
	if got := h.send(status); got[0] != 0x03 {
		t.Errorf("told twice: %x", got)
	}
	for _, wrong := range []error{h.sim.InsertCard(0, "t0"), h.sim.InsertCard(5, "t0"), h.sim.InsertCard(2, "t7"), h.sim.RemoveCard(4), h.sim.RemoveCard(-1)} {
		if wrong == nil {
			t.Error("a card went where it cannot")
		}
	}
}

func TestCCIDCardIsMuteAfterAPPSItCannot(t *testing.T) {
	h := newCCIDHost(t, Options{Cards: []string{"t1-fast"}})
	h.ask(0x62, 0, none, "")
	h.want("PPS", 0x6F, 0, none, "ff1195 7b", "80 40 fe 00")
	h.want("PPS it offered", 0x6F, 0, none, "ff1113 fd", "80 00 00 00 ff1113 fd")
}

func TestCCIDFaults(t *testing.T) {
	h := newCCIDHost(t, Options{})
	fault := func(text string) {
		t.Helper()
		must(t, h.sim.ClearFaults())
		f, err := ParseFault(text)
		must(t, err)
		must(t, h.sim.Fault(f))
	}
	command := unhexed(t, askFirmware)
	good := h.send(command)
	fault("wrong-lrc=1")
	if got := h.send(command); bytes.Equal(got, good) || !bytes.Equal(got[:len(got)-1], good[:len(good)-1]) {
		t.Errorf("wrong-lrc: %x", got)
	}
	if got := h.send(nakFrame); !bytes.Equal(got, good) {
		t.Errorf("sent again: %x", got)
	}
	fault("asks-time=3")
	if got := h.send(command); !bytes.Equal(got, append([]byte{0x81, 0x82, 0x83}, good...)) {
		t.Errorf("asks-time: %x", got)
	}
	fault("nak=1")
	if got := h.send(command); !bytes.Equal(got, nakFrame) {
		t.Errorf("nak: %x", got)
	}
	fault("wrong-seq=1")
	if got := h.send(command); !bytes.HasSuffix(got, good) || len(got) != 2*len(good) || got[8] != 3 {
		t.Errorf("wrong-seq: %x", got)
	}
	fault("answers-twice=1")
	if got := h.send(command); !bytes.Equal(got, append(bytes.Clone(good), good...)) {
		t.Errorf("answers-twice: %x", got)
	}
	fault("busy-forever=1")
	if got := h.send(command); !bytes.Equal(got, []byte{0xFF}) {
		t.Errorf("busy-forever: %x", got)
	}
	fault("silent-after-ack=1")
	if got := h.send(command); len(got) != 0 {
		t.Errorf("silent-after-ack: %x", got)
	}
	if got := h.send(nakFrame); !bytes.Equal(got, good) {
		t.Errorf("but it has an answer: %x", got)
	}
	h.ask(0x62, 0, none, "")
	fault("reboots=1")
	if got := h.send(command); len(got) != 0 {
		t.Errorf("reboots: %x", got)
	}
	h.want("and the card has no power", 0x65, 0, none, "", "81 01 00 01")
	fault("silent")
	if got := h.send(command); len(got) != 0 {
		t.Errorf("silent: %x", got)
	}
	fault("mute-card")
	h.want("mute-card", 0x62, 0, none, "", "80 41 fe 00")
}

func TestCCIDKeysOutliveThePower(t *testing.T) {
	path, _ := newReader(t)
	s := start(t, path, Options{})
	h := hostOf(t, s)
	h.ask(0x62, 0, none, "")
	h.ask(0x62, 1, none, "")
	h.want("load", 0x6F, 0, none, "80d8000710 11111111111111111111111111111111", "80 00 00 00 9000")
	h.want("delete", 0x6F, 0, none, "80e40001", "80 00 00 00 9000")
	must(t, s.Reboot())
	h.want("a restart takes the power from cards", 0x6F, 0, none, "80ca000703", "80 41 fe 00")
	h.ask(0x62, 0, none, "")
	must(t, s.locked(func() error { s.powerOff(); return nil }))
	if err := h.front.take(transfer(t, 1, "80e40007")); !errors.Is(err, errPowerCut) {
		t.Errorf("without power: %v", err)
	}
	must(t, s.Close())
	h = hostOf(t, start(t, path, Options{}))
	h.ask(0x62, 0, none, "")
	h.want("loaded", 0x6F, 0, none, "80ca000703", "80 00 00 00 82e136 9000")
	h.want("deleted", 0x6F, 0, none, "80ca000103", "80 00 00 00 6a88")
}

func TestCCIDCardsAreOfOneProgram(t *testing.T) {
	path, _ := newReader(t)
	one := hostOf(t, start(t, path, Options{}))
	one.ask(0x62, 0, none, "")
	two := filepath.Join(t.TempDir(), "nvm")
	_, err := Create(two, Spec{Serial: "PED-0002", TicketKey: make([]byte, 32), Rand: bytes.NewReader(make([]byte, 4096))})
	must(t, err)
	h := hostOf(t, start(t, two, Options{Model: "GemPCTwin", Cards: []string{"t1"}}))
	h.sim.path = path // its card file is taken
	h.want("hardware error", 0x62, 0, none, "", "80 41 fb 00")
}

func TestCCIDOptions(t *testing.T) {
	path, _ := newReader(t)
	for name, options := range map[string]Options{
		"model":       {Model: "GemPCTwins"},
		"card":        {Cards: []string{"t2"}},
		"many cards":  {Model: "GemPCTwin", Cards: []string{"t0", "t0"}},
		"no protocol": {Protocol: "usb"},
	} {
		if s, err := Start(path, options); err == nil {
			t.Errorf("%s: started, %v", name, s.Close())
		}
	}
	start(t, path, Options{Protocol: "ccid", Cards: []string{"", "t0"}})
}

func TestCCIDControlWords(t *testing.T) {
	path, _ := newReader(t)
	s := start(t, path, Options{Cards: []string{}})
	for _, c := range []struct{ line, want string }{
		{"card insert 0 t1", "ok"},
		{"card insert 0 t1", "error cannot insert card: a card is in socket 0"},
		{"card remove 0", "ok"},
		{"card remove 0", "error cannot remove card: no card is in the socket"},
		{"card remove 9", "error cannot remove card: reader has no such socket: 9"},
		{"card remove x", "error cannot read command: card insert N t0|t1|t1-fast|t1-slow, or card remove N"},
		{"card", "error cannot read command: card insert N t0|t1|t1-fast|t1-slow, or card remove N"},
	} {
		if got := s.Control(c.line); got != c.want {
			t.Errorf("%s: %s", c.line, got)
		}
	}
}

// TestCCIDOnItsLine is the front with its timer and its wake-up, on a pseudo-terminal.
func TestCCIDOnItsLine(t *testing.T) {
	path, _ := newReader(t)
	s := start(t, path, Options{Protocol: "ccid", Cards: []string{}})
	tty, err := openTTY(s.Path())
	must(t, err)
	defer tty.Close()
	must(t, tty.SetDeadline(time.Now().Add(time.Minute)))
	exchange := func(sent []byte, want string) {
		t.Helper()
		if len(sent) > 0 {
			_, err := tty.Write(sent)
			must(t, err)
		}
		got := make([]byte, len(unhexed(t, want)))
		_, err := io.ReadFull(tty, got)
		must(t, err)
		if !bytes.Equal(got, unhexed(t, want)) {
			t.Fatalf("got %x, want %s", got, want)
		}
	}
	exchange(frameOf(ccidCommand{kind: 0x65, seq: 1}), "03 06 81 00000000 00 01 02 00 01 86")
	exchange(unhexed(t, askFirmware)[:9], "03 15 16") // the rest does not come
	must(t, s.InsertCard(0, "t0"))
	exchange(nil, "50 03")
	exchange(frameOf(ccidCommand{kind: 0x65, seq: 2}), "03 06 81 00000000 00 02 01 00 01 86")
	must(t, s.Reboot())
	exchange(frameOf(ccidCommand{kind: 0x65, seq: 3}), "03 06 81 00000000 00 03 01 00 01 87")
}
