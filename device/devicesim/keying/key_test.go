package keying

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestKeysPrintNothing(t *testing.T) {
	k := key(t, TDES, of16("4B"))
	wrapped := struct{ inner Key }{k}
	text, err := json.Marshal(map[string]any{"key": k})
	must(t, err)
	for _, s := range []string{
		k.String(), k.GoString(), string(text), printed(k), printed(wrapped), printed(&wrapped), printed([]Key{k}),
	} {
		for _, trace := range []string{"4b4b", "4B4B", "KKKK", "75 75"} {
			if strings.Contains(s, trace) {
				t.Fatal("a key was printed")
			}
		}
	}
}

// printed is a value under every verb that could tell bytes.
func printed(v any) string {
	var all []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%X", "%s", "%q", "%d"} {
		all = append(all, fmt.Sprintf(verb, v))
	}
	return strings.Join(all, " ")
}

func TestKeyLengthsBelongToAlgorithms(t *testing.T) {
	fits := map[Algorithm]string{DES: "8", TDES: "16 24", AES: "16 24 32", SM4: "16", 0: "", 5: ""}
	for alg, sizes := range fits {
		for n := range 40 {
			_, err := NewKey(alg, make([]byte, n))
			if want := n > 0 && strings.Contains(" "+sizes+" ", fmt.Sprintf(" %d ", n)); (err == nil) != want {
				t.Errorf("%v of %d bytes: %v", alg, n, err)
			}
		}
	}
}

func TestDestroyedKeyIsGone(t *testing.T) {
	raw := unhex(t, of16("4B"))
	k, err := NewKey(AES, raw)
	must(t, err)
	raw[0] = 0
	copied := k
	if k.Reveal()[0] != 0x4B {
		t.Error("the key shares the bytes it was made of")
	}
	k.Destroy()
	if strings.Trim(string(copied.Reveal()), "\x00") != "" {
		t.Error("a copy is left")
	}
	if copied.Equal(key(t, AES, of16("4B"))) || k.Equal(key(t, SM4, of16("00"))) {
		t.Error("compared wrongly")
	}
	Key{}.Destroy()
}
