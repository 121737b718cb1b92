package keys

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func TestFrameRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom(keyNames).Draw(t, "name")
		key := rapid.SliceOfN(rapid.Byte(), 0, maxKey).Draw(t, "key")
		page, err := frame(n, key, newStream("fill", 0))
		if err != nil || len(page) != pageSize {
			t.Fatalf("%d bytes, %v", len(page), err)
		}
		if got, err := unframe(n, page); err != nil || !bytes.Equal(got, key) {
			t.Fatalf("the key changed (%v)", err)
		}
		if _, err := unframe(n+1, page); !errors.Is(err, ErrDamaged) {
			t.Fatalf("it opened under another name: %v", err)
		}
	})
}

func TestFrameFindsEveryFlip(t *testing.T) {
	key := []byte("0123456789abcdef0123456789abcdef")
	for i := range headerSize + len(key) {
		for bit := range 8 {
			page, err := frame(deviceName, key, newStream("fill", 0))
			if err != nil {
				t.Fatal(err)
			}
			page[i] ^= 1 << bit
			if _, err := unframe(deviceName, page); !errors.Is(err, ErrDamaged) {
				t.Fatalf("bit %d of byte %d flipped: %v", bit, i, err)
			}
		}
	}
}

func FuzzUnframe(f *testing.F) {
	for _, key := range [][]byte{nil, []byte("k"), bytes.Repeat([]byte{7}, maxKey)} {
		page, err := frame(kekName, key, newStream("fill", 0))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(page)
		f.Add(page[:pageSize/2])
	}
	f.Fuzz(func(t *testing.T, page []byte) {
		key, err := unframe(kekName, page)
		if err != nil {
			return
		}
		again, err := frame(kekName, key, bytes.NewReader(page[headerSize+len(key):]))
		if err != nil || !bytes.Equal(again, page) {
			t.Fatalf("an accepted page is not one we would write (%v)", err)
		}
	})
}
