package backup

import (
	"bytes"
	"strings"
	"testing"
)

// Plaintext of any kind either is a backup byte for byte or is refused; a
// sealed layer around it would only keep the fuzzer out.
func FuzzReader(f *testing.F) {
	good := plaintext(f, someLines(2))
	f.Add([]byte(good))
	f.Add([]byte(strings.TrimSuffix(good, "\n")))
	f.Add([]byte(good[:len(good)/2]))
	f.Add([]byte(plaintext(f, nil)))
	f.Add([]byte("{}\n{}\n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, plain []byte) {
		r := newReader(bytes.NewReader(plain))
		h, err := r.header()
		if err != nil {
			return
		}
		again, err := line(h)
		if err != nil {
			t.Fatal(err)
		}
		trailer, err := r.body(func(text []byte) error { again = append(again, text...); return nil })
		if err != nil {
			return
		}
		last, err := line(trailer)
		if err != nil || !bytes.Equal(append(again, last...), plain) {
			t.Fatalf("%q was taken for something else (%v)", plain, err)
		}
	})
}

// A whole sealed file with a few bytes changed is never taken for a good one.
func FuzzOpen(f *testing.F) {
	identity, recipient := people(f)
	sealed, _ := mustSeal(f, someLines(50), recipient)
	f.Add(uint32(0), byte(1), uint16(0))
	f.Add(uint32(len(sealed)-1), byte(0x80), uint16(0))
	f.Add(uint32(300), byte(0), uint16(7))
	f.Fuzz(func(t *testing.T, at uint32, flip byte, cut uint16) {
		harmed := bytes.Clone(sealed)
		harmed[int(at)%len(harmed)] ^= flip
		harmed = harmed[:len(harmed)-int(cut)%len(harmed)]
		_, _, lines, err := openAll(harmed, identity)
		if bytes.Equal(harmed, sealed) != (err == nil) {
			t.Fatalf("%d lines, %v", len(lines), err)
		}
	})
}
