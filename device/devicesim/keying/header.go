package keying

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ErrBlockForm means that text is no key block of a kind that is taken; nothing was decrypted or believed.
var ErrBlockForm = errors.New("key block is malformed")

// Header is what a key block (X9.143, formerly TR-31) says in the clear about its key; the block's MAC covers it.
type Header struct {
	Version       byte            // 'B': under a 3DES key; 'D': under an AES key
	Usage         string          // K0 K1 master key, P0 PIN, M1 M3 M6 MAC, D0 data, B0 B1 DUKPT
	Algorithm     byte            // 'D' DES, 'T' 3DES, 'A' AES
	Mode          byte            // what the key may do: one of usages
	KeyVersion    string          // two characters, "00": not used
	Exportability byte            // 'E', 'N' or 'S'
	Blocks        []OptionalBlock // without the pad block, which wrapping adds
}

// OptionalBlock is one further statement about the key, such as KS: the key serial number.
type OptionalBlock struct {
	ID   string // two letters or digits
	Data string // printable ASCII
}

const (
	fixedHeader = 16
	maxBlock    = 9999 // the length has four digits
	padID       = "PB"
	headerChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
)

// usages tells which modes of use a key of each usage can have.
var usages = map[string]string{
	"B0": "NX", "B1": "NX", "D0": "BDEN", "K0": "BDEN", "K1": "BDEN", "P0": "BDEN",
	"M1": "CGNV", "M3": "CGNV", "M6": "CGNV",
}

var blockAlgorithms = map[byte]Algorithm{'D': DES, 'T': TDES, 'A': AES}

// unit is the cipher's block in bytes, which every part of a key block is a multiple of; 0: no such version.
func (h Header) unit() int { return map[byte]int{'B': 8, 'D': 16}[h.Version] }

func (h Header) macChars() int { return 2 * h.unit() }

func (h Header) check() error {
	switch {
	case h.Version == 'A' || h.Version == 'C':
		return fmt.Errorf("%w: version %c is a variant of the key and not taken any more", ErrBlockForm, h.Version)
	case h.unit() == 0:
		return fmt.Errorf("%w: version %q", ErrBlockForm, h.Version)
	case usages[h.Usage] == "":
		return fmt.Errorf("%w: usage %q", ErrBlockForm, h.Usage)
	case blockAlgorithms[h.Algorithm] == 0:
		return fmt.Errorf("%w: algorithm %q", ErrBlockForm, h.Algorithm)
	case strings.IndexByte(usages[h.Usage], h.Mode) < 0:
		return fmt.Errorf("%w: mode %q of usage %s", ErrBlockForm, h.Mode, h.Usage)
	case len(h.KeyVersion) != 2 || strings.Trim(h.KeyVersion, headerChars) != "":
		return fmt.Errorf("%w: key version %q", ErrBlockForm, h.KeyVersion)
	case strings.IndexByte("ENS", h.Exportability) < 0:
		return fmt.Errorf("%w: exportability %q", ErrBlockForm, h.Exportability)
	}
	return nil
}

// ParseHeader reads the header of a whole key block strictly and returns it with its length in characters. It
// says nothing about who wrote it: only Unwrap does.
func ParseHeader(block string) (Header, int, error) {
	if len(block) < fixedHeader {
		return Header{}, 0, fmt.Errorf("%w: %d characters", ErrBlockForm, len(block))
	}
	h := Header{
		Version: block[0], Usage: block[5:7], Algorithm: block[7], Mode: block[8],
		KeyVersion: block[9:11], Exportability: block[11],
	}
	if err := h.check(); err != nil {
		return Header{}, 0, err
	}
	length, lengthErr := number(block[1:5], 10)
	count, countErr := number(block[12:14], 10)
	switch {
	case lengthErr != nil || length != len(block) || length%h.unit() != 0:
		return Header{}, 0, fmt.Errorf("%w: length %q of %d characters", ErrBlockForm, block[1:5], len(block))
	case countErr != nil:
		return Header{}, 0, fmt.Errorf("%w: number of optional blocks %q", ErrBlockForm, block[12:14])
	case block[14:16] != "00":
		return Header{}, 0, fmt.Errorf("%w: reserved characters %q", ErrBlockForm, block[14:16])
	}
	size, err := h.readBlocks(block[fixedHeader:], count)
	return h, fixedHeader + size, err
}

// number reads digits and nothing else: no sign, no lower case.
func number(digits string, base int) (int, error) {
	if strings.Trim(digits, "0123456789ABCDEF"[:base]) != "" {
		return 0, strconv.ErrSyntax
	}
	n, err := strconv.ParseUint(digits, base, 16)
	return int(n), err
}

// readBlocks takes count optional blocks from the front of text and returns how many characters they had.
func (h *Header) readBlocks(text string, count int) (int, error) {
	at := 0
	for i := range count {
		b, size, err := readBlock(text[at:])
		if err != nil {
			return 0, err
		}
		at += size
		if b.ID == padID {
			if i != count-1 || i == 0 {
				return 0, fmt.Errorf("%w: a pad block is not the last of several", ErrBlockForm)
			}
			break
		}
		if slices.ContainsFunc(h.Blocks, func(o OptionalBlock) bool { return o.ID == b.ID }) {
			return 0, fmt.Errorf("%w: optional block %s twice", ErrBlockForm, b.ID)
		}
		h.Blocks = append(h.Blocks, b)
	}
	if at%h.unit() != 0 {
		return 0, fmt.Errorf("%w: %d characters of optional blocks are no whole units of %d", ErrBlockForm, at, h.unit())
	}
	return at, nil
}

// readBlock takes one optional block: id(2) length(2 hex) data, or id(2) 00 n(2 hex) length(2n hex) data. The length
// counts from the id on.
func readBlock(text string) (b OptionalBlock, size int, err error) {
	bad := fmt.Errorf("%w: optional block is cut short or has a wrong length", ErrBlockForm)
	if len(text) < 4 || strings.Trim(text[:2], headerChars) != "" {
		return b, 0, bad
	}
	head, digits := 4, text[2:4]
	if digits == "00" {
		if len(text) < 10 || text[4:6] != "02" { // more than two bytes of length do not fit the block
			return b, 0, bad
		}
		head, digits = 10, text[6:10]
	}
	size, err = number(digits, 16)
	if err != nil || size < head || size > len(text) {
		return b, 0, bad
	}
	b = OptionalBlock{text[:2], text[head:size]}
	if strings.IndexFunc(b.Data, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
		return b, 0, fmt.Errorf("%w: optional block %s is not printable", ErrBlockForm, b.ID)
	}
	return b, size, nil
}
