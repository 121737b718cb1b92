package wipe

import (
	"encoding/binary"
	"testing"
)

// TestXFSLogOf reads the log's place from a superblock of four groups of 20000 blocks,
// the log in the third, and takes nothing for a log that could not be one.
func TestXFSLogOf(t *testing.T) {
	super := func() []byte {
		b := make([]byte, 512)
		put32 := func(at int, v uint32) { binary.BigEndian.PutUint32(b[at:], v) }
		put32(0, xfsMagic)
		put32(xfsBlock, 4096)
		binary.BigEndian.PutUint64(b[xfsLogStart:], 2<<15|6)
		put32(xfsGroup, 20_000)
		put32(xfsGroups, 4)
		put32(xfsLogBlocks, 16_384)
		b[xfsGroupLog] = 15
		return b
	}
	where := Extent{Physical: 40_006 * 4096, Length: 16_384 * 4096}
	for name, c := range map[string]struct {
		change func(b []byte)
		there  bool
	}{
		"in the third group":        {func([]byte) {}, true},
		"on another device":         {func(b []byte) { clear(b[xfsLogStart:][:8]) }, false},
		"another magic":             {func(b []byte) { b[0]++ }, false},
		"behind the last group":     {func(b []byte) { b[xfsLogStart+5]++ }, false},
		"longer than its group":     {func(b []byte) { b[xfsLogBlocks+1]++ }, false},
		"without a length":          {func(b []byte) { clear(b[xfsLogBlocks:][:4]) }, false},
		"blocks of no size":         {func(b []byte) { clear(b[xfsBlock:][:4]) }, false},
		"no bits for a group":       {func(b []byte) { b[xfsGroupLog] = 0 }, false},
		"more bits than are stored": {func(b []byte) { b[xfsGroupLog] = 60 }, false},
	} {
		b := super()
		c.change(b)
		if got, there := xfsLogOf(b); there != c.there || there && got != where {
			t.Errorf("%s: %v %+v", name, there, got)
		}
	}
}
