package main

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"unbindd/agent/certificate"
	"unbindd/agent/enrol"
	"unbindd/agent/envelope"
)

// recordLabel begins what the reader signs about its erase.
const recordLabel = "pedlink-record/1"

// resultFailed is the reader's word for a slot that it could not erase.
const resultFailed = 2

// recordMessage is what the reader signed: label, serial number, counter after
// the erase, ticket digest, host nonce and results by slot, each field with its
// length before it (u16, big-endian). Source: pedlink/1.
func recordMessage(r *certificate.Record) ([]byte, error) {
	if r.EraCnt < 0 || r.EraCnt > math.MaxUint32 || len(r.Ticket) != 32 || len(r.Nonce) != 16 {
		return nil, errors.New("cannot read the erase record: a field has the wrong size")
	}
	sorted := slices.SortedFunc(slices.Values(r.Results), func(a, b certificate.SlotResult) int { return cmp.Compare(a.Slot, b.Slot) })
	var results []byte
	for _, s := range sorted {
		if s.Slot < 0 || s.Slot > math.MaxUint16 || s.Result < 0 || s.Result > resultFailed {
			return nil, errors.New("cannot read the erase record: a slot or a result is out of range")
		}
		results = append(binary.BigEndian.AppendUint16(results, uint16(s.Slot)), byte(s.Result))
	}
	if len(results) > math.MaxUint16 {
		return nil, errors.New("cannot read the erase record: it has too many slots")
	}
	var m []byte
	for _, field := range [][]byte{
		[]byte(recordLabel), []byte(r.SN), binary.BigEndian.AppendUint32(nil, uint32(r.EraCnt)), r.Ticket, r.Nonce, results,
	} {
		m = append(binary.BigEndian.AppendUint16(m, uint16(len(field))), field...)
	}
	return m, nil
}

// checkRecord holds the certificate's words on the reader against the reader's
// own. A certificate without a record may not claim to be authenticated.
func checkRecord(r *certificate.Reader, bound enrol.Reader) (note words, err error) {
	if r.Record == nil {
		if r.Authenticated {
			return words{}, errors.New("cannot trust the reader's part: it says authenticated and carries no erase record")
		}
		if r.Outcome == "erased" && len(r.Slots) > 0 && bound.Signs() {
			return words{}, errors.New("cannot trust the reader's part: the bound reader signs what it erases, and there is no erase record")
		}
		return words{"not authenticated by the reader", "未经读卡器认证"}, nil
	}
	if !r.Authenticated {
		if r.Outcome == "erased" && len(r.Slots) > 0 && bound.Signs() {
			return words{}, errors.New("cannot trust the reader's part: it is called erased, and its erase record is not called authentic")
		}
		return words{"there is an erase record, and the certificate itself does not call it authentic", "有擦除记录，但证书本身未认定其真实"}, nil
	}
	m, err := recordMessage(r.Record)
	if err != nil {
		return words{}, err
	}
	if r.Record.SN != bound.SN {
		return words{}, errors.New("cannot trust the erase record: it is of another reader")
	}
	if !(envelope.PublicKey{Alg: envelope.Ed25519, Pub: bound.Pub}).Verify(m, r.Record.Sig) {
		return words{}, errors.New("cannot trust the erase record: it is not signed by the bound reader")
	}
	failed := slices.ContainsFunc(r.Record.Results, func(s certificate.SlotResult) bool { return s.Result == resultFailed })
	if failed && r.Outcome == "erased" {
		return words{}, errors.New("cannot trust the reader's part: it says erased, and the reader says that a slot failed")
	}
	return words{"signed by the reader, erase counter %d", "由读卡器签名，擦除计数 %d"}.fill(r.Record.EraCnt), nil
}
