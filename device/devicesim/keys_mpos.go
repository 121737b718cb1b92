package devicesim

import (
	"errors"

	"unbindd/device/devicesim/keying"
)

// mposAlgorithms are the algorithms by their numbers on the line.
var mposAlgorithms = map[byte]keying.Algorithm{1: keying.DES, 2: keying.TDES, 3: keying.AES, 4: keying.SM4}

func mposAlgorithm(a keying.Algorithm) byte {
	for number, alg := range mposAlgorithms {
		if alg == a {
			return number
		}
	}
	return 0
}

// mposKCV is the check value that this protocol shows, whatever the memory keeps.
func mposKCV(k keying.Key) ([]byte, error) {
	kcv, err := keying.KCV(mposMethod(k), k)
	if err != nil {
		return nil, err
	}
	return kcv[:mposKCVBytes], nil
}

func mposMethod(k keying.Key) keying.Method {
	if k.Algorithm() == keying.AES {
		return keying.CodeMAC
	}
	return keying.ZeroBlockLong
}

// mposPlace finds the slot of a key that is there, as far as the reader admits it.
func (s *Sim) mposPlace(kind, index byte) (*slot, error) {
	id, known := mposSlot(kind, index)
	if !known {
		return nil, rcNoIndex
	}
	i := s.mem.slotIndex(id)
	switch {
	case i < 0 || s.mem.slots[i].state == slotEmpty || s.shadowed[id]:
		return nil, keyMissing
	case s.mem.slots[i].state == slotBlocked:
		return nil, rcRefused
	}
	return &s.mem.slots[i], nil
}

// mposKey takes a key in order to use it.
func (s *Sim) mposKey(kind, index byte) (keying.Key, error) {
	k, err := s.mposPlace(kind, index)
	if err != nil {
		return keying.Key{}, err
	}
	if k.state != slotLoaded {
		return keying.Key{}, rcRefused
	}
	return k.payment()
}

func (s *Sim) mposCrypt(f *mposFields) ([]byte, error) {
	index, mode, data := f.u8(), f.u8(), f.ll()
	switch {
	case !f.whole():
		return nil, rcMalformed
	case mode != modeEncrypt:
		return nil, rcRefused
	}
	k, err := s.mposKey(mposTDK, index)
	if err != nil {
		return nil, err
	}
	out, err := k.Encrypt(data)
	if err != nil { // no whole blocks
		return nil, rcMalformed
	}
	return appendLL(nil, out), nil
}

func (s *Sim) mposMAC(f *mposFields) ([]byte, error) {
	index, data := f.u8(), f.ll()
	if !f.whole() || len(data) == 0 {
		return nil, rcMalformed
	}
	k, err := s.mposKey(mposTAK, index)
	if err != nil {
		return nil, err
	}
	sum, err := k.MAC(data)
	return appendLL(nil, sum), err
}

// mposNextKSN counts up before it tells: no number is given twice, over any power cut.
func (s *Sim) mposNextKSN(f *mposFields) ([]byte, error) {
	index := f.u8()
	if !f.whole() {
		return nil, rcMalformed
	}
	k, err := s.mposPlace(mposDUKPT, index)
	if err != nil {
		return nil, err
	}
	ksn, err := s.mem.nextUse(s.mem.slotIndex(k.id))
	if errors.Is(err, keying.ErrExhausted) {
		return nil, rcRefused
	}
	return appendLL(nil, ksn[:]), err
}

// mposTellKCV answers for a key that is there, even when it is used up.
func (s *Sim) mposTellKCV(kind, index byte) ([]byte, error) {
	place, err := s.mposPlace(kind, index)
	if err != nil {
		return nil, err
	}
	if place.hidden {
		return nil, keyMissing
	}
	k, err := place.payment()
	if err != nil {
		return nil, err
	}
	return mposCheck(k)
}

// mposCheck is KCV and algorithm as they are told.
func mposCheck(k keying.Key) ([]byte, error) {
	kcv, err := mposKCV(k)
	return append(appendLL(nil, kcv), mposAlgorithm(k.Algorithm())), err
}
