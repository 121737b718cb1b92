package keys

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

func slotOf(t interface{ Fatal(...any) }, f file, generation uint64, content []byte) []byte {
	page := make([]byte, slotSize)
	if err := fillSlot(page, f, generation, content, newStream("fill", 0)); err != nil {
		t.Fatal(err)
	}
	return page
}

func TestSlotRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := file(rapid.IntRange(0, 9).Draw(t, "file"))
		content := rapid.SliceOfN(rapid.Byte(), 0, maxContent).Draw(t, "content")
		generation := rapid.Uint64().Draw(t, "generation")
		page := slotOf(t, f, generation, content)
		g, got, ok := readSlot(page, f)
		if !ok || g != generation || !bytes.Equal(got, content) {
			t.Fatalf("slot %v, generation %d", ok, g)
		}
		if _, _, ok := readSlot(page, f+1); ok {
			t.Fatal("it was read as another file's")
		}
	})
}

func TestTooMuchForASlot(t *testing.T) {
	if fillSlot(make([]byte, slotSize), 1, 1, make([]byte, maxContent+1), newStream("fill", 0)) == nil {
		t.Fatal("a slot took more than it holds")
	}
}

func TestSlotFindsEveryFlip(t *testing.T) {
	page := slotOf(t, 7, 3, []byte("0123456789abcdef0123456789abcdef"))
	for i := range page {
		page[i] ^= 1 << (i % 8)
		if _, _, ok := readSlot(page, 7); ok {
			t.Fatalf("a flip in byte %d was not seen", i)
		}
		page[i] ^= 1 << (i % 8)
	}
}

func FuzzReadSlot(f *testing.F) {
	for _, content := range [][]byte{nil, []byte("k"), bytes.Repeat([]byte{7}, maxContent)} {
		page := slotOf(f, 9, 1, content)
		f.Add(page)
		f.Add(page[:slotSize/2])
	}
	f.Fuzz(func(t *testing.T, page []byte) {
		generation, content, ok := readSlot(page, 9)
		if !ok {
			return
		}
		again := make([]byte, slotSize)
		err := fillSlot(again, 9, generation, content, bytes.NewReader(page[headerSize+len(content):]))
		if err != nil || !bytes.Equal(again, page) {
			t.Fatalf("an accepted page is not one we would write (%v)", err)
		}
	})
}

func FuzzParseBox(f *testing.F) {
	f.Add([]byte{})
	f.Add(append([]byte{byte(dataName), 0, 16}, make([]byte, 40)...))
	f.Add(append([]byte{byte(dataName), 0, 17}, make([]byte, 40)...))
	f.Fuzz(func(t *testing.T, content []byte) {
		all, err := parseBox(Identity, content)
		if err != nil {
			return
		}
		length := 0
		for _, e := range all {
			length += entryHead + len(e.box)
		}
		if length != len(content) {
			t.Fatalf("%d of %d bytes belong to an entry", length, len(content))
		}
	})
}
