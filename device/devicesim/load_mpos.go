package devicesim

import (
	"bytes"

	"unbindd/device/devicesim/keying"
)

// mposArrival is a key on its way into its slot.
type mposArrival struct {
	slot   uint16
	parent byte // kind of the key it came under; 0: it came in clear
	under  byte // index of that key
	alg    keying.Algorithm
	key    []byte // a cryptogram, or the key
	kcv    []byte // all zero: not to be checked
	ksn    []byte // of a DUKPT key
}

func (s *Sim) mposLoadMaster(f *mposFields) ([]byte, error) {
	alg, index, key, parent, kcv := f.u8(), f.u8(), f.ll(), f.u8(), f.ll()
	a := mposArrival{alg: mposAlgorithms[alg], key: key, kcv: kcv}
	if !f.whole() || a.alg == 0 || parent != parentNone && parent != parentTLK {
		return nil, rcMalformed
	}
	kind := mposTMK
	if index == 1 {
		kind = mposTLK
	}
	var known bool
	if a.slot, known = mposSlot(kind, index); !known {
		return nil, rcNoIndex
	}
	if parent == parentTLK {
		if kind == mposTLK {
			return nil, rcRefused
		}
		a.parent, a.under = mposTLK, 1
	}
	_, err := s.mposTake(a)
	return nil, err
}

// mposWorkingKey loads a key, or tells the KCV of one.
func (s *Sim) mposWorkingKey(f *mposFields) ([]byte, error) {
	kind, tmk, index, key, kcv, mode := f.u8(), f.u8(), f.u8(), f.ll(), f.ll(), f.u8()
	_, known := mposKinds[kind]
	switch {
	case !f.whole() || !known:
		return nil, rcMalformed
	case mode == modeTell:
		return s.mposTellKCV(kind, index)
	case mode == modeUnexplained:
		return nil, rcRefused
	case mode != modeLoad || kind > mposTAK:
		return nil, rcMalformed
	}
	slot, known := mposSlot(kind, index)
	if !known {
		return nil, rcNoIndex
	}
	master, err := s.mposKey(mposTMK, tmk)
	if err != nil {
		return nil, err
	}
	return s.mposTake(mposArrival{slot: slot, parent: mposTMK, under: tmk, alg: master.Algorithm(), key: key, kcv: kcv})
}

func (s *Sim) mposLoadDUKPT(f *mposFields) ([]byte, error) {
	index, ksn, key := f.u8(), f.ll(), f.ll()
	if !f.whole() || len(ksn) != mposKSNBytes || len(key) != mposKeyBytes {
		return nil, rcMalformed
	}
	slot, known := mposSlot(mposDUKPT, index)
	if !known {
		return nil, rcNoIndex
	}
	_, err := s.mposTake(mposArrival{slot: slot, alg: keying.TDES, key: key, kcv: make([]byte, mposKCVBytes), ksn: ksn})
	return nil, err
}

// mposTake decrypts and checks a key, puts it into its slot and tells what it put there.
func (s *Sim) mposTake(a mposArrival) ([]byte, error) {
	k, err := s.mposOpen(a)
	if err != nil {
		return nil, err
	}
	defer k.Destroy()
	kcv, err := mposKCV(k)
	switch {
	case err != nil:
		return nil, err
	case k.Algorithm() == keying.AES && k.Len() != mposKeyBytes, len(a.kcv) != mposKCVBytes && len(a.kcv) != 2*mposKCVBytes:
		return nil, rcMalformed
	case s.mem.st.Tampered, !isZero(a.kcv) && !bytes.HasPrefix(a.kcv, kcv):
		return nil, rcRefused
	}
	if err := s.mposStore(a, k); err != nil {
		return nil, err
	}
	return mposCheck(k)
}

func isZero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

// mposOpen is the key in clear.
func (s *Sim) mposOpen(a mposArrival) (k keying.Key, err error) {
	if a.parent == 0 {
		k, err = keying.NewKey(a.alg, a.key)
	} else {
		var parent keying.Key
		if parent, err = s.mposKey(a.parent, a.under); err != nil {
			return k, err
		}
		k, err = parent.Receive(a.alg, a.key)
	}
	if err != nil { // of a length that the algorithm does not have
		return k, rcMalformed
	}
	return k, nil
}

// mposStore writes the key over the one in its slot; what came under that one goes with it.
func (s *Sim) mposStore(a mposArrival, k keying.Key) error {
	l := loading{slot: a.slot, typ: mposKinds[byte(a.slot>>8)].typ, key: k, method: mposMethod(k), ksn: a.ksn}
	if a.parent != 0 {
		l.under, _ = mposSlot(a.parent, a.under)
	}
	delete(s.shadowed, a.slot)
	return s.mem.loadKey(l)
}
