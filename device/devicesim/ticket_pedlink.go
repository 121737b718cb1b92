package devicesim

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
)

// ticket is the permission to erase, as the reader sees it.
type ticket struct {
	digest    [32]byte // SHA-256 of the signed message
	message   []byte
	signature []byte

	serial  string
	rc      []byte
	counter uint32
	scope   []uint16
	order   []byte
}

const (
	ticketLabel = "pedlink-ticket/1"
	recordLabel = "pedlink-record/1"
	slotsLabel  = "pedlink-slots/1"
)

// parseTicket reads u16 length ‖ message ‖ signature; false for anything else. Nothing is verified yet.
func parseTicket(b []byte) (ticket, bool) {
	if len(b) < 2 {
		return ticket{}, false
	}
	n := int(binary.BigEndian.Uint16(b))
	if len(b) != 2+n+ed25519.SignatureSize {
		return ticket{}, false
	}
	t := ticket{message: b[2 : 2+n], signature: b[2+n:]}
	parts := unprefixed(t.message)
	if len(parts) != 7 || string(parts[0]) != ticketLabel {
		return ticket{}, false
	}
	for i, size := range map[int]int{2: 16, 3: 4, 5: 32, 6: 32} {
		if len(parts[i]) != size {
			return ticket{}, false
		}
	}
	scope, ok := parseScope(parts[4])
	if !ok {
		return ticket{}, false
	}
	t.digest = sha256.Sum256(t.message)
	t.serial, t.rc, t.counter = string(parts[1]), parts[2], binary.BigEndian.Uint32(parts[3])
	t.scope, t.order = scope, parts[5]
	return t, true
}

func (t ticket) signedBy(key ed25519.PublicKey) bool {
	return len(key) == ed25519.PublicKeySize && ed25519.Verify(key, t.message, t.signature)
}

// parseScope wants at least one slot, in ascending order, each once.
func parseScope(b []byte) ([]uint16, bool) {
	if len(b) == 0 || len(b)%2 != 0 {
		return nil, false
	}
	var scope []uint16
	for ; len(b) > 0; b = b[2:] {
		id := binary.BigEndian.Uint16(b)
		if n := len(scope); n > 0 && scope[n-1] >= id {
			return nil, false
		}
		scope = append(scope, id)
	}
	return scope, true
}
