package keying

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrBlockForged means that a key block was not made with the protection key, or was changed since.
var ErrBlockForged = errors.New("key block is not authentic")

// errWeak is the rule of X9.24 that a key is not protected by a weaker one.
var errWeak = errors.New("protection key is weaker than the key in the block")

// Wrap makes the key block of k: version B under a 3DES key, version D under an AES key, as h says. The pad
// behind the key comes from random; it is as short as it can be, so the block tells the key's length.
func Wrap(protection Key, h Header, k Key, random io.Reader) (string, error) {
	text, err := wrap(protection, h, k, random)
	if err != nil {
		return "", fmt.Errorf("cannot wrap key: %w", err)
	}
	return text, nil
}

func wrap(protection Key, h Header, k Key, random io.Reader) (string, error) {
	if err := h.check(); err != nil {
		return "", err
	}
	if blockAlgorithms[h.Algorithm] != k.alg {
		return "", fmt.Errorf("%w: algorithm %q of a key of %v", ErrBlockForm, h.Algorithm, k.alg)
	}
	if protection.strength() < k.strength() {
		return "", errWeak
	}
	p, err := protection.derive(h)
	if err != nil {
		return "", err
	}
	payload := make([]byte, (2+k.Len()+h.unit()-1)/h.unit()*h.unit())
	defer clear(payload)
	binary.BigEndian.PutUint16(payload, uint16(8*k.Len()))
	copy(payload[2:], k.bytes())
	if _, err := io.ReadFull(random, payload[2+k.Len():]); err != nil {
		return "", err
	}
	head, err := h.text(2 * len(payload))
	if err != nil {
		return "", err
	}
	mac := p.mac.Sum([]byte(head), payload)
	cipher.NewCBCEncrypter(p.block, mac).CryptBlocks(payload, payload)
	return head + upperHex(payload) + upperHex(mac), nil
}

// text writes the header of a block whose encrypted part has so many characters.
func (h Header) text(payload int) (string, error) {
	var blocks strings.Builder
	count := len(h.Blocks)
	for _, b := range h.Blocks {
		blocks.WriteString(b.text())
	}
	if rest := blocks.Len() % h.unit(); rest != 0 {
		count++
		pad := h.unit() - rest
		if pad < 4 {
			pad += h.unit()
		}
		fmt.Fprintf(&blocks, "%s%02X%s", padID, pad, strings.Repeat("0", pad-4))
	}
	length := fixedHeader + blocks.Len() + payload + h.macChars()
	if length > maxBlock || count > 99 {
		return "", fmt.Errorf("%w: %d characters", ErrBlockForm, length)
	}
	text := fmt.Sprintf("%c%04d%s%c%c%s%c%02d00", h.Version, length, h.Usage, h.Algorithm, h.Mode, h.KeyVersion, h.Exportability, count)
	_, size, err := ParseHeader(text + blocks.String() + strings.Repeat("0", payload+h.macChars()))
	if err != nil || size != fixedHeader+blocks.Len() {
		return "", fmt.Errorf("%w: optional blocks: %w", ErrBlockForm, err)
	}
	return text + blocks.String(), nil
}

func (b OptionalBlock) text() string {
	if size := 4 + len(b.Data); size <= 0xFF {
		return fmt.Sprintf("%s%02X%s", b.ID, size, b.Data)
	}
	return fmt.Sprintf("%s0002%04X%s", b.ID, 10+len(b.Data), b.Data)
}

// Unwrap opens a key block. Nothing of it is believed before its MAC was compared: a block of another maker, and any
// changed character, is ErrBlockForged or ErrBlockForm.
func Unwrap(protection Key, text string) (Header, Key, error) {
	h, k, err := unwrap(protection, text)
	if err != nil {
		return Header{}, Key{}, fmt.Errorf("cannot unwrap key: %w", err)
	}
	return h, k, nil
}

func unwrap(protection Key, text string) (Header, Key, error) {
	h, size, err := ParseHeader(text)
	if err != nil {
		return h, Key{}, err
	}
	p, err := protection.derive(h)
	if err != nil {
		return h, Key{}, err
	}
	sealed, err := readHex(text[size:])
	if err != nil || len(sealed) < 2*h.unit() || len(sealed)%h.unit() != 0 {
		return h, Key{}, fmt.Errorf("%w: encrypted part", ErrBlockForm)
	}
	payload, mac := sealed[:len(sealed)-h.unit()], sealed[len(sealed)-h.unit():]
	defer clear(payload)
	cipher.NewCBCDecrypter(p.block, mac).CryptBlocks(payload, payload)
	if subtle.ConstantTimeCompare(p.mac.Sum([]byte(text[:size]), payload), mac) != 1 {
		return h, Key{}, ErrBlockForged
	}
	bits := int(binary.BigEndian.Uint16(payload))
	if bits%8 != 0 || 2+bits/8 > len(payload) {
		return h, Key{}, fmt.Errorf("%w: key of %d bits", ErrBlockForm, bits)
	}
	k, err := NewKey(blockAlgorithms[h.Algorithm], payload[2:2+bits/8])
	if err != nil {
		return h, Key{}, fmt.Errorf("%w: %w", ErrBlockForm, err)
	}
	if protection.strength() < k.strength() {
		k.Destroy()
		return h, Key{}, errWeak
	}
	return h, k, nil
}

func upperHex(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

// readHex takes upper case only, so that there is one text for one block.
func readHex(text string) ([]byte, error) {
	if strings.Trim(text, "0123456789ABCDEF") != "" {
		return nil, hex.ErrLength
	}
	return hex.DecodeString(text)
}

// protector is the pair of keys that a protection key stands for.
type protector struct {
	block cipher.Block // encrypts the key
	mac   *CMAC        // binds it to its header
}

// derive makes the pair for a header: SP 800-108 in counter mode with CMAC. The label says what the derived key is
// for, so that neither can stand in the other's place.
func (k Key) derive(h Header) (p protector, err error) {
	if want := map[byte]Algorithm{'B': TDES, 'D': AES}[h.Version]; k.alg != want {
		return p, fmt.Errorf("version %c is under a %v key, not %v", h.Version, want, k.alg)
	}
	root, err := NewCMAC(k)
	if err != nil {
		return p, err
	}
	sealing, binding := k.part(root, 0), k.part(root, 1)
	defer sealing.Destroy()
	defer binding.Destroy()
	if p.block, err = sealing.block(); err != nil {
		return p, err
	}
	p.mac, err = NewCMAC(binding)
	return p, err
}

// part is one derived key, as long as its root: usage 0 encrypts, 1 authenticates.
func (k Key) part(root *CMAC, usage byte) Key {
	codes := map[int]byte{16: 0, 24: 1} // 3DES
	if k.alg == AES {
		codes = map[int]byte{16: 2, 24: 3, 32: 4}
	}
	code, bits := codes[k.Len()], 8*k.Len()
	var raw []byte
	for counter := byte(1); len(raw) < k.Len(); counter++ {
		raw = append(raw, root.Sum([]byte{counter, 0, usage, 0, 0, code, byte(bits >> 8), byte(bits)})...)
	}
	return own(k.alg, raw[:k.Len()])
}
