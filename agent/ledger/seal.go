package ledger

import (
	"crypto/cipher"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
)

const (
	stateLabel = "unbindd/ledger-state/1"
	checkLabel = "unbindd/ledger-check/1"

	nonceSize = 24
	chainSize = 32
	maxSealed = 1 << 20 // more than any record or state: a longer one has a damaged length
)

var errSealed = errors.New("it does not open under this key")

// sealer turns records and state into what lies on disk and back. On disk there
// is a random nonce and the ciphertext; the label, the binding and the number
// are associated data, so that no value can stand in another's place.
type sealer struct {
	aead    cipher.AEAD
	binding [32]byte
	random  io.Reader
}

func (s *sealer) aad(label string, number uint64) []byte {
	aad := make([]byte, 0, len(label)+len(s.binding)+8)
	aad = append(aad, label...)
	aad = append(aad, s.binding[:]...)
	return binary.BigEndian.AppendUint64(aad, number)
}

func (s *sealer) seal(plain, aad []byte) ([]byte, error) {
	sealed := make([]byte, nonceSize, nonceSize+len(plain)+s.aead.Overhead())
	if _, err := io.ReadFull(s.random, sealed); err != nil {
		return nil, fmt.Errorf("cannot draw a nonce: %w", err)
	}
	return s.aead.Seal(sealed, sealed, plain, aad), nil
}

func (s *sealer) open(dst, sealed, aad []byte) ([]byte, error) {
	if len(sealed) < nonceSize || len(sealed) > maxSealed {
		return nil, errSealed
	}
	plain, err := s.aead.Open(dst, sealed[:nonceSize], sealed[nonceSize:], aad)
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}

// sealRecord seals chain value and record together. The chain value would
// otherwise let anybody who has the disk, but no longer the key, try out
// records until the hash fits.
func (s *sealer) sealRecord(head Head, raw []byte) ([]byte, error) {
	plain := make([]byte, 0, chainSize+len(raw))
	plain = append(append(plain, head.Chain[:]...), raw...)
	return s.seal(plain, s.aad(label, head.Seq))
}

// openRecord appends to dst and returns the chain value and the record in it.
func (s *sealer) openRecord(dst []byte, seq uint64, sealed []byte) (chain [32]byte, raw []byte, err error) {
	plain, err := s.open(dst, sealed, s.aad(label, seq))
	if err != nil || len(plain) < chainSize {
		return chain, nil, fmt.Errorf("record %d: %w", seq, errSealed)
	}
	return [32]byte(plain), plain[chainSize:], nil
}

// state is what each segment remembers beside its records: where it begins, and
// the running totals of the whole ledger at its end.
type state struct {
	segment uint64
	base    Head // the head before the segment's first record
	start   [32]byte
	running *running
}

type stateJSON struct {
	Base    headJSON          `json:"base"`
	Head    headJSON          `json:"head"`
	Last    map[string]uint64 `json:"last"`
	Open    []OpenSum         `json:"open"`
	Segment uint64            `json:"segment"`
	Start   []byte            `json:"start"`
	Tally   Tally             `json:"tally"`
}

type headJSON struct {
	Chain []byte `json:"chain"`
	Seq   uint64 `json:"seq"`
}

// sealState seals the state under its segment's number. Totals are as secret as
// the records they count.
func (s *sealer) sealState(st *state) ([]byte, error) {
	plain, err := json.Marshal(stateJSON{
		Base:    headJSON{st.base.Chain[:], st.base.Seq},
		Head:    headJSON{st.running.head.Chain[:], st.running.head.Seq},
		Last:    st.running.last,
		Open:    st.running.open,
		Segment: st.segment,
		Start:   st.start[:],
		Tally:   st.running.tally,
	})
	if err != nil {
		return nil, fmt.Errorf("cannot write the ledger's state: %w", err)
	}
	return s.seal(plain, s.aad(stateLabel, st.segment))
}

func (s *sealer) openState(segment uint64, sealed []byte) (*state, error) {
	plain, err := s.open(nil, sealed, s.aad(stateLabel, segment))
	if err != nil {
		return nil, err
	}
	var in stateJSON
	if err := json.Unmarshal(plain, &in); err != nil {
		return nil, errors.New("the ledger's state is not readable")
	}
	if in.Segment != segment || len(in.Base.Chain) != chainSize || len(in.Head.Chain) != chainSize || len(in.Start) != chainSize {
		return nil, errors.New("the ledger's state is not readable")
	}
	run := startAt(Head{in.Head.Seq, [32]byte(in.Head.Chain)})
	run.tally, run.open = in.Tally, in.Open
	maps.Copy(run.last, in.Last)
	return &state{
		segment: segment,
		base:    Head{in.Base.Seq, [32]byte(in.Base.Chain)},
		start:   [32]byte(in.Start),
		running: run,
	}, nil
}

// header is what every segment carries in the clear: which binding it belongs
// to, and a sealed nothing that tells a wrong key from damage.
func (s *sealer) header() ([]byte, error) {
	check, err := s.seal(nil, s.aad(checkLabel, 0))
	if err != nil {
		return nil, err
	}
	return append(append([]byte(label), s.binding[:]...), check...), nil
}

// readHeader answers whether the header names this binding and opens under this
// key; ok is false if it is not a header at all.
func (s *sealer) readHeader(header []byte) (sameBinding, sameKey, ok bool) {
	fixed := len(label) + len(s.binding)
	if len(header) != fixed+nonceSize+s.aead.Overhead() || string(header[:len(label)]) != label {
		return false, false, false
	}
	stored := *s
	copy(stored.binding[:], header[len(label):])
	_, err := s.open(nil, header[fixed:], stored.aad(checkLabel, 0))
	return stored.binding == s.binding, err == nil, true
}
