package devicesim

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"os"
	"testing"
	"time"
)

// host is the other end of the line, played by the test frame by frame.
type host struct {
	t       *testing.T
	tty     *os.File
	input   []byte
	nextOut byte
	session *session // from the reader's view: what the host seals, the reader opens
}

func newHost(t *testing.T, s *Sim) *host {
	t.Helper()
	tty, err := openTTY(s.Path())
	must(t, err)
	must(t, tty.SetDeadline(time.Now().Add(time.Minute))) // a test that hangs says where
	t.Cleanup(func() { must(t, tty.Close()) })
	h := &host{t: t, tty: tty}
	h.reset()
	return h
}

func (h *host) write(b []byte) {
	h.t.Helper()
	_, err := h.tty.Write(b)
	must(h.t, err)
}

func (h *host) read() frame {
	h.t.Helper()
	for {
		f, what, left := scan(h.input)
		h.input = left
		if what == found {
			return f
		}
		if what == damaged {
			h.t.Fatal("the reader sent a damaged frame")
		}
		b := make([]byte, 8192)
		n, err := h.tty.Read(b)
		must(h.t, err)
		h.input = append(h.input, b[:n]...)
	}
}

// until reads on to the next frame of a type.
func (h *host) until(typ frameType) frame {
	h.t.Helper()
	for {
		if f := h.read(); f.typ == typ {
			return f
		}
	}
}

func (h *host) reset() {
	h.t.Helper()
	h.write(frame{typ: tRST, arg: 77}.bytes())
	if f := h.until(tRSTACK); f.arg != 77 {
		h.t.Fatalf("reset answers %d", f.arg)
	}
	h.nextOut, h.session = 0, nil
}

// seal builds the next command's frame.
func (h *host) seal(op opcode, b body) []byte {
	payload := append(binary.BigEndian.AppendUint16(nil, uint16(op)), b...)
	if s := h.session; s != nil {
		sum := s.fromHost.sum(macHead(0, s.in, tCMD, h.nextOut), payload)
		s.in++
		payload = append(payload, sum[:macBytes]...)
	}
	raw := frame{typ: tCMD, seq: h.nextOut, body: payload}.bytes()
	h.nextOut++
	return raw
}

// ask sends a command, acknowledges its response and opens it.
func (h *host) ask(op opcode, b body) (status, values) {
	h.t.Helper()
	h.write(h.seal(op, b))
	return h.open(h.answer())
}

func (h *host) answer() frame {
	h.t.Helper()
	f := h.until(tRSP)
	h.write(frame{typ: tACK, seq: f.seq}.bytes())
	return f
}

func (h *host) open(f frame) (status, values) {
	h.t.Helper()
	payload := f.body
	if s := h.session; s != nil {
		payload = f.body[:len(f.body)-macBytes]
		sum := s.toHost.sum(macHead(1, s.out, tRSP, f.seq), payload)
		if !bytes.Equal(sum[:macBytes], f.body[len(payload):]) {
			h.t.Fatal("the response is not authentic")
		}
		s.out++
	}
	v, ok := parseBody(payload[4:])
	if !ok {
		h.t.Fatal("the response has no fields")
	}
	return status(binary.BigEndian.Uint16(payload[2:])), v
}

// pair runs HELLO with the reader's key.
func (h *host) pair(key []byte) status {
	h.t.Helper()
	nonce := make([]byte, 16)
	_, err := rand.Read(nonce)
	must(h.t, err)
	h.write(h.seal(opHello, body{}.put(tgNonce, nonce)))
	f := h.answer()
	if st := status(binary.BigEndian.Uint16(f.body[2:])); st != stOK {
		return st
	}
	v, ok := parseBody(f.body[4 : len(f.body)-macBytes])
	if !ok {
		h.t.Fatal("HELLO is answered without fields")
	}
	h.session, err = deriveSession(key, nonce, v[tgNonce])
	must(h.t, err)
	h.open(f)
	return stOK
}

func TestRepeatedCommandIsNotExecutedTwice(t *testing.T) {
	path, in := newReader(t)
	s := start(t, path, Options{})
	h := newHost(t, s)
	h.pair(in.Pairing)
	command := h.seal(opEraseBegin, body{}.put(tgOrder, make([]byte, 32)).put(tgScope, []byte{0, 0x10}))
	h.write(command)
	first := h.until(tRSP) // its acknowledgement is lost, and so was the response
	h.write(command)
	h.until(tACK)
	second := h.until(tRSP)
	if first.seq != second.seq || !bytes.Equal(first.body, second.body) {
		t.Error("the second response differs: the command was executed again")
	}
	h.write(frame{typ: tACK, seq: first.seq}.bytes())
	h.write(command) // even long after
	if third := h.until(tRSP); !bytes.Equal(first.body, third.body) {
		t.Error("the third response differs")
	}
	if st, _ := h.open(first); st != stOK {
		t.Errorf("status %04X", st)
	}
}

func TestResponseComesThreeTimesThenAReset(t *testing.T) {
	path, _ := newReader(t)
	h := newHost(t, start(t, path, Options{}))
	h.write(h.seal(opInfo, nil))
	first := h.until(tRSP)
	for range 2 {
		if again := h.read(); again.typ != tRSP || !bytes.Equal(again.body, first.body) {
			t.Fatalf("frame %02X", again.typ)
		}
	}
	if f := h.read(); f.typ != tRST {
		t.Errorf("frame %02X after three sends", f.typ)
	}
}

func TestDamagedCommandIsRefusedAndTakenAgain(t *testing.T) {
	path, _ := newReader(t)
	h := newHost(t, start(t, path, Options{}))
	command := h.seal(opInfo, nil)
	damagedCommand := bytes.Clone(command)
	damagedCommand[headLen] ^= 0x40
	h.write(damagedCommand)
	if f := h.read(); f.typ != tNAK || f.seq != 0 {
		t.Fatalf("frame %02X %d", f.typ, f.seq)
	}
	h.write(command)
	if st, _ := h.open(h.answer()); st != stOK {
		t.Errorf("status %04X", st)
	}
}

func TestSilenceEndsAPartialFrame(t *testing.T) {
	path, _ := newReader(t)
	h := newHost(t, start(t, path, Options{}))
	cut := frame{typ: tCMD, body: make([]byte, 4000)}.bytes()[:headLen] // what follows is lost
	h.write(append(cut, h.seal(opInfo, nil)...))
	if st, _ := h.open(h.answer()); st != stOK {
		t.Errorf("status %04X", st)
	}
}

func TestCommandsNeedASession(t *testing.T) {
	path, _ := newReader(t)
	h := newHost(t, start(t, path, Options{}))
	for _, op := range []opcode{opTamper, opReboot, opListKeys, opKeyProbe, opEraseBegin, opEraseCommit, opEraseStatus,
		opEraseCancel, opEventsSince, opEventsAck, opFreeze, opThaw, opLoadKey, opCardList, opCardPower, opCardAPDU, opRotate, 0x7777} {
		if st, _ := h.ask(op, nil); st != stNoSession {
			t.Errorf("command %04X: status %04X", op, st)
		}
	}
	if st, v := h.ask(opInfo, nil); st != stOK || string(v[tgSerial]) != "PED-0001" {
		t.Errorf("INFO: status %04X", st)
	}
}

func TestMalformedCommands(t *testing.T) {
	path, in := newReader(t)
	h := newHost(t, start(t, path, Options{}))
	h.pair(in.Pairing)
	for _, op := range []opcode{opListKeys, opKeyProbe, opEraseBegin, opEraseCommit, opEraseStatus, opEventsSince, opEventsAck, opHello,
		opLoadKey, opCardPower, opCardAPDU} {
		if st, _ := h.ask(op, nil); st != stMalformed {
			t.Errorf("command %04X without fields: status %04X", op, st)
		}
	}
	if st, _ := h.ask(opInfo, body{1, 2}); st != stMalformed {
		t.Errorf("cut field: status %04X", st)
	}
	if st, _ := h.ask(0x7777, nil); st != stUnknown {
		t.Errorf("unknown command: status %04X", st)
	}
}

func TestThreeFailedProofsBlockForATime(t *testing.T) {
	path, in := newReader(t)
	now := newClock()
	s := start(t, path, Options{Now: now.Now})
	h := newHost(t, s)
	for range allowedFails {
		if st := h.pair(in.Pairing); st != stOK {
			t.Fatalf("HELLO: status %04X", st)
		}
		command := h.seal(opFreeze, nil)
		command[headLen] ^= 1 // spoil the payload, then make the frame sound again
		f, _, _ := scan(frame{typ: tCMD, seq: h.nextOut - 1, body: command[headLen : len(command)-tailLen]}.bytes())
		h.write(f.bytes())
		h.session = nil
		if st, _ := h.open(h.answer()); st != stBadMAC {
			t.Fatalf("bad MAC: status %04X", st)
		}
	}
	if st := h.pair(in.Pairing); st != stLocked {
		t.Errorf("after three: status %04X", st)
	}
	must(t, s.Reboot())
	h.reset()
	if st := h.pair(in.Pairing); st != stLocked {
		t.Errorf("a restart gives fresh tries: status %04X", st)
	}
	now.advance(lockTime + time.Second)
	if st := h.pair(in.Pairing); st != stOK {
		t.Errorf("after the time: status %04X", st)
	}
	if st, _ := h.ask(opInfo, nil); st != stOK || s.State().Frozen {
		t.Errorf("the true host: status %04X", st)
	}
	if s.State().FailedProofs != 0 {
		t.Error("a good proof does not end the count")
	}
}

func TestReplayedCommandIsNotBelieved(t *testing.T) {
	path, in := newReader(t)
	s := start(t, path, Options{})
	h := newHost(t, s)
	h.pair(in.Pairing)
	recorded := h.seal(opFreeze, nil)
	h.write(recorded)
	h.open(h.answer())
	if st, _ := h.ask(opThaw, nil); st != stOK {
		t.Fatalf("thaw: status %04X", st)
	}
	// The same payload under the number that is next.
	f, _, _ := scan(recorded)
	h.write(frame{typ: tCMD, seq: h.nextOut, body: f.body}.bytes())
	h.session = nil
	if st, _ := h.open(h.answer()); st != stBadMAC || s.State().Frozen {
		t.Errorf("replay: status %04X", st)
	}
}

func TestEventsWaitForTheirAcknowledgement(t *testing.T) {
	path, in := newReader(t)
	s := start(t, path, Options{})
	_, err := s.Generate(2)
	must(t, err)
	h := newHost(t, s)
	h.pair(in.Pairing)
	if st, _ := h.ask(opEventsSince, body{}.put32(tgEvent, 0)); st != stOK {
		t.Fatalf("status %04X", st)
	}
	first := h.until(tEVT)
	if again := h.until(tEVT); !bytes.Equal(first.body, again.body) {
		t.Error("an event that was not acknowledged did not come again with the same bytes")
	}
	h.write(frame{typ: tACK, seq: first.seq}.bytes())
	if second := h.until(tEVT); second.seq != first.seq+1 || bytes.Equal(first.body, second.body) {
		t.Error("the next event did not follow")
	}
	if s.State().Held != 2 {
		t.Error("an acknowledged frame is no acknowledged event")
	}
}
