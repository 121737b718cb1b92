package desk

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// What files that are on their way still need is not promised to others, and what of it is
// on the disk, or does not come, is.
func TestRoomIsPromisedOnce(t *testing.T) {
	free := int64(100)
	d := &Desk{Parts: Parts{Bounds: Bounds{Free: 20}, Left: func() (int64, error) { return free, nil }}}
	claims := func(n int64, ok bool) *claim {
		t.Helper()
		c, err := d.roomFor(n)
		if ok != (err == nil) || !ok && !errors.Is(err, ErrFull) {
			t.Fatalf("room for %d of %d: %v", n, free, err)
		}
		return c
	}
	claims(81, false)
	first := claims(50, true)
	claims(31, false)
	second := claims(30, true)
	if _, err := io.Copy(first.against(io.Discard), strings.NewReader(strings.Repeat("x", 40))); err != nil {
		t.Fatal(err)
	}
	free -= 40
	claims(1, false) // 60 are free, 20 of them the mark, 10 and 30 promised
	first.giveBack()
	claims(11, false)
	claims(10, true).giveBack()
	second.giveBack()
	second.giveBack()
	claims(41, false)
	claims(40, true)
}
