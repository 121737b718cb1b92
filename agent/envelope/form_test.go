package envelope

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// formSeeds are texts in form; one changed byte makes nearly every mistake of them.
var formSeeds = []string{
	`{"a":1,"b":[true,false,"x"],"c":{"d":-9007199254740991,"e":""}}`,
	`{"alg":"ed25519","pub":"AAAA"}`, `[]`, `{}`, `"x"`, `0`, `-1`, `[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]`,
	`{"payload":"e30=","payloadType":"application/x","signatures":[{"keyid":"k","sig":"AA=="}]}`,
}

// mutant is one of some seeds, with up to three bytes changed, gone or added.
func mutant(draw *rand.Rand, seeds []string, letters []byte) []byte {
	text := []byte(seeds[draw.IntN(len(seeds))])
	for range draw.IntN(4) {
		at := draw.IntN(len(text) + 1)
		c := letters[draw.IntN(len(letters))]
		switch kind := draw.IntN(3); {
		case kind == 0 && at < len(text):
			text[at] = c
		case kind == 1 && at < len(text):
			text = append(text[:at:at], text[at+1:]...)
		default:
			text = append(text[:at:at], append([]byte{c}, text[at:]...)...)
		}
	}
	return text
}

// What the quick way takes, the long way takes: it is no way round any check.
func TestInFormIsWhatCanonicalWrites(t *testing.T) {
	draw := rand.New(rand.NewPCG(5, 21))
	letters := []byte(`{}[]",:0123456789-.eEtrufalsn \<&abcd` + "\n\x7f\x1fé")
	taken := 0
	for range 200_000 {
		text := mutant(draw, formSeeds, letters)
		if !inForm(text) {
			continue
		}
		taken++
		detail, err := scan(text)
		again, err2 := inOrder(text)
		if detail != "" || err != nil || err2 != nil || !bytes.Equal(again, text) {
			t.Fatalf("%q is taken for canonical: %s %v %v %q", text, detail, err, err2, again)
		}
	}
	if taken < 1000 {
		t.Fatalf("only %d texts were in form: the test tries nothing", taken)
	}
	for _, seed := range formSeeds {
		if !inForm([]byte(seed)) && seed[0:2] != "[[" {
			t.Errorf("%s is in form and not taken", seed)
		}
	}
}
