package wipe

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
)

// searchBudget is how many bytes of a device are read for needles at most, and
// is told beside what there was to read.
const searchBudget = 4 << 30

// journalBudget is how large a journal may be that is searched for each target by
// itself; a larger one is told not to have been.
const journalBudget = 64 << 20

// Samples are needles of what was erased from one file system, kept until the
// last of its targets is gone: old versions of all of them lie in the same free
// blocks, and before these were given back a search would find what goes anyway.
// It holds content, in memory only, until whoever made it has it forget.
type Samples struct {
	pair  [1 << 16]bool // how a needle begins, to pass nearly everything by
	first map[uint64][]int
	all   [][]byte
	words map[int]string // for those that are no content: what is told of them
}

// take remembers the needles of a file.
func (s *Samples) take(n needles) {
	for _, some := range n.first {
		for _, needle := range some {
			s.add(needle)
		}
	}
}

// takeFor remembers a needle that is no content, and the word for it.
func (s *Samples) takeFor(word string, needle []byte) {
	if s.words == nil {
		s.words = map[int]string{}
	}
	s.words[len(s.all)] = word
	s.add(needle)
}

func (s *Samples) add(needle []byte) {
	if s.first == nil {
		s.first = map[uint64][]int{}
	}
	key := binary.LittleEndian.Uint64(needle)
	s.pair[binary.LittleEndian.Uint16(needle)] = true
	s.first[key] = append(s.first[key], len(s.all))
	s.all = append(s.all, needle)
}

// told takes out of what was found what is no content, and returns the words for it.
func (s *Samples) told(found map[int]bool) (words []string) {
	for n, word := range s.words {
		if found[n] {
			delete(found, n)
			words = append(words, word)
		}
	}
	return words
}

// Forget empties it.
func (s *Samples) Forget() {
	for _, needle := range s.all {
		clear(needle)
	}
	*s = Samples{}
}

// in marks the needles that lie anywhere in p. Unlike the look at a file's own
// blocks it goes byte by byte, since an older version may have been shifted.
func (s *Samples) in(p []byte, found map[int]bool) {
	var zeros [4096]byte
	for i := 0; i+needleSize <= len(p); i++ {
		if i%len(zeros) == 0 && i+len(zeros) <= len(p) && bytes.Equal(p[i:i+len(zeros)], zeros[:]) {
			i += len(zeros) - needleSize // what begins in here may end behind it
			continue
		}
		if !s.pair[binary.LittleEndian.Uint16(p[i:])] {
			continue
		}
		for _, n := range s.first[binary.LittleEndian.Uint64(p[i:])] {
			if bytes.Equal(s.all[n], p[i:i+needleSize]) {
				found[n] = true
			}
		}
	}
}

// region is a part of the device that belongs to no file, and the word for what
// lies there.
type region struct {
	word   string
	pieces []stretch
}

// searchesJournal tells whether ext4's journal is searched although nothing else is.
// It may hold content whatever the file system's mode is now: it may have been another
// when the file was written. Emptied it holds none; and of targets that are searched
// for together the last one bears what is found.
func (w *work) searchesJournal() bool {
	return w.place.fs.name == "ext4" && !w.target.Depth.reaches(DepthMedium) && !w.emptiesJournal() && !w.together
}

// searches tells whether anybody will look for needles.
func (w *work) searches() bool { return w.target.Depth.reaches(DepthBlocks) || w.searchesJournal() }

// search looks for the needles of what was erased where no file leads to: in the
// file system's journal and in its free blocks, on the device itself, after
// everything that could be done there was done. Blocks of living files are not
// looked at: what they hold is theirs. One that is found takes the level down;
// none found proves nothing of what was not sampled, and changes no word.
func (w *work) search() error {
	s := w.target.Samples
	var regions []region
	whole := false
	switch {
	case w.searchesJournal() && w.held > 0:
		regions, whole = w.journalRegion()
		if !whole || w.unsampled && len(regions) > 0 {
			w.residual[residualUnsearched] = true
		}
	case w.target.Depth.reaches(DepthMedium) && len(s.all) > 0:
		if regions, whole = w.regions(); len(regions) > 0 && !whole {
			w.residual[residualUnsearched] = true
		}
	}
	if len(regions) == 0 || len(s.all) == 0 {
		return nil
	}
	w.note("search")
	for _, r := range regions {
		for _, p := range r.pieces {
			w.searchable += p.to - p.from
		}
	}
	for _, r := range regions {
		found, err := w.searchRegion(r)
		for _, word := range s.told(found) {
			w.residual[word] = true
		}
		if len(found) > 0 {
			w.shows = fmt.Sprintf("%d of %d needles are still on the medium", len(found), len(s.all))
			if err := w.lower(LevelLogical, w.word(r.word)); err != nil {
				return err
			}
		}
		if err != nil {
			break // how far it came is told; what cannot be read shows nothing
		}
	}
	return w.ctx.Err()
}

// word is how evidence calls what was found.
func (w *work) word(r string) string {
	if w.target.Encrypted {
		return r + "-encrypted"
	}
	return r
}

// searchRegion reads a region, as far as the budget goes.
func (w *work) searchRegion(r region) (found map[int]bool, err error) {
	s, budget := w.target.Samples, cmp.Or(w.target.Budget, searchBudget)-w.searched
	var pieces []stretch
	for _, p := range r.pieces {
		if p.to = min(p.to, p.from+budget); p.to > p.from {
			pieces = append(pieces, p)
			budget -= p.to - p.from
		}
	}
	if len(pieces) == 0 {
		return nil, nil
	}
	found = map[int]bool{}
	var tail []byte // of the piece before, if this one follows it
	end := int64(-1)
	err = w.eachRead(pieces, func(p []byte, at int64) error { return w.readAll(w.block, p, at) }, func(p []byte, at int64) error {
		if at == end {
			s.in(append(tail, p[:min(len(p), needleSize-1)]...), found)
		}
		s.in(p, found)
		tail, end = append(tail[:0], p[max(0, len(p)-needleSize+1):]...), at+int64(len(p))
		w.searched += int64(len(p))
		return nil
	})
	return found, err
}

// journalRegion is ext4's journal alone, where it is not too large to be read for
// one target.
func (w *work) journalRegion() (all []region, whole bool) {
	if !w.place.probe.CanRaw || !w.openBlock() {
		return nil, false
	}
	j := w.ext4Journal()
	if j.size() > journalBudget || len(j.extents) == 0 {
		return nil, j.whole && len(j.extents) == 0
	}
	return []region{{residualJournal, stretchesOf(j.extents)}}, j.whole
}

// regions are the journal and the free blocks; none where the file system does
// not tell them, or the device cannot be read. A journal that is on another device,
// or of which nobody tells where all of it lies, is not whole.
func (w *work) regions() (all []region, whole bool) {
	if !w.place.probe.CanRaw || !w.openBlock() {
		return nil, false
	}
	free, log, err := w.sys.Unused(w.place.fd, w.place.dev)
	if err != nil {
		return nil, false
	}
	switch w.place.fs.name {
	case "ext4":
		j := w.ext4Journal()
		log, whole = append(log, j.extents...), j.whole
	case "xfs":
		log = w.xfsLog(log)
		whole = len(log) > 0
	}
	return []region{{residualJournal, stretchesOf(log)}, {residualOld, stretchesOf(free)}}, whole
}

func stretchesOf(extents []Extent) (all []stretch) {
	for _, e := range extents {
		all = append(all, stretch{int64(e.Physical), int64(e.Physical + e.Length)})
	}
	return united(all)
}
