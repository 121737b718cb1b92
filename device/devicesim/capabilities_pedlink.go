package devicesim

import (
	"slices"
	"strings"
)

// revision is what of pedlink/1 this reader speaks; the first had no tag for it.
const revision = 2

// faultLacks makes a poorer reader: =names of capabilities, separated by commas. With "revision" among them it
// is a reader of revision 1, that does not tell what it can and has the base alone.
const faultLacks = "lacks"

const oldReader = "revision"

// offer is one capability: its bit of tag 21 and its commands.
type offer struct {
	name     string
	base     bool // part of revision 1
	commands []opcode
}

// pedlinkOffers stand in the order of their bits.
var pedlinkOffers = []offer{
	{"events", true, []opcode{opEventsSince, opEventsAck}},
	{"freeze", true, []opcode{opFreeze, opThaw}},
	{"tamper", true, []opcode{opTamper}},
	{"list", true, []opcode{opListKeys}},
	{"probe", true, []opcode{opKeyProbe}},
	{"erase", true, []opcode{opEraseBegin, opEraseCommit, opEraseStatus, opEraseCancel}},
	{"restart", true, []opcode{opReboot}},
	{"sam", false, []opcode{opCardPower, opCardAPDU, opCardList}},
	{"load", false, []opcode{opLoadKey}},
	{"rotate", false, []opcode{opRotate}},
}

func isLacks(value string) bool {
	for name := range strings.SplitSeq(value, ",") {
		if name != oldReader && !slices.ContainsFunc(pedlinkOffers, func(o offer) bool { return o.name == name }) {
			return false
		}
	}
	return true
}

func (s *Sim) isOld() bool {
	return slices.Contains(strings.Split(s.faults[faultLacks], ","), oldReader)
}

func (s *Sim) withholds(o offer) bool {
	return slices.Contains(strings.Split(s.faults[faultLacks], ","), o.name) || !o.base && s.isOld()
}

// lacks says that a command is one this reader was made without.
func (s *Sim) lacks(op opcode) bool {
	return slices.ContainsFunc(pedlinkOffers, func(o offer) bool {
		return s.withholds(o) && slices.Contains(o.commands, op) && s.wrong(faultLacks)
	})
}

// offers is what INFO and the answer to HELLO tell about the protocol.
func (s *Sim) offers() body {
	s.wrong(faultLacks)
	if s.isOld() {
		return nil
	}
	var bits uint32
	for i, o := range pedlinkOffers {
		if !s.withholds(o) {
			bits |= 1 << i
		}
	}
	return body{}.put8(tgRevision, revision).put32(tgOffers, bits)
}
