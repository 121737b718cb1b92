package devicesim

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"slices"
)

const (
	rotationLabel  = "pedlink-rotation/1"
	newRecordLabel = "pedlink-record-key/1"
	wrapLabel      = "pedlink/1 rotate"

	ownLink   = 1
	ownTicket = 2
	ownRecord = 3

	wrappedLink = 24
)

// rotation is an order to change one of the reader's own keys.
type rotation struct {
	field     []byte // as it came: u16 length ‖ message ‖ signature
	message   []byte
	signature []byte

	serial  string
	counter uint32
	which   byte
	value   []byte // SHA-256 of the new value
}

// parseRotation reads the form of an order; false for anything else. Nothing is verified yet.
func parseRotation(b []byte) (rotation, bool) {
	if len(b) < 2 {
		return rotation{}, false
	}
	end := 2 + int(binary.BigEndian.Uint16(b))
	if len(b) != end+ed25519.SignatureSize {
		return rotation{}, false
	}
	parts := unprefixed(b[2:end])
	if len(parts) != 5 || string(parts[0]) != rotationLabel ||
		len(parts[2]) != 4 || len(parts[3]) != 1 || len(parts[4]) != sha256.Size {
		return rotation{}, false
	}
	return rotation{
		field: b, message: b[2:end], signature: b[end:],
		serial: string(parts[1]), counter: binary.BigEndian.Uint32(parts[2]), which: parts[3][0], value: parts[4],
	}, true
}

// rotations is what INFO tells about the orders carried out.
func (s *Sim) rotations() body {
	if s.isOld() {
		return nil
	}
	return body{}.put32(tgRotations, s.mem.st.Own.Rotations)
}

// linkNamed is the link key a host means: the one that is to replace the present one, if it says so by KCV.
func (s *Sim) linkNamed(kcv []byte) (key []byte, next bool) {
	own := &s.mem.st.Own
	if own.Next == nil || s.faults.has(faultForeign) {
		return s.linkKey(), false
	}
	method, sum, err := checkValue(algAES, own.Next)
	if err != nil || !bytes.Equal(kcv, append([]byte{method}, sum...)) {
		return s.linkKey(), false
	}
	return own.Next, true
}

// rotate carries an order out once. The same order again gets its answer again, whatever has changed since.
func (s *Sim) rotate(v values) reply {
	own := &s.mem.st.Own
	order, ok := parseRotation(v[tgRotation])
	if !ok {
		return reply{status: stOrderForm}
	}
	digest := sha256.Sum256(order.field)
	if bytes.Equal(digest[:], own.Order) {
		return reply{body: slices.Clone(body(own.Answer))}
	}
	if st := s.checkRotation(order); st != stOK {
		return reply{status: st}
	}
	next := *own
	answer, st, err := s.apply(&next, order, v[tgNewValue])
	if st != stOK || err != nil {
		return reply{status: st, err: err}
	}
	next.Rotations++
	next.Order = digest[:]
	next.Answer = body{}.put32(tgRotations, next.Rotations).puts(answer)
	*own = next
	return reply{body: slices.Clone(body(own.Answer)), err: s.mem.forget()}
}

// checkRotation compares the order with the reader as it is now.
func (s *Sim) checkRotation(order rotation) status {
	st := &s.mem.st
	switch {
	case !ed25519.Verify(st.Own.Ticket, order.message, order.signature):
		return stOrderForged
	case order.serial != s.serial():
		return stOrderSerial
	case order.counter != st.Own.Rotations:
		return stOrderCounter
	case st.Frozen || st.Tampered || st.Challenge != nil:
		return stNotNow
	}
	return stOK
}

// apply puts the new value into a copy of the keys; the caller makes it the reader's in one write.
func (s *Sim) apply(keys *ownKeys, order rotation, value []byte) (answer body, st status, err error) {
	fits := func(b []byte) bool {
		digest := sha256.Sum256(b)
		return bytes.Equal(digest[:], order.value)
	}
	switch order.which {
	case ownLink:
		link, ok := unwrapLink(keys.Link, order.field, value)
		if !ok || !fits(link) {
			return nil, stOrderValue, nil
		}
		keys.Next = link
	case ownTicket:
		if len(value) != ed25519.PublicKeySize || !fits(value) {
			return nil, stOrderValue, nil
		}
		keys.Ticket = bytes.Clone(value)
	case ownRecord:
		if len(value) != 0 || !fits(nil) {
			return nil, stOrderValue, nil
		}
		answer, err = s.newRecordKey(keys)
	default:
		return nil, stOrderForm, nil
	}
	return answer, stOK, err
}

// newRecordKey makes a key that nobody outside ever sees; the one before it vouches for it.
func (s *Sim) newRecordKey(keys *ownKeys) (body, error) {
	former := keys.recordKey()
	keys.Record = make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(s.options.Rand, keys.Record); err != nil {
		return nil, err
	}
	pub := keys.recordKey().Public().(ed25519.PublicKey)
	message := lengthPrefixed([]byte(newRecordLabel), []byte(s.serial()),
		binary.BigEndian.AppendUint32(nil, keys.Rotations+1), pub)
	return body{}.put(tgRecordKey, pub).put(tgSignature, ed25519.Sign(former, message)), nil
}

// unwrapLink undoes what the host did: a key derived from the present link key for this order, and RFC 3394.
func unwrapLink(link, order, wrapped []byte) ([]byte, bool) {
	root, err := newMAC(link)
	if err != nil || len(wrapped) != wrappedLink {
		return nil, false
	}
	of := sha256.Sum256(order)
	kek := root.sum([]byte{1}, []byte(wrapLabel), []byte{0}, of[:], []byte{0, 128})
	return unwrapAES(kek[:], wrapped)
}
