package devicesim

import (
	"crypto/subtle"
	"encoding/binary"
	"io"
	"time"
)

const (
	macBytes     = 8
	allowedFails = 3
	lockTime     = 60 * time.Second
)

// session is the reader's end of the authenticated conversation.
type session struct {
	fromHost, toHost *mac
	in, out          uint32 // payloads counted in each direction since HELLO
	proven           bool   // the host has sent one authentic command
	next             bool   // it runs under the link key that is to replace the present one
}

// deriveSession makes both keys by SP 800-108 in counter mode, one block each.
func deriveSession(link, hostNonce, readerNonce []byte) (*session, error) {
	root, err := newMAC(link)
	if err != nil {
		return nil, err
	}
	s := &session{}
	for label, target := range map[string]**mac{"pedlink/1 host": &s.fromHost, "pedlink/1 reader": &s.toHost} {
		key := root.sum([]byte{1}, []byte(label), []byte{0}, hostNonce, readerNonce, []byte{0, 128})
		if *target, err = newMAC(key[:]); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func macHead(direction byte, counter uint32, typ frameType, seq byte) []byte {
	b := binary.BigEndian.AppendUint32([]byte{direction}, counter)
	return append(b, byte(typ), seq)
}

// open takes the MAC off a command; false if it is not the host's next one.
func (s *session) open(seq byte, sealed []byte) ([]byte, bool) {
	if len(sealed) < macBytes {
		return nil, false
	}
	payload := sealed[:len(sealed)-macBytes]
	sum := s.fromHost.sum(macHead(0, s.in, tCMD, seq), payload)
	if subtle.ConstantTimeCompare(sum[:macBytes], sealed[len(payload):]) != 1 {
		return nil, false
	}
	s.in++
	return payload, true
}

func (s *session) seal(typ frameType, seq byte, payload []byte) []byte {
	sum := s.toHost.sum(macHead(1, s.out, typ, seq), payload)
	s.out++
	return append(payload, sum[:macBytes]...)
}

// hello answers a host's challenge with the reader's own; the MAC of this very answer is the reader's proof.
func (s *Sim) hello(v values) (*session, reply) {
	if wait := s.lockedFor(); wait > 0 {
		return nil, reply{status: stLocked, body: body{}.put16(tgWait, uint16(wait/time.Second)+1)}
	}
	if !v.has(map[tag]int{tgNonce: 16}) {
		return nil, reply{status: stMalformed}
	}
	nonce := make([]byte, 16)
	if _, err := io.ReadFull(s.options.Rand, nonce); err != nil {
		return nil, reply{err: err}
	}
	link, next := s.linkNamed(v[tgKCV])
	session, err := deriveSession(link, v[tgNonce], nonce)
	if err != nil {
		return nil, reply{err: err}
	}
	session.next = next
	return session, reply{body: body{}.put(tgSerial, []byte(s.tellSerial())).put(tgNonce, nonce).
		put32(tgBootCount, s.mem.st.BootCount).put32(tgEraseCount, s.mem.st.EraseCount).puts(s.offers())}
}

// lockedFor is how long HELLO is still refused after too many failed proofs.
func (s *Sim) lockedFor() time.Duration {
	if s.mem.st.FailedProofs < allowedFails {
		return 0
	}
	return max(0, s.lockedUntil.Sub(s.options.Now()))
}

// proofFailed counts in the memory file, so that a restart gives no fresh tries.
func (s *Sim) proofFailed() error {
	s.mem.st.FailedProofs++
	s.lockedUntil = s.options.Now().Add(lockTime)
	return s.mem.save()
}

// proofSucceeded ends the count, and the former link key with it if the host has proven its successor.
func (s *Sim) proofSucceeded(by *session) error {
	if s.mem.st.FailedProofs == 0 && !by.next {
		return nil
	}
	s.mem.st.FailedProofs = 0
	if !by.next {
		return s.mem.save()
	}
	by.next = false
	s.mem.st.Own.promote()
	return s.mem.forget()
}
