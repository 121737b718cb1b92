package wipe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
)

// Needles are short pieces of a file's content, taken before it is overwritten
// and looked for on the medium afterwards. They find what a comparison with the
// written bytes cannot explain: that something is there which should be gone.
const (
	needleSize = 32
	sector     = 512 // what a copy of a block keeps its place within
	manyTimes  = 64  // needles of a target, and tries to find one in an extent
	perFile    = 8
)

// needles are the samples of one file. All lie at the same place of their
// sector, since whoever copies blocks keeps that; so one look at each sector
// is enough.
type needles struct {
	shift int
	first map[uint64][][]byte
	count int
}

func newNeedles(shift int) needles { return needles{shift: shift, first: map[uint64][][]byte{}} }

// add takes the needle of a sector, unless it is too plain to be told from what
// is there by chance, such as zeros.
func (n *needles) add(block []byte) bool {
	needle := block[n.shift : n.shift+needleSize]
	if plainBytes(needle) {
		return false
	}
	key := binary.LittleEndian.Uint64(needle)
	n.first[key] = append(n.first[key], bytes.Clone(needle))
	n.count++
	return true
}

// found counts the sectors that hold one.
func (n *needles) found(raw []byte) (hits int) {
	if n.count == 0 {
		return 0
	}
	for at := n.shift; at+needleSize <= len(raw); at += sector {
		piece := raw[at : at+needleSize]
		for _, needle := range n.first[binary.LittleEndian.Uint64(piece)] {
			if bytes.Equal(piece, needle) {
				hits++
			}
		}
	}
	return hits
}

// plainBytes tells whether a piece has fewer than eight different bytes.
func plainBytes(b []byte) bool {
	var seen [256]bool
	kinds := 0
	for _, c := range b {
		if !seen[c] {
			seen[c] = true
			kinds++
		}
	}
	return kinds < 8
}

// sample takes needles of a file whose place on the medium may be looked at, and
// sees for each extent that the medium really holds there what the file does.
// Only such an extent may be discarded, and only then is the medium read back.
func (w *work) sample(o *opened) error {
	o.shown = make([]bool, len(o.before))
	if !w.place.probe.CanRaw || len(o.before) == 0 || !w.openBlock() {
		return nil
	}
	seed, err := w.seed()
	if err != nil {
		return err
	}
	draw := rand.New(rand.NewChaCha8(seed))
	room := min(o.st.Size, sector) - needleSize
	if room < 0 {
		w.unsampled = true
		return nil // too short to be told from anything
	}
	o.window = newNeedles(int(draw.Int64N(room + 1)))
	// What goes through the journal is not in its place before the journal is
	// emptied, and what has no place on the device cannot be compared with it.
	if w.inJournal(o) || slices.ContainsFunc(o.before, func(e Extent) bool { return !e.plain() }) {
		return w.sampleContent(o, draw)
	}
	for i, e := range o.before {
		if e.Flags&extentUnwritten != 0 || e.Logical >= uint64(o.st.Size) {
			continue
		}
		ok, err := w.sampleExtent(o, e, draw)
		if err != nil {
			return err
		}
		o.shown[i] = ok
	}
	return nil
}

// sampleContent takes needles of what the file reads as, to be looked for where no
// file leads to.
func (w *work) sampleContent(o *opened, draw *rand.Rand) error {
	if !w.searches() {
		return nil // nobody will look
	}
	block := make([]byte, sector)
	for tries := 0; tries < manyTimes && o.window.count < perFile; tries++ {
		at := draw.Int64N((o.st.Size+sector-1)/sector) * sector
		n := min(sector, o.st.Size-at)
		clear(block[n:])
		if err := w.readAll(o.fd, block[:n], at); err != nil {
			return fmt.Errorf("cannot sample a file: %w", err)
		}
		o.window.add(block)
	}
	return nil
}

// sampleExtent takes the needles of one extent and tells whether the medium
// holds them. A file that somebody writes to meanwhile is simply not shown.
func (w *work) sampleExtent(o *opened, e Extent, draw *rand.Rand) (shown bool, err error) {
	size := min(e.Length, uint64(o.st.Size)-e.Logical)
	sectors := (size + sector - 1) / sector
	block, raw := make([]byte, sector), aligned(4096)
	for tries := 0; sectors > 0 && tries < manyTimes; tries++ {
		if shown && (o.window.count >= perFile || w.sampled+o.window.count >= manyTimes) {
			return true, nil
		}
		at := draw.Uint64N(sectors) * sector
		n := min(sector, size-at)
		clear(block[n:]) // as the medium has it behind the end
		if err := w.readAll(o.fd, block[:n], int64(e.Logical+at)); err != nil {
			return false, fmt.Errorf("cannot sample a file: %w", err)
		}
		if !o.window.add(block) {
			continue
		}
		place := e.Physical + at
		if err := w.readAll(w.block, raw, int64(place/4096*4096)); err != nil {
			return false, nil // the medium does not show it; the file will be read back instead
		}
		if from := place % 4096; !bytes.Equal(raw[from:from+sector], block) {
			return false, nil
		}
		shown = true
	}
	return shown, nil
}
