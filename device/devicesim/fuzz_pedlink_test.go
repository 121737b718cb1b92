package devicesim

import (
	"bytes"
	"crypto/ed25519"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

func FuzzRotation(f *testing.F) {
	f.Add(golden(f)["rotation-order"])
	f.Fuzz(func(t *testing.T, b []byte) {
		x, ok := parseRotation(b)
		if !ok {
			return
		}
		if len(x.value) != 32 || len(x.signature) != ed25519.SignatureSize || !bytes.Equal(x.field, b) {
			t.Fatalf("order %+v", x)
		}
		if !bytes.Equal(x.message, lengthPrefixed(unprefixed(x.message)...)) {
			t.Fatal("the message does not give its bytes back")
		}
	})
}

// FuzzCommand: whatever a command's fields are, the reader says something that fits a frame, goes on, and neither
// erases a key nor changes one of its own.
func FuzzCommand(f *testing.F) {
	path := filepath.Join(f.TempDir(), "nvm")
	_, err := Create(path, Spec{Serial: "PED-0001", Rand: rand.NewChaCha8([32]byte{1}), TicketKey: make([]byte, ed25519.PublicKeySize)})
	if err != nil {
		f.Fatal(err)
	}
	s, err := Start(path, Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := s.Close(); err != nil {
			f.Error(err)
		}
	})
	for name, raw := range golden(f) {
		if x, what, _ := scan(raw); what == found && x.typ == tCMD && len(x.body) >= 2 && name != "frame-info" {
			f.Add(uint16(commandOf(x.body)), x.body[2:max(2, len(x.body)-macBytes)])
		}
	}
	f.Fuzz(func(t *testing.T, op uint16, fields []byte) {
		v, ok := parseBody(fields)
		if !ok {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		own := s.mem.st.Own.Rotations
		r := s.execute(opcode(op), v)
		if r.err != nil || 4+len(r.body)+macBytes > maxPayload {
			t.Fatalf("command %04X: %d bytes, %v", op, len(r.body), r.err)
		}
		if s.mem.st.Own.Rotations != own || s.mem.st.EraseCount != 0 || s.mem.slots[1].zeroised != 0 {
			t.Fatalf("command %04X did what nobody signed", op)
		}
	})
}
