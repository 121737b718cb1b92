package keys

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
)

// A slot is one page of a root file or of a class's file:
//
//	"UNBKEY02" | file u8 | 0 | length u16 | 0 u32 | generation u64 | content | random filling | SHA-256 of all before it
//
// integers big-endian. The sum covers the whole page, so that a write that was
// torn at any sector is no slot at all.
const (
	slotSize   = 4096
	magic      = "UNBKEY02"
	formerly   = "UNBKEY01"
	headerSize = len(magic) + 2 + 2 + 4 + 8
	sumAt      = slotSize - sha256.Size
	maxContent = sumAt - headerSize
)

// fillSlot makes a slot of page, which holds slotSize bytes.
func fillSlot(page []byte, f file, generation uint64, content []byte, random io.Reader) error {
	if len(content) > maxContent {
		return fmt.Errorf("cannot fill a slot with %d bytes: it holds %d", len(content), maxContent)
	}
	if _, err := io.ReadFull(random, page[headerSize+len(content):sumAt]); err != nil {
		return fmt.Errorf("cannot fill a slot: %w", err)
	}
	clear(page[:headerSize])
	copy(page, magic)
	page[8] = byte(f)
	binary.BigEndian.PutUint16(page[10:], uint16(len(content)))
	binary.BigEndian.PutUint64(page[16:], generation)
	copy(page[headerSize:], content)
	sum := sha256.Sum256(page[:sumAt])
	copy(page[sumAt:], sum[:])
	return nil
}

// readSlot returns what a whole slot of this file holds; the content points into
// page. Anything else is no slot: random bytes, a torn write, another file's.
func readSlot(page []byte, f file) (generation uint64, content []byte, ok bool) {
	if len(page) != slotSize || string(page[:8]) != magic || page[8] != byte(f) || page[9] != 0 {
		return 0, nil, false
	}
	sum := sha256.Sum256(page[:sumAt])
	length := int(binary.BigEndian.Uint16(page[10:]))
	if !bytes.Equal(sum[:], page[sumAt:]) || length > maxContent || binary.BigEndian.Uint32(page[12:]) != 0 {
		return 0, nil, false
	}
	return binary.BigEndian.Uint64(page[16:]), page[headerSize : headerSize+length], true
}
