//go:build (amd64 || arm64) && !android

package crash

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// fate is what became of one piece.
type fate struct {
	how  uint8
	seed uint64 // of the garbage; of a torn piece, one bit a sector that was written
}

const (
	kept uint8 = iota
	lost
	torn
	garbage
)

// choice is one answer to what was lost: of names by number, of pieces by file.
// What it does not speak of was written.
type choice struct {
	name   string
	names  map[int]bool // lost
	fates  map[int]map[int]fate
	rotten map[int]int // a durable block of a file that does not read any more
}

// image is the files of one choice, by path; a folder is a nil.
type image map[string][]byte

// image is the whole disk after a choice, or one top folder of it.
func (d *disk) image(c choice, top string) image {
	m := image{}
	folders := d.tree(func(i int) bool { return !c.names[i] })
	content, from := map[int][]byte{}, 0
	if top != "" {
		from = folders[0][top]
		m[top] = nil
	}
	d.fill(m, top, from, folders, func(ino int) []byte {
		if b, ok := content[ino]; ok {
			return b
		}
		content[ino] = d.files[ino].content(c.fates[ino], c.rotten, ino)
		return content[ino]
	}, 0)
	return m
}

// nameless is the folder of an image for content that lies on the medium and has
// no name there any more, or none yet.
const nameless = ".nameless"

// addNameless puts it into the image, under the files' numbers.
func (d *disk) addNameless(m image, c choice) {
	named := map[int]bool{}
	for _, names := range d.tree(func(i int) bool { return !c.names[i] }) {
		for _, ino := range names {
			named[ino] = true
		}
	}
	m[nameless] = nil
	for ino, f := range d.files {
		if !named[ino] {
			m[filepath.Join(nameless, strconv.Itoa(ino))] = f.content(c.fates[ino], nil, ino)
		}
	}
}

func (d *disk) fill(m image, path string, ino int, folders map[int]map[string]int, content func(int) []byte, depth int) {
	if depth > 16 {
		return
	}
	for name, child := range folders[ino] {
		p := filepath.Join(path, name)
		if _, is := folders[child]; is {
			m[p] = nil
			d.fill(m, p, child, folders, content, depth+1)
			continue
		}
		m[p] = content(child)
	}
}

// content is only good until the next operation.
func (f *file) content(fates map[int]fate, rotten map[int]int, ino int) []byte {
	if _, ok := rotten[ino]; !ok && len(f.pending) == 0 && f.durable != nil {
		return f.durable
	}
	b := make([]byte, len(f.durable), len(f.durable)+2*block)
	copy(b, f.durable)
	for i, p := range f.pending {
		switch how := fates[i]; how.how {
		case kept:
			b = p.on(b)
		case torn:
			b = p.tear(b, how.seed)
		case garbage:
			b = p.spoil(b, how.seed)
		}
	}
	if at, ok := rotten[ino]; ok && at*block < len(b) {
		copy(b[at*block:], noise(uint64(at)+1, min(block, len(b)-at*block)))
	}
	return b
}

// tear writes the sectors of the piece that the bits name.
func (p piece) tear(b []byte, bits uint64) []byte {
	if p.truncate {
		return b
	}
	for at := 0; at < len(p.data); {
		end := min(at+sector-int((p.off+int64(at))%sector), len(p.data))
		if bits&1 == 1 {
			b = piece{off: p.off + int64(at), data: p.data[at:end]}.on(b)
		}
		at, bits = end, bits>>1|bits<<63
	}
	return b
}

// spoil makes garbage of the whole block that the piece lies in, as a page of
// flash is whose programming was cut.
func (p piece) spoil(b []byte, seed uint64) []byte {
	if p.truncate {
		return b
	}
	b = p.on(b)
	from := int(p.off) / block * block
	copy(b[from:], noise(seed, min(block, len(b)-from)))
	return b
}

func noise(seed uint64, n int) []byte {
	b := make([]byte, 0, n+8)
	for x := seed | 1; len(b) < n; {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b = binary.LittleEndian.AppendUint64(b, x)
	}
	return b[:n]
}

var hashSeed = maphash.MakeSeed()

// sum is the content hash of names and bytes.
func (m image) sum() uint64 {
	paths := make([]string, 0, len(m))
	for path := range m {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	var h maphash.Hash
	h.SetSeed(hashSeed)
	for _, path := range paths {
		h.WriteString(path)
		n := len(m[path])
		if m[path] == nil {
			n = -1
		}
		h.Write(binary.LittleEndian.AppendUint64([]byte{0}, uint64(n)))
		h.Write(m[path])
	}
	return h.Sum64()
}

var zeros [block]byte

// lay puts the image into dir, which must not be there. Blocks of zeros stay
// holes: nobody can tell, and it is a third of the time.
func (m image) lay(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	paths := make([]string, 0, len(m))
	for path := range m {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths {
		var err error
		if m[path] == nil {
			err = os.Mkdir(filepath.Join(dir, path), 0o700)
		} else {
			err = layFile(filepath.Join(dir, path), m[path])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func layFile(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = f.Truncate(int64(len(b)))
	for at := 0; at < len(b) && err == nil; {
		end := at
		for end < len(b) && !bytes.Equal(b[end:min(end+block, len(b))], zeros[:min(block, len(b)-end)]) {
			end = min(end+block, len(b))
		}
		if end > at {
			_, err = f.WriteAt(b[at:end], int64(at))
		}
		at = end + block
	}
	return errors.Join(err, f.Close())
}
