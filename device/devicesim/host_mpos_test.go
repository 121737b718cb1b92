package devicesim

import (
	"bytes"
	"os"
	"testing"
	"time"
)

// mposHost is the other end of the line, played by the test frame by frame.
type mposHost struct {
	t     *testing.T
	tty   *os.File
	input []byte
	seq   byte
}

func newMposHost(t *testing.T, s *Sim) *mposHost {
	t.Helper()
	tty, err := openTTY(s.Path())
	must(t, err)
	must(t, tty.SetDeadline(time.Now().Add(time.Minute))) // a test that hangs says where
	t.Cleanup(func() { must(t, tty.Close()) })
	return &mposHost{t: t, tty: tty, seq: 1}
}

func (h *mposHost) write(b []byte) {
	h.t.Helper()
	_, err := h.tty.Write(b)
	must(h.t, err)
}

// read is the next answer.
func (h *mposHost) read() mposRequest {
	h.t.Helper()
	for {
		r, what, left := mposScan(h.input)
		h.input = left
		if what == found {
			return r
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

// next is a request's frame under a number of its own.
func (h *mposHost) next(cmd mposCommand, data ...byte) []byte {
	h.seq = after(after(h.seq))
	return mposFrame(cmd, h.seq, data)
}

// ask sends a request and opens its answer.
func (h *mposHost) ask(cmd mposCommand, data ...byte) (mposResult, []byte) {
	h.t.Helper()
	h.write(h.next(cmd, data...))
	r := h.read()
	if r.cmd != cmd || r.seq != after(h.seq) || len(r.data) < 2 {
		h.t.Fatalf("%04X is answered %x", cmd, r.raw)
	}
	return mposResult(r.data[:2]), r.data[2:]
}

func (h *mposHost) want(rc mposResult, answer string, cmd mposCommand, data ...byte) {
	h.t.Helper()
	if got, tail := h.ask(cmd, data...); got != rc || string(tail) != answer {
		h.t.Errorf("%04X %x: result %s %q, want %s %q", cmd, data, got, tail, rc, answer)
	}
}

// replay sends requests of the golden conversation under numbers of its own.
func (h *mposHost) replay(names ...string) {
	h.t.Helper()
	for _, name := range names {
		p := mposNamed(h.t, name)
		r, _, _ := mposScan(p.request)
		a, _, _ := mposScan(p.answer)
		h.want(mposResult(a.data[:2]), string(a.data[2:]), r.cmd, r.data...)
	}
}

// mposTell asks for the KCV of a key, in the published form.
func mposTellData(kind, index byte) []byte {
	data := appendLL([]byte{kind, 0, index}, make([]byte, 16))
	return append(appendLL(data, make([]byte, 8)), modeTell)
}

// has tells by its KCV whether a key is there.
func (h *mposHost) has(slot uint16) bool {
	h.t.Helper()
	rc, data := h.ask(mposWorkingKey, mposTellData(byte(slot>>8), byte(slot))...)
	if rc != rcOK || len(data) < 2 {
		h.t.Fatalf("slot %04X: result %s %q", slot, rc, data)
	}
	return string(data[:2]) == string(keyDone)
}

// use tells by a use whether a TDK or a TAK is there.
func (h *mposHost) use(slot uint16) bool {
	h.t.Helper()
	cmd, data := mposMAC, []byte{byte(slot)}
	if byte(slot>>8) == mposTDK {
		cmd, data = mposCrypt, []byte{byte(slot), modeEncrypt}
	}
	rc, answer := h.ask(cmd, appendLL(data, make([]byte, 16))...)
	if rc != rcOK || len(answer) < 2 {
		h.t.Fatalf("slot %04X: result %s %q", slot, rc, answer)
	}
	return string(answer[:2]) == string(keyDone)
}

// off waits until a power cut has come, and takes what is left away.
func off(t *testing.T, s *Sim) {
	t.Helper()
	select {
	case <-s.Done():
	case <-time.After(time.Minute):
		t.Fatal("the power stays on")
	}
	must(t, s.Close())
}

// endless gives the same bytes again and again.
type endless string

func (e endless) Read(b []byte) (int, error) {
	return copy(b, bytes.Repeat([]byte(e), len(b)/len(e)+1)), nil
}
