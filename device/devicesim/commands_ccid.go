package devicesim

import (
	"bytes"
	"errors"
)

// Messages of the host, and what answers them.
const (
	ccidPowerOn    = 0x62
	ccidPowerOff   = 0x63
	ccidSlotStatus = 0x65
	ccidTransfer   = 0x6F
	ccidGetParams  = 0x6C
	ccidReset      = 0x6D
	ccidSetParams  = 0x61
	ccidEscape     = 0x6B
	ccidClock      = 0x6E

	ccidDataBlock  = 0x80
	ccidStatusIs   = 0x81
	ccidParamsAre  = 0x82
	ccidEscapeSays = 0x83
)

// Status and errors of an answer (CCID 1.1, 6.2.6). A small number is the place of the byte that was not understood.
const (
	ccidPowered   = 0x00
	ccidUnpowered = 0x01
	ccidNoICC     = 0x02
	ccidFailed    = 0x40

	ccidErrUnsupported = 0x00
	ccidErrLength      = 0x01
	ccidErrSlot        = 0x05
	ccidErrParam       = 0x07
	ccidErrLevel       = 0x08
	ccidErrData        = 0x0A
	ccidErrHardware    = 0xFB
	ccidErrMute        = 0xFE

	ccidClockRuns    = 0x00
	ccidClockStopped = 0x01
)

type ccidVerb struct {
	answer byte
	do     func(*ccidFront, ccidCommand, *ccidAnswer) error
}

// ccidVerbs run with the reader's state held. An error becomes the answer's, but for a power cut.
var ccidVerbs = map[byte]ccidVerb{
	ccidPowerOn:    {ccidDataBlock, (*ccidFront).powerOn},
	ccidPowerOff:   {ccidStatusIs, (*ccidFront).powerOff},
	ccidSlotStatus: {ccidStatusIs, func(*ccidFront, ccidCommand, *ccidAnswer) error { return nil }},
	ccidTransfer:   {ccidDataBlock, (*ccidFront).transfer},
	ccidGetParams:  {ccidParamsAre, (*ccidFront).getParams},
	ccidReset:      {ccidParamsAre, (*ccidFront).resetParams},
	ccidSetParams:  {ccidParamsAre, (*ccidFront).setParams},
	ccidEscape:     {ccidEscapeSays, (*ccidFront).escape},
	ccidClock:      {ccidStatusIs, (*ccidFront).clock},
}

// ccidError is a command refused, by the number that its answer carries.
type ccidError byte

func (ccidError) Error() string { return "command is refused" }

// execute answers one command; its error is a power cut.
func (f *ccidFront) execute(c ccidCommand) (ccidAnswer, error) {
	f.sim.mu.Lock()
	defer f.sim.mu.Unlock()
	verb, known := ccidVerbs[c.kind]
	if !known {
		verb = ccidVerb{ccidStatusIs, unsupportedCCID}
	}
	a := ccidAnswer{kind: verb.answer, slot: c.slot, seq: c.seq}
	var err error
	if int(c.slot) < len(f.sim.sockets) {
		err = verb.do(f, c, &a)
	} else {
		err = ccidError(ccidErrSlot)
	}
	if f.sim.mem.dead || errors.Is(err, errPowerCut) {
		return ccidAnswer{}, errPowerCut
	}
	a.status = f.slotStatus(c.slot)
	if a.kind == ccidStatusIs && a.status != ccidPowered {
		a.param = ccidClockStopped
	}
	if err != nil {
		a.status |= ccidFailed
		a.fault, a.data, a.param = faultCCID(err), nil, 0
	}
	return a, nil
}

func unsupportedCCID(*ccidFront, ccidCommand, *ccidAnswer) error {
	return ccidError(ccidErrUnsupported)
}

func faultCCID(err error) byte {
	var refused ccidError
	switch {
	case errors.As(err, &refused):
		return byte(refused)
	case errors.Is(err, errNoCard), errors.Is(err, errNoPower), errors.Is(err, errMute):
		return ccidErrMute
	}
	return ccidErrHardware // the card's memory
}

func (f *ccidFront) slotStatus(slot byte) byte {
	switch {
	case int(slot) >= len(f.sim.sockets) || f.sim.sockets[slot].kind == "":
		return ccidNoICC
	case f.sim.sockets[slot].card == nil:
		return ccidUnpowered
	}
	return ccidPowered
}

// powerOn answers with the card's answer to reset. The voltages are all the same to the card.
func (f *ccidFront) powerOn(c ccidCommand, a *ccidAnswer) (err error) {
	const automatic, lowest = 0, 3
	if v := c.params[0]; v < automatic || v > lowest {
		return ccidError(ccidErrParam)
	}
	delete(f.params, c.slot)
	if f.sim.wrong(faultMuteCard) {
		return errMute
	}
	a.data, err = f.sim.powerCard(int(c.slot))
	return err
}

func (f *ccidFront) powerOff(c ccidCommand, _ *ccidAnswer) error {
	delete(f.params, c.slot)
	f.sim.sockets[c.slot].card = nil
	return nil
}

// transfer carries a PPS, a TPDU of T=0 or a block of T=1; all of them fit into one message, so nothing is chained.
func (f *ccidFront) transfer(c ccidCommand, a *ccidAnswer) error {
	inside, err := f.sim.poweredCard(int(c.slot))
	switch {
	case err != nil:
		return err
	case c.params[1] != 0 || c.params[2] != 0:
		return ccidError(ccidErrLevel)
	case len(c.data) == 0:
		return ccidError(ccidErrLength)
	}
	if !f.sim.wrong(faultMuteCard) {
		a.data = inside.Exchange(c.data)
	}
	if len(a.data) == 0 {
		return errMute
	}
	return nil
}

// escape is the maker's own: the firmware's name, how moved cards are told, what more the firmware can do (nothing).
func (f *ccidFront) escape(c ccidCommand, a *ccidAnswer) error {
	switch {
	case bytes.Equal(c.data, []byte{0x02}):
		a.data = []byte(f.sim.options.Model + "-" + f.sim.mem.id.Firmware)
	case bytes.Equal(c.data, []byte{0x01, 0x01, 0x01}):
		f.waits = true
	case bytes.Equal(c.data, []byte{0x01, 0x01, 0x00}):
		f.waits = false
	case bytes.Equal(c.data, []byte{0x6A}):
	default:
		return ccidError(ccidErrData)
	}
	return nil
}

// clock stops or starts the card's clock, which the card does not mind.
func (f *ccidFront) clock(c ccidCommand, _ *ccidAnswer) error {
	if c.params[0] > 1 {
		return ccidError(ccidErrParam)
	}
	_, err := f.sim.poweredCard(int(c.slot))
	return err
}
