package keys

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestSecretPrintsNothing(t *testing.T) {
	secret := NewSecret([]byte("swordfish"))
	type holder struct {
		Open   Secret
		hidden Secret
	}
	s, _ := mustCreate(t)
	_ = s.SetPairing(secret)
	values := []any{secret, &secret, []Secret{secret}, holder{secret, secret}, &holder{secret, secret}, s}
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%b", "%c", "%U", "%t"} {
			printed := fmt.Sprintf(verb, v)
			for _, leak := range []string{"swordfish", "73776f7264", "115 119 111", "73 77 6F", "U+0073", "0x73, 0x77"} {
				if strings.Contains(strings.ToLower(printed), strings.ToLower(leak)) {
					t.Errorf("%s of %T shows the secret", verb, v)
				}
			}
		}
	}
	if encoded, err := json.Marshal(holder{Open: secret}); err != nil || string(encoded) != `{"Open":""}` {
		t.Errorf("as JSON: %s, %v", encoded, err)
	}
	if text, err := secret.MarshalText(); err != nil || len(text) != 0 {
		t.Errorf("as text: %q, %v", text, err)
	}
	if secret.String() != "" || secret.GoString() != "" {
		t.Error("a string of it is not empty")
	}
}

func TestSecretOwnsItsBytes(t *testing.T) {
	outside := []byte{1, 2, 3}
	secret := NewSecret(outside)
	clear(outside)
	if !secret.Equal(NewSecret([]byte{1, 2, 3})) {
		t.Fatal("the secret shares the caller's bytes")
	}
	other := secret
	other.Wipe()
	if !secret.Equal(NewSecret([]byte{0, 0, 0})) {
		t.Fatal("wiping a copy left the original")
	}
	var none Secret
	none.Wipe()
	if none.Len() != 0 || none.Bytes() != nil {
		t.Fatal("the zero secret is not empty")
	}
}

// A daemon opens keys for years, and the kernel gives a process some 65,000
// mappings: secrets that were wiped must not stay one each.
func TestWipedSecretsShareTheirMapping(t *testing.T) {
	mappings := func() int {
		text, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(text, []byte("\n"))
	}
	const many = 3_000
	before := mappings()
	for range many {
		s := NewSecret([]byte("swordfish"))
		s.Wipe()
		s.Wipe() // once more changes nothing
		if !bytes.Equal(s.Bytes(), make([]byte, 9)) {
			t.Fatal("a wiped secret does not read as zeros")
		}
	}
	if grown := mappings() - before; grown > many/10 {
		t.Errorf("%d mappings more after %d secrets were wiped", grown, many)
	}
}
