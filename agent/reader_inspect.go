package agent

import (
	"context"
	"errors"
	"slices"

	"unbindd/agent/envelope"
	"unbindd/device"
)

// slotSeen is one key slot as it was before anything was touched.
type slotSeen struct {
	Slot     uint16 `json:"slot"`
	Type     string `json:"type"`
	KCV      string `json:"kcv"`
	Method   string `json:"method"`
	State    string `json:"state"`
	Retained bool   `json:"retained"`
	Why      string `json:"why,omitempty"`
	Asked    bool   `json:"asked,omitempty"` // a probe asks and uses no key
}

// inspection is what was found before anything was touched.
type inspection struct {
	Absent    bool       `json:"absent"` // allowed by an amendment
	Serial    string     `json:"serial"`
	Model     string     `json:"model"`
	Firmware  string     `json:"firmware"`
	Tampered  bool       `json:"tampered"`
	EraCnt    uint32     `json:"eracnt"`
	Slots     []slotSeen `json:"slots"`
	Scope     []uint16   `json:"scope"`
	Challenge []byte     `json:"challenge"`
	Sockets   []int      `json:"sockets,omitempty"` // those with a module, whose own keys no erase of the reader reaches
	Lacks     []string   `json:"lacks,omitempty"`   // what an unbinding would use and the reader cannot do
	Power     supply     `json:"power"`
	Free      int64      `json:"free"` // bytes beside the state directory
}

// inspectReader asks the reader everything that the erase will be held against,
// and for its challenge.
func (a *Agent) inspectReader(ctx context.Context, c *caseFile, seen *inspection) error {
	p, err := c.profile(a.identity())
	if err != nil {
		return giveUpOn(err)
	}
	return a.askReader(ctx, c, seen, p.Slots)
}

func (a *Agent) askReader(ctx context.Context, c *caseFile, seen *inspection, types []envelope.ID) error {
	who, err := a.line().Identify(ctx)
	if err != nil {
		return err
	}
	if who.Serial != string(a.identity().binding.Reader.SN) {
		return device.ErrForeign{Serial: who.Serial}
	}
	can, err := a.line().Capabilities(ctx)
	if err != nil {
		return err
	}
	seen.Lacks = lacks(can)
	if err := a.poorer(seen.Lacks); err != nil {
		return err
	}
	tamper, err := a.line().Tamper(ctx)
	if err = seen.offered(device.CanTamper, err); err != nil {
		return err
	}
	slots, err := a.line().Slots(ctx)
	if err = seen.offered(device.CanList, err); err != nil {
		return err
	}
	seen.Serial, seen.Model, seen.Firmware, seen.EraCnt = who.Serial, who.Model, who.Firmware, who.EraseCounter
	seen.Tampered = tamper.Detected
	if seen.Sockets, err = a.modules(ctx, can); err != nil {
		return err
	}
	if err := a.hidden(ctx, seen, slots); err != nil {
		return err
	}
	if s, found := keptBack(slots, types); found {
		return giveUp("E22", "slots", "cannot go on: the reader would keep slot %d of type %s, which the profile erases", s.ID, s.Type)
	}
	seen.Slots, seen.Scope = survey(slots, types)
	if slot, typ, found := unnamed(seen); found {
		return giveUp("E22", "slots", "cannot go on: slot %d holds a key of type %s, which the profile does not name", slot, typ)
	}
	return a.challenge(ctx, c, seen)
}

// poorer ends the command for a reader that was bound as one which gives its
// events, and does not: what it holds would be in no backup.
func (a *Agent) poorer(lacks []string) error {
	for _, c := range []device.Capability{device.CanEvents, device.CanFreeze} {
		if a.identity().binding.Reader.Signs() && slices.Contains(lacks, string(c)) {
			return giveUp("E22", "reader", "cannot go on: the bound reader does not offer %s", c)
		}
	}
	return nil
}

// offered takes an answer to a question that the reader may not know. One that
// it offered and does not know is no "nothing there": the command ends.
func (i *inspection) offered(c device.Capability, err error) error {
	if !errors.Is(err, device.ErrUnsupported) {
		return err
	}
	if !slices.Contains(i.Lacks, string(c)) {
		return giveUp("E22", "reader", "cannot go on: the reader offers %s and does not know it", c)
	}
	return nil
}

// unnamed finds a key that would stay in the reader without anybody having said
// so: loaded, not retained, and of no type that the profile names.
func unnamed(seen *inspection) (slot uint16, typ string, found bool) {
	for _, s := range seen.Slots {
		if s.State != string(device.SlotEmpty) && !s.Retained && !slices.Contains(seen.Scope, s.Slot) {
			return s.Slot, s.Type, true
		}
	}
	return 0, "", false
}

// modules lists the sockets that hold a module.
func (a *Agent) modules(ctx context.Context, can []device.Capability) ([]int, error) {
	if !slices.Contains(can, device.CanSAM) {
		return nil, nil
	}
	sockets, err := a.line().SAMSlots(ctx)
	var filled []int
	for _, s := range sockets {
		if s.Present && !s.Card {
			filled = append(filled, s.Slot)
		}
	}
	return filled, err
}

// hidden ends the command for a reader whose list leaves out a key that answers: what it lists afterwards would be
// worth nothing. Where a probe only asks what the list asks, there is nothing to find.
func (a *Agent) hidden(ctx context.Context, seen *inspection, slots []device.Slot) error {
	if slices.Contains(seen.Lacks, string(device.CanProbe)) {
		return nil
	}
	for _, s := range slots {
		if s.State != device.SlotEmpty || s.Retained || s.Asked {
			continue
		}
		err := a.line().Probe(ctx, s.ID)
		if errors.Is(err, device.ErrUnsupported) {
			return seen.offered(device.CanProbe, err)
		}
		switch {
		case err == nil:
			return giveUp("E22", "slots", "cannot go on: slot %d is listed as empty and its key answers", s.ID)
		case !errors.Is(err, device.ErrNoKey) && !errors.As(err, new(device.ErrRefused)):
			return err
		}
	}
	return nil
}

// keptBack finds a key that the profile erases and the reader claims to retain: what is retained is the reader's own
// word, so it counts only for keys that nobody asked to be erased.
func keptBack(slots []device.Slot, types []envelope.ID) (device.Slot, bool) {
	i := slices.IndexFunc(slots, func(s device.Slot) bool {
		return s.Retained && s.State != device.SlotEmpty && slices.Contains(types, envelope.ID(s.Type))
	})
	if i < 0 {
		return device.Slot{}, false
	}
	return slots[i], true
}

// survey notes every slot, and which of them the erase must cover: every slot
// that is not empty, not retained, and of a type that the profile names.
func survey(slots []device.Slot, types []envelope.ID) (all []slotSeen, scope []uint16) {
	scope = []uint16{}
	for _, s := range slots {
		all = append(all, slotSeen{
			Slot: s.ID, Type: s.Type, KCV: s.KCV, Method: s.Method, State: string(s.State), Retained: s.Retained, Why: s.Reason, Asked: s.Asked,
		})
		if s.State != device.SlotEmpty && !s.Retained && slices.Contains(types, envelope.ID(s.Type)) {
			scope = append(scope, s.ID)
		}
	}
	slices.Sort(scope)
	return all, scope
}

// challenge asks the reader for the challenge its ticket will answer; an older
// one dies by it.
func (a *Agent) challenge(ctx context.Context, c *caseFile, seen *inspection) error {
	if len(seen.Scope) == 0 || !seen.erasable() {
		seen.Scope = []uint16{} // what cannot be erased and looked for is in no ticket's scope
		return nil
	}
	if !a.identity().binding.Reader.Signs() {
		return a.ownChallenge(seen)
	}
	order, err := c.digest().Raw()
	if err != nil {
		return err
	}
	ch, err := a.line().BeginErase(ctx, order, seen.Scope)
	if err != nil {
		return err
	}
	seen.Challenge, seen.EraCnt = ch.RC[:], ch.EraseCounter
	return nil
}
