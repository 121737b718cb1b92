package devicesim

import (
	"encoding/binary"
	"io"
)

// mposVendor is what INFO names as the maker; the memory of a reader knows none.
const mposVendor = "SIM"

// execute does what is asked, with the reader's state held. Its error is a mposResult, or the memory's.
func (e *mposEngine) execute(r mposRequest) ([]byte, error) {
	s, f := e.sim, &mposFields{b: r.data}
	if tell := s.mposTells(r.cmd); tell != nil {
		if !f.whole() {
			return nil, rcMalformed
		}
		return tell()
	}
	act := map[mposCommand]func(*mposFields) ([]byte, error){
		mposLoadMaster: s.mposLoadMaster,
		mposWorkingKey: s.mposWorkingKey,
		mposLoadDUKPT:  s.mposLoadDUKPT,
		mposNextKSN:    s.mposNextKSN,
		mposCrypt:      s.mposCrypt,
		mposMAC:        s.mposMAC,
		mposDelete:     e.delete,
	}[r.cmd]
	if act == nil {
		return nil, rcUnknown
	}
	data, err := act(f)
	return append([]byte(keyDone), data...), err
}

// mposTells is what has to do with the reader and not with its keys. None of it takes data.
func (s *Sim) mposTells(cmd mposCommand) func() ([]byte, error) {
	return map[mposCommand]func() ([]byte, error){
		mposInfo:        s.mposInfo,
		mposSerial:      func() ([]byte, error) { return appendLL(nil, []byte(s.tellSerial())), nil },
		mposRandom:      s.mposRandom,
		mposTamper:      s.mposTamper,
		mposTamperClear: func() ([]byte, error) { return nil, s.mposTamperClear() },
		mposRestart:     func() ([]byte, error) { return nil, nil }, // the engine does it when the answer is out
	}[cmd]
}

func (s *Sim) mposInfo() (data []byte, err error) {
	for _, text := range []string{mposVendor, s.mem.id.Model, s.mem.id.Firmware, s.mem.id.Hardware} {
		data = appendLL(data, []byte(text))
	}
	return data, nil
}

func (s *Sim) mposRandom() ([]byte, error) {
	data := make([]byte, 8)
	_, err := io.ReadFull(s.options.Rand, data)
	return data, err
}

// mposTamper is the register: zero is intact.
func (s *Sim) mposTamper() ([]byte, error) {
	return binary.BigEndian.AppendUint32(nil, uint32(flag(s.mem.st.Tampered, 1))), nil
}

// mposTamperClear believes whoever asks, as the makers' readers do.
func (s *Sim) mposTamperClear() error {
	if !s.mem.st.Tampered {
		return nil
	}
	s.mem.st.Tampered = false
	return s.mem.save()
}
