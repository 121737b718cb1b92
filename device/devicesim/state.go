package devicesim

import (
	"encoding/hex"
	"maps"
)

// State is what a test or a demonstration wants to see of a reader.
type State struct {
	Serial         string      `json:"serial"`
	Frozen         bool        `json:"frozen"`
	Tampered       bool        `json:"tampered"`
	Held           int         `json:"held"`       // events not yet acknowledged
	Acked          uint32      `json:"acked"`      // highest event number let go
	LastEvent      uint32      `json:"last_event"` // highest event number given
	EraseCount     uint32      `json:"erase_count"`
	BootCount      uint32      `json:"boot_count"`
	Challenged     bool        `json:"challenged"`
	FailedProofs   int         `json:"failed_proofs"` // since the last good one
	ErasesStarted  uint32      `json:"erases_started"`
	ErasesOrdered  uint64      `json:"erases_ordered"` // commands that order an erase, since it was switched on
	ErasesFinished uint32      `json:"erases_finished"`
	Slots          []SlotState `json:"slots"`
	Faults         []string    `json:"faults"`

	// Struck is how often each fault and each line fault did its wrong since the reader was switched on.
	Struck map[string]uint64 `json:"struck"`
	// StruckBefore is what Struck was when the first erase was ordered; nil: none was since it was switched on.
	StruckBefore map[string]uint64 `json:"struck_before_erase,omitempty"`

	// DeletesOfEmpty is how often an order to delete named each slot that held no key, since it was switched on: a host
	// that looks before it deletes does not.
	DeletesOfEmpty map[uint16]uint64 `json:"deletes_of_empty,omitempty"`
}

// SlotState is the truth about one slot, whatever the reader lists.
type SlotState struct {
	Slot     uint16 `json:"slot"`
	Type     string `json:"type"`
	State    string `json:"state"`
	KCV      string `json:"kcv"`
	Alg      string `json:"alg"`
	Method   string `json:"method,omitempty"` // of the KCV
	KSN      string `json:"ksn,omitempty"`    // with the counter of the last use
	Parent   uint16 `json:"parent,omitempty"` // slot of the key it was loaded under
	Zeroised uint32 `json:"zeroised"`         // times its key was overwritten
	Retained bool   `json:"retained"`
}

// State reads everything at one moment.
func (s *Sim) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.mem.st
	out := State{
		Serial: s.serial(), Frozen: st.Frozen, Tampered: st.Tampered,
		Held: len(s.mem.held), Acked: s.mem.released, LastEvent: s.mem.last,
		EraseCount: st.EraseCount, BootCount: st.BootCount, Challenged: st.Challenge != nil, FailedProofs: st.FailedProofs,
		ErasesStarted: st.ErasesStarted, ErasesFinished: st.ErasesFinished, ErasesOrdered: s.script.count(countErases), Faults: s.faults.list(),
		Struck: s.struck.told(), StruckBefore: s.struck.toldBefore(), DeletesOfEmpty: maps.Clone(s.blind),
	}
	for _, k := range s.mem.slots {
		out.Slots = append(out.Slots, SlotState{
			Slot: k.id, Type: typeNames[k.typ], State: stateNames[k.state], KCV: hex.EncodeToString(k.kcv),
			Alg: algNames[k.alg], Method: methodNames[k.method], KSN: hex.EncodeToString(k.ksn), Parent: k.parent,
			Zeroised: k.zeroised, Retained: k.reason != 0,
		})
	}
	return out
}

// SetSlot makes a loaded slot exhausted or blocked, or loaded again.
func (s *Sim) SetSlot(id uint16, state string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.mem.slotIndex(id)
	if i < 0 || s.mem.slots[i].state == slotEmpty {
		return errNoKeyThere
	}
	for code, name := range stateNames {
		if name == state && code != slotEmpty {
			s.mem.slots[i].state = code
			return s.mem.saveHead(i)
		}
	}
	return errNoSuchState
}
