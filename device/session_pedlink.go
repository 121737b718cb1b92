package device

import (
	"crypto/subtle"
	"encoding/binary"
	"fmt"
)

// Directions in the input of a message's MAC.
const (
	fromHost   = 0
	fromReader = 1
)

const macLen = 8

// sessionPayloads is how many go in one direction before the host begins anew.
const sessionPayloads = 1 << 31

// session authenticates every payload after HELLO. Both ends count the payloads of each direction,
// so a message that is repeated, left out, reordered or turned around does not verify.
type session struct {
	host, reader   *cmac
	sent, received uint32
}

// newSession derives both keys from the pairing key and the two challenges
// (NIST SP 800-108 in counter mode with CMAC, one block each).
func newSession(pairing Secret, hostNonce, readerNonce []byte) (*session, error) {
	root, err := newCMAC(pairing.key()[:])
	if err != nil {
		return nil, err
	}
	derive := func(label string) (*cmac, error) {
		key := root.sum(kdfInput(label, hostNonce, readerNonce))
		return newCMAC(key[:])
	}
	host, err := derive("pedlink/1 host")
	if err != nil {
		return nil, err
	}
	reader, err := derive("pedlink/1 reader")
	if err != nil {
		return nil, err
	}
	return &session{host: host, reader: reader}, nil
}

func kdfInput(label string, hostNonce, readerNonce []byte) []byte {
	b := append([]byte{0x01}, label...)
	b = append(b, 0x00)
	b = append(b, hostNonce...)
	b = append(b, readerNonce...)
	return append(b, 0x00, 0x80)
}

func macInput(direction byte, counter uint32, typ, seq byte, payload []byte) []byte {
	b := make([]byte, 0, 7+len(payload))
	b = append(b, direction)
	b = binary.BigEndian.AppendUint32(b, counter)
	b = append(b, typ, seq)
	return append(b, payload...)
}

// isSpent is told well before a counter comes round, so that no input of a MAC is ever used twice.
func (s *session) isSpent() bool { return max(s.sent, s.received) >= sessionPayloads }

// seal appends the MAC to a command's payload.
func (s *session) seal(seq byte, payload []byte) []byte {
	mac := s.host.sum(macInput(fromHost, s.sent, typCommand, seq, payload))
	s.sent++
	return append(payload, mac[:macLen]...)
}

// open checks a payload of the reader and takes its MAC off.
func (s *session) open(typ, seq byte, sealed []byte) ([]byte, error) {
	if len(sealed) < macLen {
		return nil, fmt.Errorf("%w: payload without authentication", errDamaged)
	}
	payload, got := sealed[:len(sealed)-macLen], sealed[len(sealed)-macLen:]
	want := s.reader.sum(macInput(fromReader, s.received, typ, seq, payload))
	if subtle.ConstantTimeCompare(got, want[:macLen]) != 1 {
		return nil, fmt.Errorf("%w: payload is not authentic", errDamaged)
	}
	s.received++
	return payload, nil
}
