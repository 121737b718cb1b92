package lab

import (
	"bytes"
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"
)

func memoryFTL(pages int) *ftl {
	return newFTL(pages, make([]byte, blocksFor(pages)*pagesPerBlock*pageBytes))
}

// body is the n-th version of a page.
func body(page, version int) []byte {
	b := make([]byte, pageBytes)
	binary.LittleEndian.PutUint64(b, uint64(page)+1)
	binary.LittleEndian.PutUint64(b[8:], uint64(version))
	for n := 16; n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
	return b
}

// Whatever is written, trimmed and sanitized, in whatever order: what is read is
// what was written last, and no page is owned twice.
func TestTheFlashReadsWhatWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pages := rapid.IntRange(1, 300).Draw(t, "pages")
		f := memoryFTL(pages)
		f.trimErases = rapid.Bool().Draw(t, "trim erases")
		want := make([]int, pages) // the version of each page, 0: nothing
		for version := range rapid.IntRange(1, 800).Draw(t, "operations") {
			page := int(uint32(version*2654435761)>>3) % pages
			switch rapid.IntRange(0, 40).Draw(t, "operation") {
			case 0:
				f.trim(page)
				want[page] = 0
			case 1:
				f.sanitize()
			default:
				if err := f.write(page, body(page, version+1)); err != nil {
					t.Fatalf("after %d operations: %v", version, err)
				}
				want[page] = version + 1
			}
		}
		f.agrees(t, want)
	})
}

func (f *ftl) agrees(t *rapid.T, want []int) {
	got, owned := make([]byte, pageBytes), 0
	for page, version := range want {
		f.read(page, got)
		expected := body(page, version)
		if version == 0 {
			clear(expected)
		} else {
			owned++
		}
		if !bytes.Equal(got, expected) {
			t.Fatalf("page %d reads otherwise than version %d", page, version)
		}
		if at := f.place[page]; at != nowhere && f.owner[at] != page {
			t.Fatalf("page %d lies where page %d does", page, f.owner[at])
		}
	}
	sum := 0
	for _, n := range f.valid {
		sum += n
	}
	if sum != owned {
		t.Fatalf("%d pages are owned, the blocks count %d", owned, sum)
	}
}

// An old version stays in the flash after an overwrite and after a trim, and is
// gone when its block was cleaned, when trim erases, or after a sanitize.
func TestTheFlashKeepsOldVersions(t *testing.T) {
	secret := bytes.Repeat([]byte("an old version! "), pageBytes/16)
	holds := func(f *ftl) bool { return bytes.Contains(f.nand, secret) }
	for name, c := range map[string]struct {
		trimErases bool
		do         func(t *testing.T, f *ftl)
		stays      bool
	}{
		"overwritten": {false, func(t *testing.T, f *ftl) { must(t, f.write(7, body(7, 2))) }, true},
		"trimmed":     {false, func(t *testing.T, f *ftl) { f.trim(7) }, true},
		"overwritten, then trimmed where trim erases": {true, func(t *testing.T, f *ftl) { must(t, f.write(7, body(7, 2))); f.trim(7) }, true},
		"trimmed where trim erases":                   {true, func(t *testing.T, f *ftl) { f.trim(7) }, false},
		"overwritten and sanitized":                   {false, func(t *testing.T, f *ftl) { must(t, f.write(7, body(7, 2))); f.sanitize() }, false},
		"still there when sanitized":                  {false, func(t *testing.T, f *ftl) { f.sanitize() }, true},
		"overwritten until every block was cleaned": {false, func(t *testing.T, f *ftl) {
			for i := range 20_000 {
				must(t, f.write(i%256, body(i%256, i)))
			}
		}, false},
	} {
		f := memoryFTL(256)
		f.trimErases = c.trimErases
		must(t, f.write(7, secret))
		if !holds(f) {
			t.Fatal("what was written is not in the flash")
		}
		c.do(t, f)
		if holds(f) != c.stays {
			t.Errorf("%s: in the flash: %v", name, !c.stays)
		}
	}
}
