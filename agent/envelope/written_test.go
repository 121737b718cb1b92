package envelope

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// What the quick way reads as an envelope, the long way reads as the same one, and
// it is what the long way writes.
func TestWrittenIsWhatTheLongWayReads(t *testing.T) {
	draw := rand.New(rand.NewPCG(5, 22))
	one, err := Seal(Type("x"), map[string]int{"a": 1}, signer(1))
	if err != nil {
		t.Fatal(err)
	}
	two, err := Seal(Type("y"), map[string]int{"b": 2}, signer(1), signer(2))
	if err != nil {
		t.Fatal(err)
	}
	nine := *one
	for range MaxSignatures {
		nine.Signatures = append(nine.Signatures, one.Signatures[0])
	}
	seeds := []string{
		string(one.marshal()), string(two.marshal()), string(nine.marshal()),
		`{"payload":"","payloadType":"","signatures":[]}`,
		`{"payload":"e30=","payloadType":"t","signatures":[{"keyid":"sm2:0123456789abcdef","sig":"AA=="}]}`,
	}
	letters := []byte(`{}[]",:=+/AQgw01 \<` + "\n\r\x7fé")
	taken := 0
	for range 10_000 {
		text := mutant(draw, seeds, letters)
		quick := written(text)
		if quick == nil {
			continue
		}
		taken++
		var w wireEnvelope
		detail, err := scan(text)
		if detail != "" || err != nil || strict(text, &w) != nil || !exact(text) || len(w.Signatures) > MaxSignatures {
			t.Fatalf("%q is taken for an envelope", text)
		}
		long, err := w.open()
		if err != nil || !reflect.DeepEqual(long, quick) || !bytes.Equal(long.marshal(), text) || !bytes.Equal(quick.Encode(), text) {
			t.Fatalf("%q is read as %+v, the long way as %+v (%v)", text, quick, long, err)
		}
	}
	if taken < 300 {
		t.Fatalf("only %d texts were taken: the test tries nothing", taken)
	}
	for i, seed := range seeds {
		if (written([]byte(seed)) == nil) != (i == 2) {
			t.Errorf("seed %d is taken the wrong way", i)
		}
	}
}

// What needs an escape is written the long way.
func TestEncodeIsOneText(t *testing.T) {
	for _, kind := range []string{"", "a", `a"b`, "a<b", "é", "a\\b", "\x7f"} {
		e := &Envelope{PayloadType: kind, Payload: []byte("{}"), Signatures: []Signature{{"ed25519:0123456789abcdef", []byte{1}}}}
		if !bytes.Equal(e.Encode(), e.marshal()) {
			t.Errorf("%q is written as %s", kind, e.Encode())
		}
	}
}

// The classes are what the expressions in the documents say.
func TestClassesAreTheirExpressions(t *testing.T) {
	draw := rand.New(rand.NewPCG(5, 23))
	classes := []struct {
		form  func(string) bool
		want  *regexp.Regexp
		seeds []string
	}{
		{idForm, regexp.MustCompile(`^[A-Za-z0-9._:/@+-]{1,64}$`), []string{"", "C-1", "a:/@+-._Z9", strings.Repeat("x", 64), strings.Repeat("y", 65)}},
		{digestForm, regexp.MustCompile(`^sha256:[0-9a-f]{64}$`), []string{string(DigestOf(nil)), "sha256:", ""}},
		{keyIDForm, regexp.MustCompile(`^(ed25519|sm2):[0-9a-f]{16}$`), []string{"ed25519:0123456789abcdef", "sm2:0123456789abcdef", ""}},
	}
	letters := []byte("aAfFgzZ09:/@+-._ \n\x00é")
	for _, c := range classes {
		yes := 0
		for range 5_000 {
			text := string(mutant(draw, c.seeds, letters))
			if c.form(text) != c.want.MatchString(text) {
				t.Fatalf("%q is taken the wrong way by %s", text, c.want)
			}
			if c.form(text) {
				yes++
			}
		}
		if yes < 300 {
			t.Errorf("only %d were of %s: the test tries nothing", yes, c.want)
		}
	}
}

// What ParseEncoded says that Encode writes is what it writes, whatever stood around and
// in the text; and it refuses what Parse refuses.
func TestParseEncodedIsParseAndEncode(t *testing.T) {
	e, err := Seal(Type("x"), map[string]int{"a": 1}, signer(1))
	if err != nil {
		t.Fatal(err)
	}
	plain := string(e.Encode())
	for _, text := range []string{
		plain, plain + "\n", strings.Replace(plain, `,"`, `, "`, 1), strings.Replace(plain, "payload", `p\u0061yload`, 1),
		plain + "x", strings.Replace(plain, `{"payload`, `{"Payload`, 1), "",
	} {
		want, wrong := Parse([]byte(text), MaxSize)
		got, encoded, err := ParseEncoded([]byte(text), MaxSize)
		if (err == nil) != (wrong == nil) || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v and %v, want %+v and %v", text, got, err, want, wrong)
		}
		if err == nil && !bytes.Equal(encoded, want.Encode()) {
			t.Errorf("%q is said to be encoded as %q", text, encoded)
		}
	}
	if _, _, err := ParseEncoded([]byte(plain), len(plain)-1); !strings.HasPrefix(CodeOf(err), "E01") {
		t.Errorf("one that is too large: %v", err)
	}
}
