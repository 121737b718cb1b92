package keying

import (
	"bytes"
	"encoding/hex"
	"os/exec"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A second opinion: stock openssl computes the same. It is needed for the tests of this package.

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

func openssl(t fataler, input []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("openssl", args...)
	cmd.Stdin = bytes.NewReader(input)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("openssl %s: %v: %s", args[0], err, complaint.String())
	}
	return out
}

// stockCipher names the key's cipher and its key as openssl knows them; DES is 3DES with one key three times, which
// needs no legacy provider.
func stockCipher(k Key) (name, digits string) {
	digits = hex.EncodeToString(k.Reveal())
	switch {
	case k.alg == DES:
		return "des-ede3", digits + digits + digits
	case k.alg == TDES && k.Len() == 16:
		return "des-ede3", digits + digits[:16]
	case k.alg == TDES:
		return "des-ede3", digits
	case k.alg == SM4:
		return "sm4", digits
	}
	return map[int]string{16: "aes-128", 24: "aes-192", 32: "aes-256"}[k.Len()], digits
}

func stockECB(t fataler, k Key, data []byte) []byte {
	t.Helper()
	name, digits := stockCipher(k)
	return openssl(t, data, "enc", "-"+name+"-ecb", "-nopad", "-K", digits)
}

func stockCMAC(t fataler, k Key, data []byte) []byte {
	t.Helper()
	name, digits := stockCipher(k)
	text := openssl(t, data, "mac", "-cipher", name+"-cbc", "-macopt", "hexkey:"+digits, "CMAC")
	sum, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatalf("openssl mac: %s", text)
	}
	return sum
}

func stockCBC(t fataler, k Key, start, data []byte, more ...string) []byte {
	t.Helper()
	name, digits := stockCipher(k)
	args := append([]string{"enc", "-" + name + "-cbc", "-nopad", "-K", digits, "-iv", hex.EncodeToString(start)}, more...)
	return openssl(t, data, args...)
}

func drawKey(t *rapid.T, algs ...Algorithm) Key {
	alg := rapid.SampledFrom(algs).Draw(t, "algorithm")
	n := rapid.SampledFrom(lengths[alg]).Draw(t, "length")
	k, err := NewKey(alg, rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "key"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestStockCheckValues(t *testing.T) {
	for _, c := range checkValues {
		k := key(t, c.alg, c.key)
		size := 8
		if c.alg == AES || c.alg == SM4 {
			size = 16
		}
		want := unhex(t, c.want)
		got := stockECB(t, k, make([]byte, size))
		if c.method == CodeMAC {
			got = stockCMAC(t, k, make([]byte, size))
		}
		if !bytes.HasPrefix(got, want) {
			t.Errorf("%s: openssl says %X", c.name, got)
		}
	}
	k := key(t, AES, "404142434445464748494A4B4C4D4E4F")
	got, err := KCV(GlobalPlatform, k)
	must(t, err)
	if want := stockECB(t, k, bytes.Repeat([]byte{1}, 16)); !bytes.Equal(got, want[:3]) {
		t.Errorf("GlobalPlatform: %X, openssl says %X", got, want[:3])
	}
}

func TestStockCiphersAndMACs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := drawKey(t, DES, TDES, AES, SM4)
		data := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "data")
		got, err := k.Encrypt(data)
		if err != nil || !bytes.Equal(got, stockECB(t, k, data)) {
			t.Fatalf("ECB with %v of %d bytes: %X, %v", k.alg, k.Len(), got, err)
		}
		back, err := k.Decrypt(got)
		if err != nil || !bytes.Equal(back, data) {
			t.Fatalf("ECB does not come back: %v", err)
		}
		if k.alg == DES {
			return
		}
		message := rapid.SliceOfN(rapid.Byte(), 0, 70).Draw(t, "message")
		m, err := NewCMAC(k)
		if err != nil || !bytes.Equal(m.Sum(message), stockCMAC(t, k, message)) {
			t.Fatalf("CMAC with %v of %d bytes: %v", k.alg, k.Len(), err)
		}
	})
}

func TestStockMAC(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := drawKey(t, DES, TDES, AES, SM4)
		message := rapid.SliceOfN(rapid.Byte(), 1, 60).Draw(t, "message")
		got, err := k.MAC(message)
		if err != nil {
			t.Fatal(err)
		}
		if want := stockMAC(t, k, message); !bytes.Equal(got, want) {
			t.Fatalf("MAC %X, openssl says %X", got, want)
		}
	})
	if _, err := (Key{}).MAC([]byte("message")); err == nil {
		t.Error("no key makes a MAC")
	}
}

// stockMAC is, with DES keys, X9.19: CBC with the first of them, and 3DES for the last block.
func stockMAC(t fataler, k Key, message []byte) []byte {
	t.Helper()
	if k.alg == AES || k.alg == SM4 {
		return stockCMAC(t, k, message)[:8]
	}
	padded := append(bytes.Clone(message), make([]byte, (8-len(message)%8)%8)...)
	body, last := padded[:len(padded)-8], padded[len(padded)-8:]
	state := make([]byte, 8)
	if len(body) > 0 {
		all := stockCBC(t, own(DES, k.Reveal()[:8]), state, body)
		state = all[len(all)-8:]
	}
	return stockCBC(t, k, state, last)
}

// A key block is opened with nothing but openssl: derive, decrypt, compare the MAC.
func TestStockOpensKeyBlocks(t *testing.T) {
	for _, c := range []struct {
		version   byte
		alg       Algorithm
		key       string
		codes     byte
		blockSize int
	}{
		{'B', TDES, "DD7515F2BFC17F85CE48F3CA25CB21F6", 0, 8},
		{'B', TDES, "DD7515F2BFC17F85CE48F3CA25CB21F6B8ED59E0A279A295", 1, 8},
		{'D', AES, "000102030405060708090A0B0C0D0E0F", 2, 16},
		{'D', AES, "000102030405060708090A0B0C0D0E0F1011121314151617", 3, 16},
		{'D', AES, "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6", 4, 16},
	} {
		protection, inner := key(t, c.alg, c.key), key(t, TDES, of16("C1"))
		h := Header{Version: c.version, Usage: "P0", Algorithm: 'T', Mode: 'E', KeyVersion: "00", Exportability: 'N'}
		block, err := Wrap(protection, h, inner, bytes.NewReader(make([]byte, 16)))
		must(t, err)
		derive := func(usage byte) Key {
			bits := 8 * protection.Len()
			var raw []byte
			for counter := byte(1); len(raw) < protection.Len(); counter++ {
				raw = append(raw, stockCMAC(t, protection, []byte{counter, 0, usage, 0, 0, c.codes, byte(bits >> 8), byte(bits)})...)
			}
			return own(c.alg, raw[:protection.Len()])
		}
		sealed := unhex(t, block[16:])
		payload, mac := sealed[:len(sealed)-c.blockSize], sealed[len(sealed)-c.blockSize:]
		clearText := stockCBC(t, derive(0), mac, payload, "-d")
		if !bytes.Equal(clearText[:18], append([]byte{0, 128}, inner.Reveal()...)) {
			t.Errorf("%c under %d bytes: openssl finds another key", c.version, protection.Len())
		}
		if want := stockCMAC(t, derive(1), append([]byte(block[:16]), clearText...)); !bytes.Equal(mac, want) {
			t.Errorf("%c under %d bytes: openssl makes another MAC", c.version, protection.Len())
		}
	}
}
