package card

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func wantBytes(t *testing.T, what string, got []byte, want string) {
	t.Helper()
	if !bytes.Equal(got, unhex(t, want)) {
		t.Errorf("%s: got %x, want %s", what, got, want)
	}
}

// The key of sixteen bytes 15 has a published check value: 265A7A.
var testKey = bytes.Repeat([]byte{0x15}, 16)

func newCard(t *testing.T, options Options) *Card {
	t.Helper()
	options.Rand = rand.NewChaCha8([32]byte{5})
	options.Keys = memoryKeys{}
	k, err := NewKey(testKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := options.Keys.Put(1, k); err != nil {
		t.Fatal(err)
	}
	return New(options)
}

func TestAnswerToReset(t *testing.T) {
	for _, c := range []struct {
		options Options
		want    string
	}{
		{Options{}, "3b68 00 00 5053414d2d303031"},
		{Options{Speed: 0x13}, "3b78 13 00 00 5053414d2d303031"},
		{Options{Protocol: T1}, "3b88 81 31 20 45 5053414d2d303031 4e"},
		{Options{Protocol: T1, IFSC: 254, Speed: 0x13, Historical: []byte{}}, "3b90 13 81 31 fe 45 88"},
	} {
		card := New(c.options)
		wantBytes(t, c.want, card.Reset(), c.want)
	}
}

func TestParameterSelection(t *testing.T) {
	for _, c := range []struct {
		name, sent, want string
	}{
		{"usual speed", "ff 01 fe", "ff 01 fe"},
		{"offered speed", "ff 11 13 fd", "ff 11 13 fd"},
		{"another speed", "ff 11 95 7b", ""},
		{"another protocol", "ff 00 ff", ""},
		{"wrong check byte", "ff 01 ff", ""},
		{"nothing more", "ff", ""},
	} {
		card := newCard(t, Options{Protocol: T1, Speed: 0x13})
		wantBytes(t, c.name, card.Exchange(unhex(t, c.sent)), c.want)
	}
	card := newCard(t, Options{Protocol: T1})
	card.Exchange(unhex(t, "00 c1 01 fe 3e"))
	if got := card.Exchange(unhex(t, "ff 01 fe")); len(got) == 0 || got[1]&0xC0 != rBlock {
		t.Errorf("a PPS after the first block: %x", got)
	}
}

func TestCommands(t *testing.T) {
	for _, c := range []struct{ name, command, want string }{
		{"select", "00a4000c023f00", "9000"},
		{"select with information", "00a40000023f0000", "6f0a 8408 5053414d2d303031 9000"},
		{"select, information not wanted", "00a40000023f00", "9000"},
		{"select, too little wanted", "00a40000023f0001", "6c0c"},
		{"select another", "00a4000c023f01", "6a82"},
		{"select by name", "00a4040c023f00", "6a86"},
		{"check a key", "80ca000103", "265a7a 9000"},
		{"check a key, all there is", "80ca000100", "265a7a 9000"},
		{"check a key, too little wanted", "80ca000102", "6c03"},
		{"check a key that is not there", "80ca000203", "6a88"},
		{"check a key, nothing wanted", "80ca0001", "6700"},
		{"load a short key", "80d8000208 1111111111111111", "6a80"},
		{"load nothing", "80d80002", "6700"},
		{"delete a key that is not there", "80e40002", "6a88"},
		{"delete, with parameters", "80e40101", "6a86"},
		{"echo", "80ec000003 010203 00", "010203 9000"},
		{"class", "90ca000103", "6e00"},
		{"instruction", "80cb000103", "6d00"},
		{"challenge of a kind", "0084000108", "6a86"},
		{"no header", "0084", "6700"},
		{"long form", "00840000000100", "6700"},
		{"data missing", "80ec000003 0102", "6700"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantBytes(t, c.command, newCard(t, Options{}).APDU(unhex(t, c.command)), c.want)
		})
	}
}

func TestChallengesDiffer(t *testing.T) {
	card := newCard(t, Options{})
	one, two := card.APDU(unhex(t, "0084000008")), card.APDU(unhex(t, "0084000008"))
	if len(one) != 10 || len(two) != 10 || bytes.Equal(one, two) {
		t.Errorf("%x, then %x", one, two)
	}
}

func TestAKeyComesAndGoes(t *testing.T) {
	card := newCard(t, Options{})
	load := append(unhex(t, "80d8000710"), bytes.Repeat([]byte{0x11}, 16)...)
	for _, step := range []struct{ command, want string }{
		{hex.EncodeToString(load), "9000"},
		{"80ca000703", "82e136 9000"}, // published
		{"80e40007", "9000"},
		{"80ca000703", "6a88"},
		{"80ca000103", "265a7a 9000"},
	} {
		wantBytes(t, step.command, card.APDU(unhex(t, step.command)), step.want)
		card.Reset()
	}
}

func TestT0(t *testing.T) {
	card := newCard(t, Options{})
	for _, c := range []struct{ name, tpdu, want string }{
		{"case 1, P3 left away", "80e40009", "6a88"},
		{"case 1", "80e4000900", "6a88"},
		{"case 2", "80ca000103", "265a7a 9000"},
		{"case 2, wrong length", "80ca000100", "6c03"},
		{"case 3", "00a4000c023f00", "9000"},
		{"case 4", "00a40000023f00", "610c"},
		{"its answer, more than there is", "00c0000000", "6c0c"},
		{"its answer, a part", "00c0000004", "6f0a8408 6108"},
		{"its answer, the rest", "00c0000008", "5053414d2d303031 9000"},
		{"no answer left", "00c0000001", "6a86"},
		{"case 4 again", "80ec0000020102", "6102"},
		{"another command", "80ca000203", "6a88"},
		{"forgets the answer", "00c0000002", "6a86"},
		{"data missing", "80ec00000201", "6700"},
		{"data too many", "80ca00010301", "6700"},
		{"instruction", "80010000", "6d00"},
		{"nothing", "", "6700"},
	} {
		wantBytes(t, c.name, card.T0(unhex(t, c.tpdu)), c.want)
	}
}

func TestKeysPrintNothing(t *testing.T) {
	k, err := NewKey(testKey)
	if err != nil {
		t.Fatal(err)
	}
	text, err := k.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{
		k.String(), k.GoString(), string(text), fmt.Sprintf("%v %+v %#v %x %d %s", k, k, k, k, k, k), fmt.Sprintf("%v", filed{key: k}),
	} {
		if strings.Contains(shown, "15") || strings.Contains(shown, "21 21") {
			t.Errorf("key printed: %s", shown)
		}
	}
}
