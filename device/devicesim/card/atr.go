package card

// First bytes of an answer to reset (ISO/IEC 7816-3, 8.2).
const (
	direct = 0x3B // TS: a one is a high level, low bit first
	hasTA  = 0x10
	hasTB  = 0x20
	hasTC  = 0x40
	hasTD  = 0x80

	bwiCwi = 0x45 // TB3: block waiting 16 × 960 × 372 clocks, character waiting 43 bits
)

// atr is the answer to reset. T=0 needs no check byte, everything else does.
func (c *Card) atr() []byte {
	k := byte(len(c.options.Historical))
	var speed []byte
	var offers byte
	if c.options.Speed != 0 {
		offers, speed = hasTA, []byte{c.options.Speed}
	}
	if c.options.Protocol == T0 {
		b := append([]byte{direct, offers | hasTB | hasTC | k}, speed...)
		b = append(b, 0x00, 0x00) // TB1: no programming voltage; TC1: no extra guard time
		return append(b, c.options.Historical...)
	}
	b := append([]byte{direct, offers | hasTD | k}, speed...)
	b = append(b, hasTD|byte(T1)) // TD1: the first offer is T=1
	b = append(b, hasTA|hasTB|byte(T1))
	b = append(b, c.options.IFSC, bwiCwi)
	b = append(b, c.options.Historical...)
	return append(b, lrc(b[1:]))
}
