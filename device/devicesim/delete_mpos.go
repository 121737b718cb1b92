package devicesim

import "slices"

// delete overwrites slot after slot. There is no journal: a power cut leaves what it had not come to, and the next
// start neither goes on nor undoes.
func (e *mposEngine) delete(f *mposFields) ([]byte, error) {
	s := e.sim
	scope, err := s.mposScope(f)
	if err != nil {
		return nil, err
	}
	if code, refuses := s.refusal(faultRefuses); refuses {
		return nil, mposRefusal(code)
	}
	for _, point := range []string{faultCutBeforeJournal, faultCutAfterJournal} {
		if err := s.cutAt(point, 0); err != nil {
			return nil, err
		}
	}
	done, err := e.overwrite(scope)
	if err != nil {
		return nil, err
	}
	if err := s.eraseTooMuch(scope); err != nil {
		return nil, err
	}
	if err := s.cutAt(faultCutBeforeAnswer, 0); err != nil {
		return nil, err
	}
	if code, lies := s.refusal(faultSaysFailed); lies {
		return nil, mposRefusal(code)
	}
	if !done {
		return nil, rcMemory
	}
	return nil, nil
}

// overwrite goes through the scope to its end; false if a key stays and that is admitted.
func (e *mposEngine) overwrite(scope []uint16) (done bool, err error) {
	done = true
	for _, id := range scope {
		if err := e.sim.cutAt(faultCutAfter, e.erased); err != nil {
			return false, err
		}
		gone, err := e.sim.mposErase(e.sim.mem.slotIndex(id), e.erased)
		if err != nil {
			return false, err
		}
		e.erased++
		done = done && gone
	}
	return done, e.sim.cutAt(faultCutAfter, e.erased)
}

// mposScope is what a DELETE is about: the slots that are full, in the order of their end.
func (s *Sim) mposScope(f *mposFields) ([]uint16, error) {
	kind, count := f.u8(), f.bcd()
	indexes := f.take(count)
	if !f.whole() {
		return nil, rcMalformed
	}
	switch kind {
	case deleteAll:
		if count != 1 || indexes[0] != 0 {
			return nil, rcMalformed
		}
		return s.mposFull(func(k *slot) bool { return k.reason == 0 }), nil
	case deleteWorking:
		if count != 0 {
			return nil, rcMalformed
		}
		return s.mposFull(func(k *slot) bool { return byte(k.id>>8) <= mposTAK }), nil
	}
	return s.mposNamed(mposDeletes[kind], indexes)
}

// mposNamed adds to the keys that are named the working keys under them.
func (s *Sim) mposNamed(kind byte, indexes []byte) ([]uint16, error) {
	if kind == 0 || len(indexes) == 0 {
		return nil, rcMalformed
	}
	var named []uint16
	for _, index := range indexes {
		id, known := mposSlot(kind, index)
		if !known {
			return nil, rcNoIndex
		}
		named = append(named, id)
	}
	var families []uint16
	for _, id := range named {
		if i := s.mem.slotIndex(id); i < 0 || s.mem.slots[i].state == slotEmpty {
			s.blind[id]++
		}
		families = append(families, s.mem.family(id)...)
	}
	return s.mposFull(func(k *slot) bool { return slices.Contains(families, k.id) }), nil
}

// mposFull lists full slots of this protocol's kinds, ascending: that is working keys before their TMK.
func (s *Sim) mposFull(wanted func(*slot) bool) []uint16 {
	var ids []uint16
	for i := range s.mem.slots {
		k := &s.mem.slots[i]
		_, known := mposKinds[byte(k.id>>8)]
		if known && k.state != slotEmpty && wanted(k) {
			ids = append(ids, k.id)
		}
	}
	slices.Sort(ids)
	return ids
}

// mposErase overwrites one key, the n-th from 0 that DELETE comes to, or does what a fault wants instead; false if it
// stays and that is admitted. A host may order a scope key by key, so half of it is every second key of all orders.
func (s *Sim) mposErase(i, n int) (bool, error) {
	k := &s.mem.slots[i]
	switch {
	case n%2 == 1 && s.wrong(faultHalf):
		return false, nil
	case s.wrong(faultLiesKeeps):
		return true, nil
	case s.wrong(faultLiesUntilReboot):
		s.shadowed[k.id] = true
		return true, nil
	case s.wrong(faultLiesHides):
		k.hidden = true
		return true, s.mem.saveHead(i)
	}
	return true, s.mem.zeroise(i)
}
