package device

import (
	"bytes"
	"io"
	"net"
	"testing"
)

// FuzzCcidLink: whatever a reader says to a block for a card, there is one answer at most, and it is the answer to
// that very block.
func FuzzCcidLink(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		ours, theirs := net.Pipe()
		l := newCcidLink(newLine(ours, 9600, RetryConfig{}.withDefaults()))
		drained := make(chan struct{})
		go func() { defer close(drained); _, _ = io.Copy(io.Discard, theirs) }()
		x := l.begin(ccidMessage{kind: ccidXfrBlock, slot: 1, seq: 7, data: []byte{0, 0xA4, 4, 0}})
		l.take(b)
		l.silence()
		select {
		case m := <-x.answer:
			if m.kind != ccidDataBlock || m.slot != 1 || m.seq != 7 || !bytes.Contains(b, m.encode()) {
				t.Errorf("%+v is taken for the answer", m)
			}
		default:
		}
		if len(x.answer) > 0 || !l.isAlone(x) && len(b) == 0 {
			t.Error("more than one answer")
		}
		l.fail(io.ErrClosedPipe)
		<-drained
	})
}

// FuzzT0: a module that always has more to give is not followed for ever. script are responses of a length that
// their first byte says, and begins again when it is over.
func FuzzT0(f *testing.F) {
	f.Fuzz(func(t *testing.T, apdu, script []byte) {
		if len(apdu) < 4 || len(script) == 0 {
			return
		}
		calls, at := 0, 0
		carry := func(tpdu []byte) ([]byte, error) {
			if calls++; calls > 2*257 || len(tpdu) < 4 || len(tpdu) > 5+255 {
				t.Fatalf("TPDU %d has %d bytes", calls, len(tpdu))
			}
			n := min(int(script[at]), len(script)-at-1)
			response := script[at+1 : at+1+n]
			at = (at + 1 + n) % len(script)
			return response, nil
		}
		response, err := t0{carry}.exchange(apdu)
		if err == nil && len(response) > 256+255+2 {
			t.Fatalf("%d bytes", len(response))
		}
	})
}
