package device

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// Vectors of RFC 4493 section 4.
func TestCMACVectors(t *testing.T) {
	message := unhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
	c, err := newCMAC(unhex("2b7e151628aed2a6abf7158809cf4f3c"))
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]string{
		0:  "bb1d6929e95937287fa37d129b756746",
		16: "070a16b46b4d4144f79bdd9dd04a287c",
		40: "dfa66747de9ae63030ca32611497c827",
		64: "51f0bebf7e3b9d92fc49741779363cfe",
	} {
		if got := c.sum(message[:n]); hex.EncodeToString(got[:]) != want {
			t.Errorf("%d bytes: %x", n, got)
		}
	}
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err) // a typing error in this file
	}
	return b
}

// readerEnd seals what the reader would say, with the same keys.
func readerEnd(s *session, counter uint32, typ, seq byte, payload []byte) []byte {
	mac := s.reader.sum(macInput(fromReader, counter, typ, seq, payload))
	return append(bytes.Clone(payload), mac[:macLen]...)
}

func TestSessionBelievesOnlyTheNextMessage(t *testing.T) {
	pairing, err := NewSecret(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	payload := []byte("payload")
	cases := map[string]func(s *session) (typ, seq byte, sealed []byte){
		"of the past":      func(s *session) (byte, byte, []byte) { return typResponse, 5, readerEnd(s, 0, typResponse, 5, payload) },
		"of the future":    func(s *session) (byte, byte, []byte) { return typResponse, 5, readerEnd(s, 2, typResponse, 5, payload) },
		"of another frame": func(s *session) (byte, byte, []byte) { return typResponse, 5, readerEnd(s, 1, typResponse, 6, payload) },
		"of another type":  func(s *session) (byte, byte, []byte) { return typResponse, 5, readerEnd(s, 1, typEvent, 5, payload) },
		"our own": func(s *session) (byte, byte, []byte) {
			s.sent = 1
			return typCommand, 5, s.seal(5, bytes.Clone(payload))
		},
		"too short": func(*session) (byte, byte, []byte) { return typResponse, 5, []byte("1234567") },
	}
	for name, make := range cases {
		s, err := newSession(pairing, []byte("host"), []byte("reader"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.open(typResponse, 4, readerEnd(s, 0, typResponse, 4, payload)); err != nil {
			t.Fatal(err)
		}
		typ, seq, sealed := make(s)
		if _, err := s.open(typ, seq, sealed); err == nil {
			t.Errorf("a message %s was believed", name)
		}
		good := readerEnd(s, 1, typResponse, 5, payload)
		if got, err := s.open(typResponse, 5, good); err != nil || !bytes.Equal(got, payload) {
			t.Errorf("after a message %s the true one is refused: %v", name, err)
		}
	}
}

func TestSecretPrintsNothing(t *testing.T) {
	key := []byte("0123456789abcdef")
	secret, err := NewSecret(key)
	if err != nil {
		t.Fatal(err)
	}
	nested := struct{ inner struct{ pairing Secret } }{}
	nested.inner.pairing = secret
	encoded, err := json.Marshal(map[string]any{"k": secret})
	if err != nil {
		t.Fatal(err)
	}
	out := string(encoded) + secret.String() + secret.GoString()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		out += fmt.Sprintf(verb, secret) + fmt.Sprintf(verb, nested) + fmt.Sprintf(verb, Options{Pairing: secret})
	}
	for _, leak := range []string{"0123", hex.EncodeToString(key[:4]), "48 49 50", "0x30"} {
		if strings.Contains(out, leak) {
			t.Errorf("%q is in %q", leak, out)
		}
	}
	secret.Wipe()
	if *secret.key() != [16]byte{} {
		t.Error("Wipe leaves the key")
	}
	if _, err := NewSecret(key[:15]); err == nil || strings.Contains(err.Error(), "0123") {
		t.Errorf("short key: %v", err)
	}
}

func TestConfigTellsEveryProblem(t *testing.T) {
	good := Config{Driver: "pedlink", Path: "/dev/ttyS0", Baud: 115200}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	err := Config{Driver: "other", Path: "tty", Baud: 110}.Validate()
	for _, word := range []string{"driver", "path", "baud"} {
		if err == nil || !strings.Contains(err.Error(), word+":") {
			t.Errorf("%s is not named in %v", word, err)
		}
	}
}

func TestSessionThatIsUsedUpEndsTheLine(t *testing.T) {
	for name, s := range map[string]session{"sent": {sent: sessionPayloads}, "received": {received: sessionPayloads}} {
		onLine(name, t, func(t *testing.T, l *link, p *peer) {
			l.secure(&s)
			if r := <-call(l, "ask"); !errors.Is(r.err, ErrAbsent) || l.isAlive() {
				t.Errorf("error %v", r.err)
			}
		})
	}
}
