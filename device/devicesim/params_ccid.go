package devicesim

import (
	"bytes"

	"unbindd/device/devicesim/card"
)

// ccidParams is what the reader was told about a card's protocol: bProtocolNum and abProtocolDataStructure of CCID
// 1.1, 6.1.7. The reader keeps it and gives it back; the simulated socket has no clock that it would change.
type ccidParams struct {
	protocol byte
	data     []byte
}

// ccidDefaults are the parameters of a card that was just reset: Fi/Di, checks, guard time, waiting times, clock stop,
// and for T=1 IFSC and NAD.
var ccidDefaults = map[card.Protocol]ccidParams{
	card.T0: {0, []byte{0x11, 0x00, 0x00, 0x0A, 0x00}},
	card.T1: {1, []byte{0x11, 0x10, 0x00, 0x45, 0x00, 0x20, 0x00}},
}

func (f *ccidFront) getParams(c ccidCommand, a *ccidAnswer) error {
	if _, err := f.sim.poweredCard(int(c.slot)); err != nil {
		return err
	}
	p, told := f.params[c.slot]
	if !told {
		p = ccidDefaults[cardKinds[f.sim.sockets[c.slot].kind].Protocol]
	}
	a.param, a.data = p.protocol, p.data
	return nil
}

func (f *ccidFront) resetParams(c ccidCommand, a *ccidAnswer) error {
	delete(f.params, c.slot)
	return f.getParams(c, a)
}

func (f *ccidFront) setParams(c ccidCommand, a *ccidAnswer) error {
	if _, err := f.sim.poweredCard(int(c.slot)); err != nil {
		return err
	}
	speaks := ccidDefaults[cardKinds[f.sim.sockets[c.slot].kind].Protocol]
	switch {
	case c.params[0] != speaks.protocol:
		return ccidError(ccidErrParam)
	case len(c.data) != len(speaks.data):
		return ccidError(ccidErrLength)
	}
	f.params[c.slot] = ccidParams{c.params[0], bytes.Clone(c.data)}
	return f.getParams(c, a)
}
