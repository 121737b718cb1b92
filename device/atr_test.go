package device

import (
	"encoding/hex"
	"errors"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestATRsAreRead(t *testing.T) {
	for _, c := range []struct {
		name, atr string
		want      CardInterface
	}{
		{"T=0, no checksum", "3b6800005053414d2d303031", CardInterface{
			Protocols: []int{0}, Speed: 0x11, Waiting: 10, IFSC: 32, BWI: 4, CWI: 13, Historical: []byte("PSAM-001"),
		}},
		{"shortest, inverse", "3f00", CardInterface{Inverse: true, Protocols: []int{0}, Speed: 0x11, Waiting: 10, IFSC: 32, BWI: 4, CWI: 13}},
		{"T=1 with T=15 behind it", "3bda18ff81b1fe751f030031c573c001400090000c", CardInterface{
			Protocols: []int{1}, Speed: 0x18, Guard: 0xFF, Waiting: 10, IFSC: 254, BWI: 7, CWI: 5,
			Historical: []byte{0x00, 0x31, 0xC5, 0x73, 0xC0, 0x01, 0x40, 0x00, 0x90, 0x00},
		}},
		{"both protocols, T=1 with CRC, WI", "3b80c020710a55014f", CardInterface{
			Protocols: []int{0, 1}, Speed: 0x11, Waiting: 0x20, IFSC: 10, BWI: 5, CWI: 5, CRC: true,
		}},
	} {
		got, err := ATR(mustHex(t, c.atr)).Parse()
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v %v", c.name, got, err)
		}
	}
}

func TestASpecificModeIsTold(t *testing.T) {
	got, err := ATR(mustHex(t, "3b901110"+"10")).Parse()
	if err != nil || !got.Specific || !got.Implicit || !slices.Equal(got.Protocols, []int{0}) {
		t.Errorf("%+v %v", got, err)
	}
}

func TestWrongATRsAreRefusedByName(t *testing.T) {
	for atr, want := range map[string]string{
		"":                 "it ends before TS",
		"3c00":             "TS is 3C, not 3B or 3F",
		"3b":               "it ends before T0",
		"3b10":             "it ends before TA1",
		"3b80":             "it ends before TD1",
		"3b8080":           "it ends before TD2",
		"3b02aa":           "it ends before historical byte 2 of 2",
		"3b8001":           "it ends before TCK",
		"3b800180":         "TCK is wrong",
		"3b800181" + "00":  "1 bytes too many",
		"3b0000":           "1 bytes too many",
		"3b800f":           "TD1 offers T=15, which is no protocol",
		"3b804000":         "TC2 says a waiting time of 0",
		"3b8081110000":     "TA3 says an information field of 0",
		"3b808111ff00":     "TA3 says an information field of 255",
		"3b808121a500":     "TB3 says a block waiting time of 10",
		"3b801001":         "TA2 names T=1, which is not offered",
		"3b0f" + zeros(32): "34 bytes are more than 33",
	} {
		_, err := ATR(mustHex(t, atr)).Parse()
		if !errors.Is(err, errATR) || err.Error() != errATR.Error()+": "+want {
			t.Errorf("%s: %v, not %s", atr, err, want)
		}
	}
}

// TestATRsMadeAreRead builds answers from what they are to say.
func TestATRsMadeAreRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := CardInterface{
			Protocols: []int{1}, Speed: rapid.Byte().Draw(t, "speed"), Guard: rapid.Byte().Draw(t, "guard"), Waiting: 10,
			IFSC: rapid.IntRange(1, 254).Draw(t, "ifsc"), BWI: rapid.ByteMax(9).Draw(t, "bwi"), CWI: rapid.ByteMax(15).Draw(t, "cwi"),
			CRC: rapid.Bool().Draw(t, "crc"), Historical: rapid.SliceOfN(rapid.Byte(), 1, 15).Draw(t, "historical"),
		}
		atr := ATR{0x3B, 0xD0 | byte(len(want.Historical)), want.Speed, want.Guard, 0x81, 0x71, byte(want.IFSC), want.BWI<<4 | want.CWI, 0}
		if want.CRC {
			atr[8] = 1
		}
		atr = append(atr, want.Historical...)
		atr = append(atr, lrc(atr[1:]))
		if got, err := atr.Parse(); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v %v", got, err)
		}
	})
}

func FuzzATR(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		terms, err := ATR(b).Parse()
		if err != nil {
			if !errors.Is(err, errATR) {
				t.Fatalf("%v is not named", err)
			}
			return
		}
		if len(b) < 2 || len(b) > maxATR || len(terms.Protocols) == 0 || terms.IFSC < 1 || terms.IFSC > 254 || terms.BWI > 9 || terms.Waiting == 0 {
			t.Fatalf("%x gives %+v", b, terms)
		}
		if n := len(terms.Historical); n != int(b[1]&0x0F) {
			t.Fatalf("%d historical bytes", n)
		}
	})
}

func zeros(n int) string { return hex.EncodeToString(make([]byte, n)) }

func mustHex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
