package devicesim

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"slices"
)

// The erase in the reader:
//
//	idle -> challenged (BEGIN) -> started (COMMIT with a good ticket) -> done
//	challenged -> challenged (BEGIN again) | idle (CANCEL)
//	started -> started (power cut: at the next start it is finished before any command) -> done
//
// All of it is in the memory file; started and done are one write each.

// challenge is what the next ticket must answer.
type challenge struct {
	RC    []byte   `json:"rc"`
	Order []byte   `json:"order"`
	Scope []uint16 `json:"scope"`
}

// erasing is an erase that has begun and must be finished.
type erasing struct {
	Order  []byte   `json:"order"`
	Ticket []byte   `json:"ticket"`
	Nonce  []byte   `json:"nonce"`
	Scope  []uint16 `json:"scope"`
	Full   []uint16 `json:"full"` // slots that held a key when it began
}

// done is an erase that is finished; its record is given out as often as it is asked for.
type done struct {
	Order     []byte `json:"order"`
	Ticket    []byte `json:"ticket"`
	Record    []byte `json:"record"`
	Signature []byte `json:"signature"`
}

const (
	keptRecords = 4

	resultErased = 0
	resultEmpty  = 1
	resultFailed = 2
)

func (s *Sim) eraseBegin(v values) reply {
	scope, ok := parseScope(v[tgScope])
	if !ok || !v.has(map[tag]int{tgOrder: 32}) {
		return reply{status: stMalformed}
	}
	for _, id := range scope {
		if i := s.mem.slotIndex(id); i < 0 || s.mem.slots[i].reason != 0 {
			return reply{status: stScope}
		}
	}
	rc := make([]byte, 16)
	if _, err := io.ReadFull(s.options.Rand, rc); err != nil {
		return reply{err: err}
	}
	s.mem.st.Challenge = &challenge{RC: rc, Order: bytes.Clone(v[tgOrder]), Scope: scope}
	if err := s.mem.save(); err != nil {
		return reply{err: err}
	}
	digest := s.slotsDigest(scope)
	return reply{body: body{}.put(tgChallenge, rc).put32(tgEraseCount, s.mem.st.EraseCount).put(tgSlotsHash, digest[:])}
}

// slotsDigest ties a challenge to what the slots held.
func (s *Sim) slotsDigest(scope []uint16) [32]byte {
	parts := [][]byte{[]byte(slotsLabel)}
	for _, id := range scope {
		k := &s.mem.slots[s.mem.slotIndex(id)]
		parts = append(parts, append([]byte{byte(id >> 8), byte(id), k.typ, k.state, k.method}, k.kcv...))
	}
	return sha256.Sum256(lengthPrefixed(parts...))
}

func (s *Sim) eraseCancel() reply {
	if s.mem.st.Challenge == nil {
		return reply{}
	}
	s.mem.st.Challenge = nil
	return reply{err: s.mem.save()}
}

func (s *Sim) eraseStatus(v values) reply {
	if !v.has(map[tag]int{tgOrder: 32}) {
		return reply{status: stMalformed}
	}
	for _, d := range slices.Backward(s.mem.st.Done) {
		if bytes.Equal(d.Order, v[tgOrder]) {
			return s.shown(d)
		}
	}
	return reply{status: stNoOrder}
}

func (d done) reply() reply {
	return reply{body: body{}.put(tgRecord, d.Record).put(tgSignature, d.Signature)}
}

func (s *Sim) eraseCommit(v values) reply {
	t, ok := parseTicket(v[tgTicket])
	switch {
	case !v.has(map[tag]int{tgNonce: 16}):
		return reply{status: stMalformed}
	case !ok:
		return reply{status: stTicketForm}
	case !t.signedBy(s.mem.st.Own.Ticket):
		return reply{status: stTicketForged}
	}
	for _, d := range s.mem.st.Done {
		if bytes.Equal(d.Ticket, t.digest[:]) {
			return s.shown(d) // one ticket, one erase
		}
	}
	if st := s.checkTicket(t); st != stOK {
		return reply{status: st}
	}
	if code, refuses := s.refusal(faultRefuses); refuses {
		return reply{status: code}
	}
	if err := s.startErase(t, v[tgNonce]); err != nil {
		return reply{err: err}
	}
	if err := s.finishErase(); err != nil {
		return reply{err: err}
	}
	if err := s.cutAt(faultCutBeforeAnswer, 0); err != nil {
		return reply{err: err}
	}
	for _, fault := range []string{faultSaysFailed, faultNoRecord} {
		if code, lies := s.refusal(fault); lies {
			return reply{status: code}
		}
	}
	return s.shown(s.mem.st.Done[len(s.mem.st.Done)-1])
}

// checkTicket compares the ticket with the challenge and the reader as it is now.
func (s *Sim) checkTicket(t ticket) status {
	c := s.mem.st.Challenge
	switch {
	case c == nil:
		return stNoChallenge
	case t.serial != s.serial():
		return stTicketSerial
	case !bytes.Equal(t.rc, c.RC):
		return stTicketStale
	case t.counter != s.mem.st.EraseCount:
		return stTicketCounter
	case !slices.Equal(t.scope, c.Scope):
		return stTicketScope
	case !bytes.Equal(t.order, c.Order):
		return stTicketOrder
	case len(s.mem.held) > 0:
		return stEventsHeld
	}
	return stOK
}

// startErase is the point after which the erase will happen, whatever comes.
func (s *Sim) startErase(t ticket, nonce []byte) error {
	if err := s.cutAt(faultCutBeforeJournal, 0); err != nil {
		return err
	}
	e := &erasing{Order: bytes.Clone(t.order), Ticket: t.digest[:], Nonce: bytes.Clone(nonce), Scope: t.scope}
	for _, id := range t.scope {
		if s.mem.slots[s.mem.slotIndex(id)].state != slotEmpty {
			e.Full = append(e.Full, id)
		}
	}
	s.mem.st.Erase, s.mem.st.Challenge = e, nil
	s.mem.st.ErasesStarted++
	if err := s.mem.save(); err != nil {
		return err
	}
	return s.cutAt(faultCutAfterJournal, 0)
}

// finishErase carries out what was started and signs the record. It is also run at start-up.
func (s *Sim) finishErase() error {
	e := s.mem.st.Erase
	var results []byte
	for n, id := range e.Scope {
		if err := s.cutAt(faultCutAfter, n); err != nil {
			return err
		}
		result, err := s.eraseSlot(s.mem.slotIndex(id), n, e)
		if err != nil {
			return err
		}
		results = append(results, byte(id>>8), byte(id), result)
	}
	if err := s.cutAt(faultCutAfter, len(e.Scope)); err != nil {
		return err
	}
	if err := s.eraseTooMuch(e.Scope); err != nil {
		return err
	}
	return s.signErase(e, results)
}

// eraseSlot zeroises one slot, or does what a fault wants instead.
func (s *Sim) eraseSlot(i, n int, e *erasing) (result byte, err error) {
	k := &s.mem.slots[i]
	if !slices.Contains(e.Full, k.id) {
		return resultEmpty, nil
	}
	switch {
	case k.state == slotEmpty: // before the power cut
		return resultErased, nil
	case n >= len(e.Scope)/2 && s.wrong(faultHalf):
		return resultFailed, nil
	case s.wrong(faultLiesKeeps):
		return resultErased, nil
	case s.wrong(faultLiesUntilReboot):
		s.shadowed[k.id] = true
		return resultErased, nil
	case s.wrong(faultLiesHides):
		k.hidden = true
		return resultErased, s.mem.saveHead(i)
	}
	return resultErased, s.mem.zeroise(i)
}

func (s *Sim) signErase(e *erasing, results []byte) error {
	counter := s.mem.st.EraseCount + 1
	if s.faults.has(faultNoRecord) { // the answer counts the strike
		return s.ended(counter)
	}
	record := lengthPrefixed([]byte(recordLabel), []byte(s.serial()),
		binary.BigEndian.AppendUint32(nil, counter), e.Ticket, e.Nonce, results)
	s.mem.st.Done = append(s.mem.st.Done, done{
		Order: e.Order, Ticket: e.Ticket, Record: record, Signature: ed25519.Sign(s.recordKey(), record),
	})
	if extra := len(s.mem.st.Done) - keptRecords; extra > 0 {
		s.mem.st.Done = s.mem.st.Done[extra:]
	}
	return s.ended(counter)
}

// ended closes an erase, and makes that and its record durable at once.
func (s *Sim) ended(counter uint32) error {
	s.mem.st.Erase = nil
	s.mem.st.EraseCount = counter
	s.mem.st.ErasesFinished++
	return s.mem.save()
}
