package devicesim

import (
	"bytes"
	"crypto/ed25519"
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// fuzzed is a reader that a whole run of the fuzzer talks to: what an input did
// to it stays, as it stays in a reader.
func fuzzed(f *testing.F, options Options) *Sim {
	path := filepath.Join(f.TempDir(), "nvm")
	_, err := Create(path, Spec{
		Serial: "PED-0001", Protocol: options.Protocol, Rand: rand.NewChaCha8([32]byte{1}),
		TicketKey: make([]byte, ed25519.PublicKeySize),
	})
	if err != nil {
		f.Fatal(err)
	}
	s, err := Start(path, options)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := s.Close(); err != nil {
			f.Error(err)
		}
	})
	return s
}

// FuzzMposCommand: an answer fits its frame, a refusal has a result, and a
// reader that nobody opened is not tampered by a command.
func FuzzMposCommand(f *testing.F) {
	e := newMposEngine(fuzzed(f, Options{Protocol: "mpos"}), nil)
	f.Fuzz(func(t *testing.T, cmd uint16, data []byte) {
		e.sim.mu.Lock()
		defer e.sim.mu.Unlock()
		answer, err := e.execute(mposRequest{cmd: mposCommand(cmd), data: data})
		if _, refused := err.(mposResult); err != nil && !refused {
			t.Fatal(err)
		}
		if len(answer) > mposLongest {
			t.Fatalf("%d bytes", len(answer))
		}
		if e.sim.mem.st.Tampered || e.sim.mem.st.EraseCount != 0 {
			t.Fatalf("command %04X did what nobody asked for", cmd)
		}
	})
}

// FuzzCcidExecute: every command has one answer of its kind, socket and number,
// that fits a message and fails by name or not at all.
func FuzzCcidExecute(f *testing.F) {
	s := fuzzed(f, Options{Protocol: "ccid"})
	front := newCCID(s, struct {
		io.Reader
		io.Writer
	}{nil, &bytes.Buffer{}})
	f.Fuzz(func(t *testing.T, kind, slot, seq byte, params uint32, data []byte) {
		c := ccidCommand{kind: kind, slot: slot, seq: seq, data: data}
		c.params = [3]byte{byte(params), byte(params >> 8), byte(params >> 16)}
		a, err := front.execute(c)
		if err != nil {
			t.Fatal(err)
		}
		if verb, known := ccidVerbs[kind]; known && a.kind != verb.answer || a.slot != slot || a.seq != seq {
			t.Fatalf("%+v is answered by %+v", c, a)
		}
		if failed := a.status&ccidFailed != 0; failed && len(a.data) > 0 || !failed && a.fault != 0 || len(a.data) > ccidLongest {
			t.Fatalf("%+v is answered by %+v", c, a)
		}
	})
}

// FuzzHostSession: nothing is authentic but what the host said, once and as the next.
func FuzzHostSession(f *testing.F) {
	f.Fuzz(func(t *testing.T, seq byte, payload, sealed []byte) {
		s, err := deriveSession(make([]byte, 16), make([]byte, 16), make([]byte, 16))
		if err != nil {
			t.Fatal(err)
		}
		sum := s.fromHost.sum(macHead(0, 0, tCMD, seq), payload)
		good := append(bytes.Clone(payload), sum[:macBytes]...)
		if _, ok := s.open(seq, sealed); ok != bytes.Equal(sealed, good) {
			t.Fatalf("%x is authentic: %v", sealed, ok)
		}
		if s.in == 0 {
			if got, ok := s.open(seq, good); !ok || !bytes.Equal(got, payload) {
				t.Fatal("what the host said is refused")
			}
		}
		if _, ok := s.open(seq, good); ok {
			t.Fatal("the same again is authentic again")
		}
	})
}

// FuzzPage: a page that is read is one that was written.
func FuzzPage(f *testing.F) {
	f.Fuzz(func(t *testing.T, gen uint64, payload, harmed []byte) {
		if len(harmed) >= pageHead {
			if got, of, ok := readPage(harmed); ok && !bytes.HasPrefix(harmed, page(of, got)) {
				t.Fatalf("%x is read as %x", harmed, got)
			}
		}
		got, of, ok := readPage(append(page(gen, payload), harmed...))
		if ok != (len(payload) > 0) || ok && (of != gen || !bytes.Equal(got, payload)) {
			t.Fatalf("%x becomes %x", payload, got)
		}
	})
}
