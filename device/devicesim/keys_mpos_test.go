package devicesim

import (
	"bytes"
	"encoding/hex"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mposFixture loads the keys of the golden conversation, and the same TAK under each other TMK.
func mposFixture(t *testing.T, s *Sim) *mposHost {
	t.Helper()
	h := newMposHost(t, s)
	h.replay("delete-all", "load-tlk", "load-tmk", "load-tmk-under-tlk", "load-tmk-sm4", "load-tmk-aes",
		"load-tak", "load-tdk", "load-tpk-sm4", "load-dukpt")
	return h
}

// fixtureSlots are the slots of mposFixture but the TLK.
var fixtureSlots = []uint16{0x0106, 0x0202, 0x0301, 0x0402, 0x0403, 0x0404, 0x0405, 0x0601}

func master(alg, index byte, key []byte, parent byte, kcv []byte) []byte {
	data := append(appendLL([]byte{alg, index}, key), parent)
	return appendLL(data, kcv)
}

func working(kind, tmk, index byte, key, kcv []byte, mode byte) []byte {
	return append(appendLL(appendLL([]byte{kind, tmk, index}, key), kcv), mode)
}

func TestMposBadData(t *testing.T) {
	h := mposFixture(t, startMpos(t, newMposReader(t)))
	key, zero, eight := bytes.Repeat([]byte{0x11}, 16), make([]byte, 4), make([]byte, 8)
	for _, c := range []struct {
		what string
		rc   mposResult
		cmd  mposCommand
		data []byte
	}{
		{"an unknown command", rcUnknown, 0x1A01, nil},
		{"SERIAL with data", rcMalformed, mposSerial, []byte{1}},
		{"RESTART with data", rcMalformed, mposRestart, []byte{0}},
		{"nothing to load", rcMalformed, mposLoadMaster, nil},
		{"algorithm 5", rcMalformed, mposLoadMaster, master(5, 2, key, parentNone, zero)},
		{"another length than the algorithm's", rcMalformed, mposLoadMaster, master(4, 2, key[:8], parentNone, zero)},
		{"AES of 32 bytes", rcMalformed, mposLoadMaster, master(3, 2, append(key, key...), parentNone, zero)},
		{"an unknown parent", rcMalformed, mposLoadMaster, master(2, 2, key, 2, zero)},
		{"a KCV of 3 bytes", rcMalformed, mposLoadMaster, master(2, 2, key, parentNone, zero[:3])},
		{"no whole blocks under the TLK", rcMalformed, mposLoadMaster, master(2, 2, key[:9], parentTLK, zero)},
		{"something left over", rcMalformed, mposLoadMaster, append(master(2, 2, key, parentNone, zero), 0)},
		{"TMK 11", rcNoIndex, mposLoadMaster, master(2, 11, key, parentNone, zero)},
		{"TMK 0", rcNoIndex, mposLoadMaster, master(2, 0, key, parentNone, zero)},
		{"a TLK under the TLK", rcRefused, mposLoadMaster, master(2, 1, key, parentTLK, zero)},
		{"a wrong KCV", rcRefused, mposLoadMaster, master(2, 2, key, parentNone, []byte{1, 2, 3, 4})},
		{"a length that is no number", rcMalformed, mposLoadMaster, append([]byte{2, 2, 0x00, 0x1A}, key...)},
		{"kind 7", rcMalformed, mposWorkingKey, working(7, 2, 1, key, zero, modeTell)},
		{"kind 0", rcMalformed, mposWorkingKey, working(0, 2, 1, key, zero, modeTell)},
		{"a TMK as a working key", rcMalformed, mposWorkingKey, working(mposTMK, 2, 2, key, zero, modeLoad)},
		{"mode 1", rcRefused, mposWorkingKey, working(mposTAK, 2, 1, key, zero, modeUnexplained)},
		{"mode 3", rcMalformed, mposWorkingKey, working(mposTAK, 2, 1, key, zero, 3)},
		{"TAK 201", rcNoIndex, mposWorkingKey, working(mposTAK, 2, 201, key, zero, modeLoad)},
		{"KCV of TPK 0", rcNoIndex, mposWorkingKey, working(mposTPK, 0, 0, nil, nil, modeTell)},
		{"under TMK 1", rcNoIndex, mposWorkingKey, working(mposTAK, 1, 1, key, zero, modeLoad)},
		{"half a block", rcMalformed, mposWorkingKey, working(mposTAK, 2, 1, key[:12], zero, modeLoad)},
		{"a KCV of 8 bytes that differs", rcRefused, mposWorkingKey, working(mposTAK, 2, 1, key, append([]byte{9}, eight[1:]...), modeLoad)},
		{"decrypting", rcRefused, mposCrypt, appendLL([]byte{6, 1}, key)},
		{"no whole blocks to encrypt", rcMalformed, mposCrypt, appendLL([]byte{6, 0}, key[:9])},
		{"TDK 201", rcNoIndex, mposCrypt, appendLL([]byte{201, 0}, key)},
		{"a MAC over nothing", rcMalformed, mposMAC, appendLL([]byte{1}, nil)},
		{"TAK 0", rcNoIndex, mposMAC, appendLL([]byte{0}, key)},
		{"a KSN of 8 bytes", rcMalformed, mposLoadDUKPT, appendLL(appendLL([]byte{1}, eight), key)},
		{"DUKPT 11", rcNoIndex, mposLoadDUKPT, appendLL(appendLL([]byte{11}, make([]byte, 10)), key)},
		{"KSN of DUKPT 0", rcNoIndex, mposNextKSN, []byte{0}},
		{"KSN of nothing", rcMalformed, mposNextKSN, nil},
	} {
		t.Run(c.what, func(t *testing.T) {
			h.t = t
			h.want(c.rc, "", c.cmd, c.data...)
		})
	}
	h.t = t
	for _, slot := range fixtureSlots {
		if !h.has(slot) {
			t.Errorf("slot %04X lost its key", slot)
		}
	}
}

func TestMposKeysThatAreNotThere(t *testing.T) {
	h := newMposHost(t, startMpos(t, newMposReader(t)))
	h.replay("delete-all")
	key, zero := make([]byte, 16), make([]byte, 4)
	h.want(rcOK, "47", mposWorkingKey, working(mposTAK, 9, 1, key, zero, modeLoad)...)
	h.want(rcOK, "47", mposCrypt, appendLL([]byte{1, 0}, key)...)
	h.want(rcOK, "47", mposMAC, appendLL([]byte{1}, key)...)
	h.want(rcOK, "47", mposNextKSN, 1)
	for kind, k := range mposKinds {
		if kind != mposTLK && h.has(uint16(kind)<<8|uint16(k.last)) {
			t.Errorf("kind %d, the last index: there is a key", kind)
		}
	}
}

// Who replaces a key takes away what came under it.
func TestMposReplacedParentTakesItsKeys(t *testing.T) {
	s := startMpos(t, newMposReader(t))
	h := mposFixture(t, s)
	h.replay("load-tmk")
	for slot, want := range map[uint16]bool{0x0106: false, 0x0301: false, 0x0202: true, 0x0402: true, 0x0403: true} {
		if h.has(slot) != want {
			t.Errorf("TMK replaced: slot %04X is there: %v", slot, !want)
		}
	}
	key := bytes.Repeat([]byte{0x44}, 16)
	h.want(rcOK, string(keyDone)+string(unhex("0004"))+opensslKCV(t, "des-ede", key)+"\x02",
		mposWorkingKey, working(mposTPK, 3, 9, openssl(t, "des-ede", bytes.Repeat([]byte{0x17}, 16), key), make([]byte, 4), modeLoad)...)
	h.replay("load-tlk") // TMK 3 came under the TLK, and TPK 9 under TMK 3
	for slot, want := range map[uint16]bool{0x0403: false, 0x0209: false, 0x0402: true, 0x0404: true} {
		if h.has(slot) != want {
			t.Errorf("TLK replaced: slot %04X is there: %v", slot, !want)
		}
	}
}

func TestMposBlockedAndExhaustedKeys(t *testing.T) {
	s := startMpos(t, newMposReader(t))
	h := mposFixture(t, s)
	must(t, s.SetSlot(0x0106, "blocked"))
	h.want(rcRefused, "", mposWorkingKey, mposTellData(mposTDK, 6)...)
	h.want(rcRefused, "", mposCrypt, appendLL([]byte{6, 0}, make([]byte, 8))...)
	must(t, s.SetSlot(0x0301, "exhausted"))
	h.want(rcRefused, "", mposMAC, appendLL([]byte{1}, make([]byte, 8))...)
	if !h.has(0x0301) {
		t.Error("a used up key is still a key")
	}
	h.want(rcOK, string(keyDone), mposDelete, 1, 0, 1, 6)
	if h.has(0x0106) {
		t.Error("a blocked key was not deleted")
	}
}

func TestMposUsedUpDUKPT(t *testing.T) {
	h := newMposHost(t, startMpos(t, newMposReader(t)))
	ksn := unhex("ffff9876543210fff400") // ten one bits; one such number is left
	h.want(rcOK, string(keyDone), mposLoadDUKPT, appendLL(appendLL([]byte{2}, ksn), bytes.Repeat([]byte{0x11}, 16))...)
	h.want(rcOK, string(keyDone)+string(appendLL(nil, unhex("ffff9876543210fff800"))), mposNextKSN, 2)
	for range 2 {
		h.want(rcRefused, "", mposNextKSN, 2)
	}
	if !h.has(0x0602) {
		t.Error("a used up key is still a key")
	}
}

func TestMposNumbersAreNotGivenTwiceOverAPowerCut(t *testing.T) {
	path := newMposReader(t)
	s := startMpos(t, path)
	h := newMposHost(t, s)
	h.replay("load-dukpt")
	var given []string
	for range 3 {
		rc, data := h.ask(mposNextKSN, 1)
		if rc != rcOK || slices.Contains(given, string(data)) {
			t.Fatalf("result %s, %x after %d others", rc, data, len(given))
		}
		given = append(given, string(data))
		must(t, s.Cut())
		s = startMpos(t, path)
		h = newMposHost(t, s)
	}
}

// openssl encrypts by ECB: a second opinion about every key that is shown or used.
func openssl(t *testing.T, cipher string, key, data []byte) []byte {
	t.Helper()
	c := exec.Command("openssl", "enc", "-"+cipher, "-K", hex.EncodeToString(key), "-nopad", "-provider", "legacy", "-provider", "default")
	c.Stdin = bytes.NewReader(data)
	out, err := c.Output()
	if err != nil {
		t.Fatalf("openssl: %v", err)
	}
	return out
}

func opensslKCV(t *testing.T, cipher string, key []byte) string {
	t.Helper()
	zero := make([]byte, 8)
	if cipher == "sm4-ecb" {
		zero = make([]byte, 16)
	}
	return string(openssl(t, cipher, key, zero)[:4])
}

func opensslCMAC(t *testing.T, key, data []byte) []byte {
	t.Helper()
	c := exec.Command("openssl", "mac", "-cipher", "AES-128-CBC", "-macopt", "hexkey:"+hex.EncodeToString(key), "-in", "-", "CMAC")
	c.Stdin = bytes.NewReader(data)
	out, err := c.Output()
	if err != nil {
		t.Fatalf("openssl: %v", err)
	}
	return unhex(strings.ToLower(strings.TrimSpace(string(out))))
}

// Every algorithm: the key is loaded, shown by its KCV, used and asked about by somebody else's arithmetic.
func TestMposSecondOpinion(t *testing.T) {
	h := newMposHost(t, startMpos(t, newMposReader(t)))
	key := unhex("0123456789abcdeffedcba98765432100f1e2d3c4b5a6978")
	message := unhex("00112233445566778899aabbccddeeff")
	for _, c := range []struct {
		alg    byte
		cipher string
		size   int
	}{{1, "des-ecb", 8}, {2, "des-ede", 16}, {2, "des-ede3", 24}, {3, "aes-128-ecb", 16}, {4, "sm4-ecb", 16}} {
		t.Run(c.cipher, func(t *testing.T) {
			h.t = t
			k := key[:c.size]
			kcv := ""
			if c.alg == 3 {
				kcv = string(opensslCMAC(t, k, make([]byte, 16))[:4])
			} else {
				kcv = opensslKCV(t, c.cipher, k)
			}
			h.want(rcOK, string(keyDone), mposLoadMaster, master(c.alg, 8, k, parentNone, []byte(kcv))...)
			if c.size == 24 {
				return // no whole number of blocks carries it under each of the others
			}
			h.want(rcOK, string(keyDone)+"\x00\x04"+kcv+string(c.alg), mposWorkingKey,
				working(mposTDK, 8, 8, openssl(t, c.cipher, k, k), []byte(kcv), modeLoad)...)
			h.want(rcOK, string(keyDone)+"\x00\x16"+string(openssl(t, c.cipher, k, message)), mposCrypt, appendLL([]byte{8, 0}, message)...)
		})
	}
}

// The retail MAC of X9.19 out of openssl's single DES, and AES-CMAC.
func TestMposMACSecondOpinion(t *testing.T) {
	h := newMposHost(t, startMpos(t, newMposReader(t)))
	key, message := unhex("0123456789abcdeffedcba9876543210"), []byte("sixteen and some")
	wrap := func(alg byte, cipher string) {
		h.want(rcOK, string(keyDone), mposLoadMaster, master(alg, 7, key, parentNone, make([]byte, 4))...)
		rc, data := h.ask(mposWorkingKey, working(mposTAK, 7, 7, openssl(t, cipher, key, key), make([]byte, 4), modeLoad)...)
		if rc != rcOK || string(data[:2]) != string(keyDone) {
			t.Fatalf("%s: result %s %q", cipher, rc, data)
		}
	}
	wrap(2, "des-ede")
	first := openssl(t, "des-ecb", key[:8], message[:8])
	for i := range first {
		first[i] ^= message[8+i]
	}
	sum := openssl(t, "des-ede", key, first) // the last block: E1, D2, E1
	h.want(rcOK, string(keyDone)+"\x00\x08"+string(sum), mposMAC, appendLL([]byte{7}, message)...)
	wrap(3, "aes-128-ecb")
	h.want(rcOK, string(keyDone)+"\x00\x08"+string(opensslCMAC(t, key, message)[:8]), mposMAC, appendLL([]byte{7}, message)...)
}
