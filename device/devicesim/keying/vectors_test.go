package keying

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	must(t, err)
	return b
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// key makes a key of hexadecimal digits.
func key(t testing.TB, alg Algorithm, text string) Key {
	t.Helper()
	k, err := NewKey(alg, unhex(t, text))
	must(t, err)
	return k
}

func same(t *testing.T, what string, got []byte, want string) {
	t.Helper()
	if !bytes.Equal(got, unhex(t, want)) {
		t.Errorf("%s: %X, not %s", what, got, want)
	}
}

func of16(b string) string { return strings.Repeat(b, 16) }

var checkValues = []struct {
	name, key string
	alg       Algorithm
	method    Method
	want      string
}{
	{"3DES of 15", of16("15"), TDES, ZeroBlockLong, "265A7ABF"},
	{"3DES of 17", of16("17"), TDES, ZeroBlockLong, "3ADEBBE0"},
	{"3DES of 11", of16("11"), TDES, ZeroBlockLong, "82E13665"},
	{"3DES of 25", of16("25"), TDES, ZeroBlockLong, "C335C9D8"},
	{"DES of 13", strings.Repeat("13", 8), DES, ZeroBlockLong, "A8B7B5BD"},
	{"DES 0123456789ABCDEF", "0123456789ABCDEF", DES, ZeroBlockLong, "D5D44FF7"},
	{"SM4 of 1F", of16("1F"), SM4, ZeroBlockLong, "594F262E"},
	{"SM4 of 21", of16("21"), SM4, ZeroBlockLong, "6CD76C59"},
	{"SM4 of 27", of16("27"), SM4, ZeroBlockLong, "933875D7"},
	{"SM4 of 2D", of16("2D"), SM4, ZeroBlockLong, "2E368F3C"},
	{"SM4 of 33", of16("33"), SM4, ZeroBlockLong, "A43FDDA6"},
	{"initial key of X9.24-1", "6AC292FAA1315B4D858AB3A3D7D5933A", TDES, ZeroBlock, "AF8C07"},
	{"AES of RFC 4493, CMAC", "2b7e151628aed2a6abf7158809cf4f3c", AES, CodeMAC, "7AD386C376"},
	{"AES of RFC 4493, zero block", "2b7e151628aed2a6abf7158809cf4f3c", AES, ZeroBlock, "7DF76B"},
}

func TestCheckValues(t *testing.T) {
	for _, c := range checkValues {
		got, err := KCV(c.method, key(t, c.alg, c.key))
		must(t, err)
		same(t, c.name, got, c.want)
	}
}

func TestCheckValueMethodsBelongToAlgorithms(t *testing.T) {
	for _, c := range []struct {
		method Method
		alg    Algorithm
		size   int
	}{
		{CodeMAC, DES, 8}, {CodeMAC, SM4, 16}, {GlobalPlatform, TDES, 16}, {GlobalPlatform, SM4, 16},
		{ZeroBlockLong, AES, 16}, {0, AES, 16}, {9, TDES, 24},
	} {
		if got, err := KCV(c.method, key(t, c.alg, strings.Repeat("5A", c.size))); err == nil {
			t.Errorf("%v of %v: %X", c.method, c.alg, got)
		}
	}
	if _, err := KCV(ZeroBlock, Key{}); err == nil {
		t.Error("no key has a check value")
	}
}

func TestCMAC(t *testing.T) {
	message := unhex(t, "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
	m, err := NewCMAC(key(t, AES, "2b7e151628aed2a6abf7158809cf4f3c"))
	must(t, err)
	for n, want := range map[int]string{ // RFC 4493
		0:  "bb1d6929e95937287fa37d129b756746",
		16: "070a16b46b4d4144f79bdd9dd04a287c",
		40: "dfa66747de9ae63030ca32611497c827",
		64: "51f0bebf7e3b9d92fc49741779363cfe",
	} {
		same(t, "RFC 4493", m.Sum(message[:n/2], message[n/2:n]), want)
	}
}

// A terminal master key under the transport key, and a working key under a master key, as published for Chinese
// readers.
func TestKeysUnderTheirMasterKey(t *testing.T) {
	for _, c := range []struct {
		name           string
		alg            Algorithm
		under, working string
		want           string
	}{
		{"3DES", TDES, of16("13"), of16("17"), strings.Repeat("E14647E8A135061A", 2)},
		{"SM4", SM4, of16("21"), of16("2D"), "444E8D2A2AAA91B4AD479478E67D7175"},
	} {
		master, working := key(t, c.alg, c.under), key(t, c.alg, c.working)
		cryptogram, err := master.Carry(working)
		must(t, err)
		same(t, c.name, cryptogram, c.want)
		got, err := master.Receive(c.alg, cryptogram)
		must(t, err)
		if !got.Equal(working) {
			t.Errorf("%s: another key was received", c.name)
		}
	}
	long := key(t, TDES, strings.Repeat("31", 24))
	if _, err := key(t, AES, of16("31")).Carry(long); err == nil {
		t.Error("24 bytes are no whole blocks of AES")
	}
}

func TestInitialKeys(t *testing.T) {
	base := key(t, TDES, "0123456789ABCDEFFEDCBA9876543210")
	initial, err := InitialKey(base, KSN(unhex(t, "FFFF9876543210E00000")))
	must(t, err)
	same(t, "X9.24-1", initial.Reveal(), "6AC292FAA1315B4D858AB3A3D7D5933A")

	baseAES := key(t, AES, "FEDCBA9876543210F1F1F1F1F1F1F1F1")
	initial, err = InitialKeyAES(baseAES, KSNAES(unhex(t, "123456789012345600000000")))
	must(t, err)
	same(t, "X9.24-3", initial.Reveal(), "1273671EA26AC29AFA4D1084127652A1")
}

var keyBlocks = []struct{ name, protection, key, block string }{
	{"X9.143, version B", "DD7515F2BFC17F85CE48F3CA25CB21F6", "3F419E1CB7079442AA37474C2EFBF8B8",
		"B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E"},
	{"X9.143, version B with a KSN", "1D22BF32387C600AD97F9B97A51311AC", "E8BC63E5479455E26577F715D587FE68",
		"B0104B0TX12S0100KS1800604B120F9292800000BB68BE8680A400D9191AD4ECE45B6E6C0D21C4738A52190E248719E24B433627"},
	{"X9.143, version D", "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6", "3F419E1CB7079442AA37474C2EFBF8B8",
		"D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34"},
	{"version B of another maker", "AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBB", "CCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD",
		"B0096M3TC00E0000D578DACC2286C7D10F20DEA88799CA8A2F44E0CC21226A2158D5DC8FD5C78E621327DA956C678808"},
	{"version B of another maker, under 24 bytes", "AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCC", "CCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD",
		"B0096M3TC00E0000C7C6FE86A5DE769C20DCA238C52341378B484D544A9764D43963C3B2824AE56C2D07A565DD3AB342"},
}

func protectionKey(t testing.TB, block, text string) Key {
	if block[0] == 'B' {
		return key(t, TDES, text)
	}
	return key(t, AES, text)
}

func TestPublishedKeyBlocks(t *testing.T) {
	for _, c := range keyBlocks {
		_, k, err := Unwrap(protectionKey(t, c.block, c.protection), c.block)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		same(t, c.name, k.Reveal(), c.key)
	}
	h, _, err := Unwrap(key(t, TDES, keyBlocks[1].protection), keyBlocks[1].block)
	must(t, err)
	if len(h.Blocks) != 1 || h.Blocks[0] != (OptionalBlock{"KS", "00604B120F9292800000"}) || h.KeyVersion != "12" || h.Exportability != 'S' {
		t.Errorf("header %+v", h)
	}
}

// With the published pad, wrapping gives the published block.
func TestWrappingGivesThePublishedBlock(t *testing.T) {
	c := keyBlocks[2]
	h, _, err := ParseHeader(c.block)
	must(t, err)
	got, err := Wrap(key(t, AES, c.protection), h, key(t, AES, c.key), bytes.NewReader(unhex(t, "1C2965473CE206BB855B01533782")))
	must(t, err)
	if got != c.block {
		t.Errorf("block %s", got)
	}
}
