package devicesim

import (
	"crypto/ed25519"
	"encoding/binary"
	"slices"
)

// reply is a command's outcome. An error is the simulator's, not the reader's: a power cut ends the
// conversation, anything else is told as a failure of the memory.
type reply struct {
	status status
	body   body
	err    error
	reboot bool // once the host has the answer
}

// execute runs a command that needs no knowledge of the line; s.mu is held.
func (s *Sim) execute(op opcode, v values) reply {
	switch op {
	case opInfo:
		return s.info()
	case opTamper:
		return s.tamperState()
	case opReboot:
		return reply{reboot: !s.wrong(faultIgnoresReboot)}
	case opListKeys:
		return s.listKeys(v)
	case opKeyProbe:
		return s.keyProbe(v)
	case opLoadKey:
		return s.loadBlock(v)
	case opCardList:
		return s.cardList()
	case opCardPower:
		return s.cardPower(v)
	case opCardAPDU:
		return s.cardAPDU(v)
	case opRotate:
		return s.rotate(v)
	case opEraseBegin:
		return s.eraseBegin(v)
	case opEraseCommit:
		return s.eraseCommit(v)
	case opEraseStatus:
		return s.eraseStatus(v)
	case opEraseCancel:
		return s.eraseCancel()
	case opFreeze:
		return s.setFrozen(true)
	case opThaw:
		return s.setFrozen(false)
	}
	return reply{status: stUnknown}
}

func (s *Sim) info() reply {
	id, st := s.mem.id, s.mem.st
	flags := flag(st.Frozen, 1) | flag(st.Tampered, 2) | flag(st.Challenge != nil, 4)
	return reply{body: body{}.
		put(tgSerial, []byte(s.tellSerial())).
		put(tgModel, []byte(id.Model)).
		put(tgFirmware, []byte(id.Firmware)).
		put(tgHardware, []byte(id.Hardware)).
		put(tgRecordKey, s.recordKey().Public().(ed25519.PublicKey)).
		put32(tgEraseCount, st.EraseCount).
		put32(tgBootCount, st.BootCount).
		put16(tgMaxLength, maxPayload).
		put8(tgFlags, flags).
		puts(s.offers()).
		puts(s.rotations())}
}

func flag(set bool, bit byte) byte {
	if set {
		return bit
	}
	return 0
}

func (s *Sim) listKeys(v values) reply {
	if !v.has(map[tag]int{tgSlot: 2}) {
		return reply{status: stMalformed}
	}
	var b body
	entries := 0
	for _, k := range s.allSlots() {
		if k.id < v.u16(tgSlot) {
			continue
		}
		if entries++; entries > pageSlots {
			break
		}
		b = b.put(tgKeyEntry, k.entry(k.hidden || s.shadowed[k.id]))
	}
	return reply{body: b}
}

// The reader's own two keys are listed with those of the payment scheme: they stay, and that is to be seen.
const (
	linkSlot   = 0xFF01
	recordSlot = 0xFF02
)

func (s *Sim) allSlots() []slot {
	all := slices.Clone(s.mem.slots)
	slices.SortFunc(all, func(a, b slot) int { return int(a.id) - int(b.id) })
	link := slot{id: linkSlot, typ: keyLink, alg: algAES, state: slotLoaded, reason: keepReaderLink, key: s.linkKey()}
	if method, kcv, err := checkValue(algAES, link.key); err == nil {
		link.method, link.kcv = method, kcv
	}
	record := slot{id: recordSlot, typ: keyRecord, alg: algEd25519, state: slotLoaded, reason: keepRecordSigning}
	return append(all, link, record)
}

// keyProbe uses the key: a list may say anything, an answer needs the key.
func (s *Sim) keyProbe(v values) reply {
	if !v.has(map[tag]int{tgSlot: 2, tgNonce: 16}) {
		return reply{status: stMalformed}
	}
	all := s.allSlots()
	i := slices.IndexFunc(all, func(k slot) bool { return k.id == v.u16(tgSlot) })
	if i < 0 || all[i].alg == algEd25519 {
		return reply{status: stNoSlot}
	}
	switch k := all[i]; {
	case k.state == slotEmpty || s.shadowed[k.id]:
		return reply{status: stNoKey}
	case k.state == slotBlocked:
		return reply{status: stKeyBlocked}
	default:
		answer, err := prove(k.alg, k.key, v[tgNonce])
		return reply{body: body{}.put(tgProbe, answer), err: err}
	}
}

func (s *Sim) setFrozen(frozen bool) reply {
	if s.mem.st.Frozen == frozen {
		return reply{}
	}
	s.mem.st.Frozen = frozen
	return reply{err: s.mem.save()}
}

// eventsSince says what is held after a number; ahead of the last one there is nothing to follow.
func (s *Sim) eventsSince(v values) (after uint32, r reply) {
	if !v.has(map[tag]int{tgEvent: 4}) {
		return 0, reply{status: stMalformed}
	}
	after = v.u32(tgEvent)
	if after > s.mem.last {
		return 0, reply{status: stEventAhead}
	}
	backlog := binary.BigEndian.AppendUint32(nil, s.mem.released+1)
	backlog = binary.BigEndian.AppendUint32(backlog, s.mem.last)
	backlog = binary.BigEndian.AppendUint32(backlog, max(s.mem.released, after)-after)
	return after, reply{body: body{}.put(tgBacklog, backlog)}
}

// eventsAck lets go of events, but of none that the host cannot have.
func (s *Sim) eventsAck(v values, pushed uint32) reply {
	if !v.has(map[tag]int{tgEvent: 4}) {
		return reply{status: stMalformed}
	}
	upTo := v.u32(tgEvent)
	switch {
	case upTo > s.mem.last:
		return reply{status: stEventAhead}
	case upTo > pushed && upTo > s.mem.released:
		return reply{status: stEventUnpushed}
	}
	return reply{err: s.mem.release(upTo)}
}
