package grounds

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"

	"unbindd/agent/certificate"
	"unbindd/agent/envelope"
	"unbindd/agent/ticket"
)

// recordLabel begins the bytes that a reader signs about its erase.
const recordLabel = "pedlink-record/1"

// The results a reader gives for a slot.
const (
	slotErased = 0
	slotEmpty  = 1
)

// RecordMessage is what the reader signed: each field with its length before it.
func RecordMessage(r certificate.Record) ([]byte, error) {
	if r.EraCnt < 0 || r.EraCnt > math.MaxUint32 || len(r.Ticket) != 32 || len(r.Nonce) != 16 {
		return nil, errors.New("a field of the erase record has another size than it must have")
	}
	var results []byte
	for i, s := range r.Results {
		if s.Slot < 0 || s.Slot > math.MaxUint16 || s.Result < 0 || s.Result > math.MaxUint8 || (i > 0 && s.Slot <= r.Results[i-1].Slot) {
			return nil, errors.New("the results of the erase record are not sorted or out of range")
		}
		results = append(binary.BigEndian.AppendUint16(results, uint16(s.Slot)), byte(s.Result))
	}
	var m []byte
	for _, field := range [][]byte{
		[]byte(recordLabel), []byte(r.SN), binary.BigEndian.AppendUint32(nil, uint32(r.EraCnt)), r.Ticket, r.Nonce, results,
	} {
		m = binary.BigEndian.AppendUint16(m, uint16(len(field)))
		m = append(m, field...)
	}
	return m, nil
}

// CheckRecord verifies that an erase record is the bound reader's.
func (g *Grounds) CheckRecord(r certificate.Record) error {
	m, err := RecordMessage(r)
	if err != nil {
		return record("%w", err)
	}
	key := envelope.PublicKey{Alg: envelope.Ed25519, Pub: g.Binding.Reader.Pub}
	if r.SN != g.Binding.Reader.SN {
		return record("it is of another reader than the bound one")
	}
	if !key.Verify(m, r.Sig) {
		return record("it is not signed by the bound reader")
	}
	return nil
}

// Answers compares an erase record with the ticket it must be for: the counter
// moved by exactly one and every slot is in it. With erased, no slot may have
// failed.
func Answers(r certificate.Record, o ticket.Order, erased bool) error {
	digest, err := o.Digest()
	if err != nil {
		return record("%w", err)
	}
	if !bytes.Equal(digest[:], r.Ticket) {
		return record("it answers another ticket")
	}
	if r.EraCnt != int64(o.EraCnt)+1 {
		return record("the erase counter did not move by exactly one")
	}
	said := map[int64]int64{}
	for _, s := range r.Results {
		said[s.Slot] = s.Result
	}
	for _, slot := range o.Scope {
		result, ok := said[int64(slot)]
		if !ok || (erased && result != slotErased && result != slotEmpty) {
			return record("slot %d was not erased", slot)
		}
	}
	return nil
}

func record(format string, args ...any) error {
	return envelope.Refuse("E06", "record", "cannot accept the erase record: "+format, args...)
}
