package manifest

import (
	"bytes"
	"crypto/ed25519"
	"testing"

	"unbindd/agent/envelope"
)

func key(name string) envelope.Signer {
	return envelope.NewSigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte(name), 32)[:32]))
}

func good() Manifest {
	d := envelope.DigestOf([]byte("x"))
	return Manifest{Case: "C-1", Command: d, Digest: d, Head: d, N: 1, Reader: Reader{SN: "PED-1"}, Scope: []int64{}, Sums: []Sum{}, Terminal: "T-1", V: 1}
}

func seal(t testing.TB, kind string, v any, by string) *envelope.Envelope {
	t.Helper()
	e, err := envelope.Seal(envelope.Type(kind), v, key(by))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestOpenTakesOnlyTheTerminalsOwn(t *testing.T) {
	later := good()
	later.V = 2
	cases := []struct {
		name, want string
		e          *envelope.Envelope
	}{
		{"own", "", seal(t, Kind, good(), "device")},
		{"by somebody else", "E04", seal(t, Kind, good(), "other")},
		{"another kind", "E03", seal(t, "receipt", good(), "device")},
		{"another version", "E07:manifest", seal(t, Kind, later, "device")},
		{"another shape", "E06:unknown-member", seal(t, Kind, map[string]int{"x": 1}, "device")},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Open(c.e, key("device").Public()); envelope.CodeOf(err) != c.want {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(seal(f, Kind, good(), "device").Payload)
	f.Fuzz(func(t *testing.T, payload []byte) {
		e := &envelope.Envelope{PayloadType: envelope.Type(Kind), Payload: payload}
		if err := e.Add(key("device")); err != nil {
			t.Fatal(err)
		}
		if m, err := Open(e, key("device").Public()); err == nil && m.V != 1 {
			t.Fatal("opened a version that is not supported")
		}
	})
}
