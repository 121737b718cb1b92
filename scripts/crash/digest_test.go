//go:build (amd64 || arm64) && !android

package crash

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
)

// digests computes what names an image in every run, unlike its sum. At one operation
// most files are the same in every choice, and are read once.
type digests map[*byte]digested

// digested holds on to the bytes, so that no others can lie where they lie.
type digested struct {
	of  []byte
	sum [sha256.Size]byte
}

func (d digests) file(b []byte) [sha256.Size]byte {
	if len(b) == 0 {
		return sha256.Sum256(nil)
	}
	was, ok := d[&b[0]]
	if !ok || len(was.of) != len(b) {
		was = digested{b, content(b)}
		d[&b[0]] = was
	}
	return was.sum
}

// content is the digest of a file: of its length, and of its blocks that are not zeros
// with their places. Most blocks of a new file are.
func content(b []byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(b))))
	for at := 0; at < len(b); at += block {
		part := b[at:min(at+block, len(b))]
		if !bytes.Equal(part, zeros[:len(part)]) {
			h.Write(binary.LittleEndian.AppendUint64(nil, uint64(at)))
			h.Write(part)
		}
	}
	h.Sum(sum[:0])
	return sum
}

// image is the digest of names and bytes.
func (d digests) image(m image) (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, path := range slices.Sorted(maps.Keys(m)) {
		h.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(path))))
		h.Write([]byte(path))
		kind, of := []byte{'d'}, [sha256.Size]byte{}
		if m[path] != nil {
			kind, of = []byte{'f'}, d.file(m[path])
		}
		h.Write(kind)
		h.Write(of[:])
	}
	h.Sum(sum[:0])
	return sum
}

// withTold is the name of an image of which something is told.
func withTold(sum [sha256.Size]byte, told []string) string {
	h := sha256.New()
	h.Write(sum[:])
	for _, word := range told {
		h.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(word))))
		h.Write([]byte(word))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
