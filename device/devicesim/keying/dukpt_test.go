package keying

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"testing"

	"pgregory.net/rapid"
)

func TestTransactionKeys(t *testing.T) {
	initial := key(t, TDES, "6AC292FAA1315B4D858AB3A3D7D5933A")
	for _, c := range []struct{ ksn, want string }{ // X9.24-1, annex A
		{"FFFF9876543210E00001", "042666B49184CFA368DE9628D0397BC9"},
		{"FFFF9876543210E00002", "C46551CEF9FD24B0AA9AD834130D3BC7"},
		{"FFFF9876543210E00003", "0DF3D9422ACA56E547676D07AD6BADFA"},
		{"FFFF9876543210E00004", "279C0F6AEED0BE652B2C733E1383AE91"},
		{"FFFF9876543210E00005", "5F8DC6D2C845C125508DDC048093B83F"},
		{"FFFF9876543210EFF800", "F9CDFEBF4F5B1D9EB3EC12454527E176"},
	} {
		k, err := climb(initial, KSN(unhex(t, c.ksn)))
		must(t, err)
		same(t, c.ksn, k.Reveal(), c.want)
	}
	for use, want := range map[Use]string{
		UsePIN:         "042666B49184CF5C68DE9628D0397B36",
		UseMACRequest:  "042666B4918430A368DE9628D03984C9",
		UseMACResponse: "042666B46E84CFA368DE96282F397BC9",
		UseData:        "448D3F076D8304036A55A3D7E0055A78",
	} {
		k, err := TransactionKey(initial, KSN(unhex(t, "FFFF9876543210E00001")), use)
		must(t, err)
		same(t, fmt.Sprintf("use %d", use), k.Reveal(), want)
	}
}

func TestTransactionKeysAES(t *testing.T) {
	initial := key(t, AES, "1273671EA26AC29AFA4D1084127652A1")
	for _, c := range []struct { // X9.24-3, supplement
		ksn, current, pin string
	}{
		{"123456789012345600000001", "4F21B565BAD9835E112B6465635EAE44", "AF8CB133A78F8DC2D1359F18527593FB"},
		{"123456789012345600000002", "2F34D68DE10F68D38091A73B9E7C437C", "D30BDC73EC9714B000BEC66BDB7B6D09"},
	} {
		k, err := climbAES(initial, KSNAES(unhex(t, c.ksn)))
		must(t, err)
		same(t, c.ksn, k.Reveal(), c.current)
		k, err = TransactionKeyAES(initial, KSNAES(unhex(t, c.ksn)), UsePIN)
		must(t, err)
		same(t, c.ksn+" PIN", k.Reveal(), c.pin)
	}
	first := KSNAES(unhex(t, "123456789012345600000001"))
	k, err := TransactionKeyAES(initial, first, UseMACRequest)
	must(t, err)
	same(t, "MAC", k.Reveal(), "A2DC23DE6FDE0824A2BC321E08E4B8B7")
	k, err = TransactionKeyAES(initial, first, UseData)
	must(t, err)
	same(t, "data", k.Reveal(), "A35C412EFD41FDB98B69797C02DCD08F")
}

// All counters of a key's life: 2^20 - 1 of them, none twice, none with more than ten one bits.
func TestCountersGoUpToTheEnd(t *testing.T) {
	n, used := KSN(unhex(t, "FFFF9876543210E00000")), 0
	for {
		next, err := n.Next()
		if errors.Is(err, ErrExhausted) {
			break
		}
		must(t, err)
		if next.Counter() <= n.Counter() || bits.OnesCount32(next.Counter()) > 10 {
			t.Fatalf("counter %x after %x", next.Counter(), n.Counter())
		}
		n, used = next, used+1
	}
	if used != 1<<20-1 || n.Counter() != 0x1FF800 {
		t.Errorf("%d keys, the last counter is %x", used, n.Counter())
	}
	if string(n[:7]) != string(unhex(t, "FFFF9876543210")) {
		t.Errorf("the counter ran into the device's number: %x", n)
	}
}

func TestNextCounterLeavesNothingOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.Uint32().Draw(t, "counter")
		var n KSNAES
		binary.BigEndian.PutUint32(n[8:], c)
		next, err := n.Next()
		want := uint64(c) + 1
		for bits.OnesCount64(want) > 16 && want < uint64(c)+1<<20 {
			want++
		}
		if bits.OnesCount64(want) > 16 {
			return // further than a search by one may go
		}
		if exhausted := want > 1<<32-1; exhausted != errors.Is(err, ErrExhausted) || !exhausted && uint64(next.Counter()) != want {
			t.Fatalf("%x after %x, not %x: %v", next.Counter(), c, want, err)
		}
	})
}

func TestNoKeyWithoutATransaction(t *testing.T) {
	initial, fresh := key(t, TDES, of16("55")), KSN(unhex(t, "FFFF9876543210E00000"))
	if _, err := TransactionKey(initial, fresh, UsePIN); err == nil {
		t.Error("counter 0 has a key")
	}
	if _, err := TransactionKey(key(t, AES, of16("55")), fresh.withCounter(1), UsePIN); err == nil {
		t.Error("an AES key was climbed from as 3DES")
	}
	if _, err := TransactionKey(initial, fresh.withCounter(1), 0); err == nil {
		t.Error("a key for no use")
	}
	if _, err := TransactionKeyAES(initial, KSNAES{11: 1}, UsePIN); err == nil {
		t.Error("a 3DES key was climbed from as AES")
	}
	if _, err := InitialKey(initial, fresh); err != nil {
		t.Error(err)
	}
	if _, err := InitialKey(key(t, AES, of16("55")), fresh); err == nil {
		t.Error("an AES base key for 3DES")
	}
}
