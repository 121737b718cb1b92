package main

import (
	"slices"

	"unbindd/agent/certificate"
	"unbindd/device/devicesim"
)

// slotsAsCertified compares the certificate, slot by slot, with the reader's own memory, which no fault can bend.
func (w *world) slotsAsCertified(r certificate.Reader) {
	w.t.Helper()
	state := w.readerState()
	told := map[uint16]certificate.Slot{}
	for _, s := range r.Slots {
		told[uint16(s.Slot)] = s
	}
	for _, s := range state.Slots {
		slot, known := told[s.Slot]
		delete(told, s.Slot)
		if wrong := wronged(state, r.Outcome, s, slot, known); wrong != "" {
			w.t.Errorf("%s: slot %04x is %s, overwritten %d times, retained %v; certified %q, the reader is called %s",
				wrong, s.Slot, s.State, s.Zeroised, s.Retained, slot.After, r.Outcome)
		}
	}
	for slot := range told {
		w.t.Errorf("slot %04x is certified and the reader has none", slot)
	}
}

// wronged says what of a slot's certificate is not so, or "".
func wronged(state devicesim.State, outcome string, s devicesim.SlotState, slot certificate.Slot, known bool) string {
	full := s.State != "empty"
	looked := slices.Contains([]string{"erased", "incomplete", "unverified"}, outcome)
	switch {
	case s.Zeroised > 1:
		return "overwritten again"
	case s.Retained && state.Struck["erases-too-much"] > 0: // and the case says so
	case s.Retained && (known || s.Zeroised > 0 || !full):
		return "outside the scope"
	case s.Retained, !known && !full && s.Zeroised == 0: // never had a key
	case !known && looked:
		return "not in the certificate"
	case outcome == "erased" && (full || s.Zeroised != 1 || slot.After != "empty"):
		return "not erased"
	case slot.After == "empty" && full && !cannotBeSeen(state, s, slot):
		return "not empty"
	case !full && slices.Contains([]string{"answers", "listed", "refused"}, slot.After):
		return "empty"
	case looked && slot.After == "unknown":
		return "not looked at"
	}
	return ""
}

// cannotBeSeen: an mpos reader can only be asked for the check value of these keys, so one that lies to that question is
// caught by its other keys; and the certificate says of the slot that it was only asked.
func cannotBeSeen(state devicesim.State, s devicesim.SlotState, slot certificate.Slot) bool {
	return state.Struck["lies-hides-from-list"] > 0 && slices.Contains([]string{"TPK", "TMK", "IPEK"}, s.Type) && slot.Probe == certificate.Asked
}
