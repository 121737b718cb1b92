package envelope

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func signer(n byte) Signer {
	return NewSigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, 32)))
}

type sample struct {
	Count int64             `json:"count"`
	Name  ID                `json:"name"`
	Note  ID                `json:"note,omitempty"`
	Sub   map[string]Digest `json:"sub"`
}

func good() sample {
	return sample{Count: 7, Name: "C-1", Sub: map[string]Digest{"a": DigestOf([]byte("a"))}}
}

func TestSealedIsReadBackAsTheSameBytes(t *testing.T) {
	e, err := Seal(Type("command"), good(), signer(1), signer(2))
	if err != nil {
		t.Fatal(err)
	}
	back, err := Parse(e.Encode(), MaxCommand)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(back.PAE(), e.PAE()) || back.Digest() != e.Digest() || len(back.Signatures) != 2 {
		t.Error("an envelope changed on its way")
	}
	if !back.SignedBy(signer(1).Public()) || !back.SignedBy(signer(2).Public()) || back.SignedBy(signer(3).Public()) {
		t.Error("SignedBy does not tell the signers")
	}
	var v sample
	if err := Decode(back.Payload, &v); err != nil {
		t.Error(err)
	}
	if err := e.Add(signer(1)); err == nil {
		t.Error("a key signed twice")
	}
}

func TestParseRefusesByCode(t *testing.T) {
	e, _ := Seal(Type("command"), good(), signer(1))
	text := string(e.Encode())
	payload := base64.StdEncoding.EncodeToString(e.Payload)
	many := strings.Replace(text, `"signatures":[`, `"signatures":[`+strings.Repeat(`{"keyid":"ed25519:0011223344556677","sig":"AA=="},`, 8), 1)
	cases := []struct{ name, text, want string }{
		{"whole", text, ""},
		{"too large", text + strings.Repeat(" ", MaxCommand), "E01:bytes"},
		{"nine signatures", many, "E01:signatures"},
		{"not JSON", "{", "E02:syntax"},
		{"empty", "", "E02:syntax"},
		{"trailing bytes", text + "x", "E02:trailing-bytes"},
		{"second document", text + text, "E02:trailing-bytes"},
		{"duplicate member", strings.Replace(text, `"payload":`, `"payload":"","payload":`, 1), "E02:duplicate-member"},
		{"escaped duplicate", strings.Replace(text, `"payload":`, `"p\u0061yload":"","payload":`, 1), "E02:duplicate-member"},
		{"case variant", strings.Replace(text, `"payload":`, `"PAYLOAD":`, 1), "E02:shape"},
		{"unknown member", strings.Replace(text, `"payload":`, `"x":1,"payload":`, 1), "E02:shape"},
		{"deep", strings.Repeat("[", 40) + strings.Repeat("]", 40), "E02:syntax"},
		{"url alphabet", strings.Replace(text, payload, strings.TrimRight(payload, "=")+"_", 1), "E02:base64"},
		{"unpadded", strings.Replace(text, payload, payload+"A", 1), "E02:base64"},
		{"array", "[]", "E02:shape"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse([]byte(c.text), MaxCommand)
			if got := CodeOf(err); got != c.want {
				t.Errorf("got %q (%v), want %q", got, err, c.want)
			}
		})
	}
}

func TestDecodeRefusesEveryOtherSpelling(t *testing.T) {
	text, err := Canonical(good())
	if err != nil {
		t.Fatal(err)
	}
	s := string(text)
	cases := []struct{ name, text, want string }{
		{"canonical", s, ""},
		{"duplicate", strings.Replace(s, `"count":7`, `"count":1,"count":7`, 1), "E06:duplicate-member"},
		{"case variant beside it", strings.Replace(s, `"count":7`, `"COUNT":9,"count":7`, 1), "E06:not-canonical"},
		{"case variant alone", strings.Replace(s, `"count":7`, `"Count":7`, 1), "E06:not-canonical"},
		{"unknown", strings.Replace(s, `"count":7`, `"count":7,"kount":7`, 1), "E06:unknown-member"},
		{"missing", strings.Replace(s, `"count":7,`, ``, 1), "E06:not-canonical"},
		{"empty optional", strings.Replace(s, `"sub"`, `"note":"","sub"`, 1), "E06:wrong-class"},
		{"null", strings.Replace(s, `"count":7`, `"count":null`, 1), "E06:not-canonical"},
		{"float", strings.Replace(s, `7`, `7.0`, 1), "E06:wrong-class"},
		{"exponent", strings.Replace(s, `7`, `1e3`, 1), "E06:wrong-class"},
		{"minus zero", strings.Replace(s, `7`, `-0`, 1), "E06:not-canonical"},
		{"too large", strings.Replace(s, `7`, `9007199254740992`, 1), "E06:wrong-class"},
		{"space", s + " ", "E06:not-canonical"},
		{"trailing", s + "{}", "E06:trailing-bytes"},
		{"order", `{"name":"C-1","count":7,"sub":{}}`, "E06:not-canonical"},
		{"class", strings.Replace(s, `C-1`, `C 1`, 1), "E06:wrong-class"},
		{"long id", strings.Replace(s, `C-1`, strings.Repeat("x", 65), 1), "E06:wrong-class"},
		{"escape", strings.Replace(s, `C-1`, `\u0043-1`, 1), "E06:not-canonical"},
		{"surrogate", strings.Replace(s, `C-1`, `\ud800`, 1), "E06:wrong-class"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var v sample
			if got := CodeOf(Decode([]byte(c.text), &v)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestCanonicalRefusesWhatItCannotKeep(t *testing.T) {
	for name, v := range map[string]any{
		"null": map[string]any{"a": nil}, "float": map[string]any{"a": 1.5}, "big": map[string]any{"a": int64(1) << 53},
		"quote": map[string]any{"a": `"`}, "markup": map[string]any{"a": "<b>"}, "line": map[string]any{"a": "x\ny"},
		"umlaut": map[string]any{"a": "ü"}, "bad id": struct{ A ID }{"a b"}, "bad digest": struct{ A Digest }{"sha256:00"},
		"bad key id": struct{ A KeyID }{"rsa:00"}, "bad masked": struct{ A Masked }{"6222021234567890123"}, "bad recipient": struct{ A Recipient }{"age2x"},
	} {
		if out, err := Canonical(v); err == nil {
			t.Errorf("%s was encoded as %s", name, out)
		}
	}
}

func TestWhatIsEncodedDecodesToTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := sample{
			Count: rapid.Int64Range(-(1<<53-1), 1<<53-1).Draw(t, "count"),
			Name:  ID(rapid.StringMatching(`[A-Za-z0-9._:/@+-]{1,64}`).Draw(t, "name")),
			Sub:   map[string]Digest{rapid.StringMatching(`[a-z]{1,8}`).Draw(t, "k"): DigestOf([]byte("x"))},
		}
		text, err := Canonical(v)
		if err != nil {
			t.Fatal(err)
		}
		var back sample
		if err := Decode(text, &back); err != nil || back.Count != v.Count || back.Name != v.Name {
			t.Fatalf("%s came back differently: %v", text, err)
		}
	})
}

// A second opinion: stock openssl verifies a signature over the PAE bytes.
func TestOpensslVerifies(t *testing.T) {
	e, _ := Seal(Type("command"), good(), signer(1))
	dir := t.TempDir()
	der := append([]byte{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00}, signer(1).Public().Pub...)
	for name, b := range map[string][]byte{"pae": e.PAE(), "sig": e.Signatures[0].Sig, "key.der": der} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der", "-rawin", "-in", "pae", "-sigfile", "sig")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("openssl does not verify: %v %s", err, out)
	}
}

func TestEveryCodeIsToldInBothLanguages(t *testing.T) {
	fullyTold(t, append(slices.Clone(Codes), details...))
	for _, list := range placed {
		fullyTold(t, list)
	}
	if m, ok := MeaningOf("E05:missing-role"); !ok || m.Name != "threshold_not_met" {
		t.Error("a code with a detail does not find its meaning")
	}
	if m, ok := MeaningOf("E26:all-gone"); !ok || m.Name != "ledger_all_gone" {
		t.Error("a detail with a meaning of its own does not find it")
	}
}

// The words of a place are taken where it has some; those of a detail before the bare
// ones of a place; everywhere else those of the code.
func TestTheWordsAreOfThePlace(t *testing.T) {
	for _, c := range []struct {
		at         Place
		code, next string
	}{
		{AtTerminal, "E04", "Ask the desk's operator for the newer trust bundles"},
		{AtDesk, "E04", "Have it signed with keys that the trust in force names"},
		{AtVerify, "E04", "Give every bundle"},
		{AtDesk, "E28:profile", "Take one of those that are named"},
		{AtDesk, "E28:case", "Check the name"},
		{AtTerminal, "E28:case", "See what runs here"},
		{AtDesk, "E28:certificate", "Check the name"},
		{AtDesk, "E17:profile", "Issue it as the profile allows"},
		{AtDesk, "E04:unsigned", "Have it signed by the people"},
		{AtVerify, "E04:unsigned", "It proves nothing"},
		{AtEnrolment, "E04:unsigned", "Nothing was bound"},
		{AtEnrolment, "E05:same-holder", "Nothing was bound"},
		{AtDesk, "E05:same-holder", "Let another person sign"},
		{AtPlan, "E17:inventory", "Add the folder that is named to erase.roots"},
		{AtEnrolment, "E17:profile", "Nothing was bound"},
	} {
		if m, ok := MeaningAt(c.at, c.code); !ok || !strings.HasPrefix(m.Next(English), c.next) {
			t.Errorf("%s at %q: %q", c.code, c.at, m.Next(English))
		}
	}
	for at, list := range placed {
		for _, m := range list {
			if everywhere, ok := MeaningOf(m.Code); !ok || everywhere.Next(English) == m.Next(English) {
				t.Errorf("%s at %q: the words of the place are those of the code, or there is no such code", m.Code, at)
			}
		}
	}
	if _, ok := MeaningAt(AtDesk, "E99"); ok {
		t.Error("a code that is not there has a meaning")
	}
}

func fullyTold(t *testing.T, all []Meaning) {
	t.Helper()
	seen := map[string]bool{}
	for _, m := range all {
		if seen[m.Code] || m.Name == "" || m.Sentence(English) == "" || m.Next(English) == "" ||
			m.Sentence(Chinese) == m.Sentence(English) || m.Next(Chinese) == m.Next(English) {
			t.Errorf("%s is not fully told", m.Code)
		}
		seen[m.Code] = true
	}
}

func TestRefusalKeepsItsCause(t *testing.T) {
	cause := errors.New("cause")
	r := Refuse("E02", "x", "cannot y: %w", cause)
	if !errors.Is(r, cause) || r.Full() != "E02:x" || !strings.Contains(r.Error(), "[E02:x]") {
		t.Errorf("a refusal lost something: %v", r)
	}
}

func FuzzParse(f *testing.F) {
	e, _ := Seal(Type("command"), good(), signer(1))
	f.Add(e.Encode())
	f.Add([]byte(`{"payload":"","payloadType":"","signatures":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := Parse(text, MaxSize)
		if err != nil {
			return
		}
		again, err := Parse(e.Encode(), MaxSize)
		if err != nil || again.Digest() != e.Digest() {
			t.Fatalf("what was parsed does not parse again: %v", err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	text, _ := Canonical(good())
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		var v sample
		if Decode(text, &v) != nil {
			return
		}
		if again, err := Canonical(v); err != nil || !bytes.Equal(again, text) {
			t.Fatalf("decoded, but not canonical: %q", text)
		}
	})
}
