package devicesim

import (
	"encoding/hex"
	"errors"
	"slices"

	"unbindd/device/devicesim/keying"
)

// blockUsages are the usages of a key block (X9.143) that a slot of each type takes.
var blockUsages = map[byte][]string{
	keyTMK: {"K0", "K1"}, keyTPK: {"P0"}, keyTAK: {"M1", "M3", "M6"}, keyTDK: {"D0"}, keyIPEK: {"B1"},
}

// keyBlock is a key block that was opened and believed.
type keyBlock struct {
	header keying.Header
	key    keying.Key
	under  uint16 // slot of the key that protected it
}

// loadBlock gives a slot the key of a key block.
func (s *Sim) loadBlock(v values) reply {
	text := string(v[tgKeyBlock])
	if !v.has(map[tag]int{tgSlot: 2}) || text == "" {
		return reply{status: stMalformed}
	}
	i := s.mem.slotIndex(v.u16(tgSlot))
	switch {
	case i < 0:
		return reply{status: stNoSlot}
	case s.mem.st.Frozen || s.mem.st.Tampered || s.mem.st.Challenge != nil:
		return reply{status: stNotNow}
	}
	if _, _, err := keying.ParseHeader(text); err != nil {
		return reply{status: stBlockForm}
	}
	target := s.mem.slots[i]
	if target.reason != 0 {
		return reply{status: stMisfit}
	}
	b, st := s.openBlock(target.typ, text)
	if st != stOK {
		return reply{status: st}
	}
	defer b.key.Destroy()
	return s.load(target, b)
}

// openBlock looks for the key that protects a block among those that may carry a key of this type.
func (s *Sim) openBlock(typ byte, text string) (keyBlock, status) {
	st := stNoParent
	for i := range s.mem.slots {
		p := &s.mem.slots[i]
		if !slices.Contains(parents[typ], p.typ) {
			continue
		}
		protection, err := s.mem.keyIn(i)
		if err != nil {
			continue // empty or blocked: as good as not there
		}
		st = stBlockForged
		h, k, err := keying.Unwrap(protection, text)
		protection.Destroy()
		if err == nil {
			return keyBlock{h, k, p.id}, stOK
		}
	}
	return keyBlock{}, st
}

// load stores a key that fits its slot and answers with its KCV.
func (s *Sim) load(target slot, b keyBlock) reply {
	l := loading{slot: target.id, typ: target.typ, key: b.key, under: b.under, usage: b.header.Usage}
	var ok bool
	if l.ksn, l.check, ok = b.statements(target.alg); !ok {
		return reply{status: stBlockForm}
	}
	if !slices.Contains(blockUsages[target.typ], b.header.Usage) || algorithmOf(b.key) != target.alg {
		return reply{status: stMisfit}
	}
	switch err := s.mem.loadKey(l); {
	case errors.Is(err, errHierarchy), errors.Is(err, errMisfit), errors.Is(err, errCheckValue):
		return reply{status: stMisfit}
	case err != nil:
		return reply{err: err}
	}
	k := &s.mem.slots[s.mem.slotIndex(target.id)]
	return reply{body: body{}.put(tgKCV, append([]byte{k.method}, k.kcv...))}
}

// statements reads what a block says besides about its key: KS the key serial number, KC the check value with its
// method (00 zero block, 01 CMAC), which must be the one that keys of this algorithm have here.
func (b keyBlock) statements(alg byte) (ksn, check []byte, ok bool) {
	for _, o := range b.header.Blocks {
		var err error
		switch o.ID {
		case "KS":
			ksn, err = hex.DecodeString(o.Data)
		case "KC":
			check, err = hex.DecodeString(o.Data)
			method := map[byte]byte{0: kcvZero, 1: kcvCMAC}
			if err == nil && (len(check) < 4 || method[check[0]] != usualMethod(alg)) {
				return nil, nil, false
			}
			check = check[min(1, len(check)):]
		}
		if err != nil {
			return nil, nil, false
		}
	}
	return ksn, check, true
}
