package device

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// errPPS says that a card did not agree to what its answer to reset offers.
var errPPS = errors.New("module does not agree to protocol and speed")

// agree settles protocol and speed: with a PPS if the card offers something else than its default and asked is
// set, and then by telling the reader.
func (c *ccid) agree(slot int, m *module, asked bool) error {
	m.speed = defaultSpeed
	first := m.protocol == m.terms.Protocols[0]
	switch {
	case m.terms.Specific && !m.terms.Implicit:
		m.speed = m.terms.Speed
	case m.terms.Specific:
	case asked && isSpeed(m.terms.Speed) && (m.terms.Speed != defaultSpeed || !first):
		if err := c.exchangePPS(slot, m); err != nil {
			return err
		}
	case !first:
		return fmt.Errorf("%w: it stays with T=%d", errPPS, m.terms.Protocols[0])
	}
	_, err := c.link.ask(m.parameters(slot), c.link.retry.Response, ccidBrief)
	var f ccidFailure
	if errors.As(err, &f) && f.code == ccidNoCommand {
		return nil // a reader that reads the answer to reset itself
	}
	return err
}

// exchangePPS is the request of ISO/IEC 7816-3, section 9: PPSS, PPS0 (protocol, PPS1 follows), PPS1, PCK.
func (c *ccid) exchangePPS(slot int, m *module) error {
	request := []byte{0xFF, byte(m.protocol)}
	if m.terms.Speed != defaultSpeed {
		request = append([]byte{0xFF, 0x10 | byte(m.protocol)}, m.terms.Speed)
	}
	request = append(request, lrc(request))
	answer, err := c.link.ask(ccidMessage{kind: ccidXfrBlock, slot: byte(slot), data: request}, c.link.retry.Response+time.Second, ccidBrief)
	short := []byte{0xFF, byte(m.protocol), 0xFF ^ byte(m.protocol)}
	switch {
	case err != nil:
		return err
	case bytes.Equal(answer.data, request):
		m.speed = m.terms.Speed
		return nil
	case bytes.Equal(answer.data, short): // the protocol yes, the speed no
		return nil
	}
	return errPPS
}

// clockRates is Fi by its number in TA1 (section 8.3, table 7); 0 is kept for later.
var clockRates = [16]int64{372, 372, 558, 744, 1116, 1488, 1860, 0, 0, 512, 768, 1024, 1536, 2048, 0, 0}

// isSpeed tells Fi and Di that the standard defines from those it keeps for later.
func isSpeed(fidi byte) bool {
	di := fidi & 0x0F
	return clockRates[fidi>>4] != 0 && di >= 1 && di <= 9
}

// parameters is the SetParameters command for a module (CCID 6.1.7).
func (m *module) parameters(slot int) ccidMessage {
	var convention byte
	if m.terms.Inverse {
		convention = 2
	}
	data := []byte{m.speed, convention, m.terms.Guard, m.terms.Waiting, 0}
	if m.protocol == 1 {
		code := 0x10 | convention
		if m.terms.CRC {
			code |= 1
		}
		data = []byte{m.speed, code, m.terms.Guard, m.terms.BWI<<4 | m.terms.CWI, 0, byte(m.terms.IFSC), 0}
	}
	return ccidMessage{kind: ccidSetParameters, slot: byte(slot), fields: [3]byte{byte(m.protocol)}, data: data}
}

// slowestClock is assumed of a reader, Hz; that of the GemCore family is 3.7 MHz or more.
const slowestClock = 3_000_000

// waiting is how long the module may be silent before a block or a procedure byte (sections 10.2 and 11.4.3).
func (m *module) waiting() time.Duration {
	clocks := int64(m.terms.Waiting) * 960 * max(372, clockRates[m.speed>>4])
	if m.protocol == 1 {
		clocks = 960 * 372 << m.terms.BWI
	}
	return time.Duration(clocks) * time.Second / slowestClock
}
