package card

import (
	"bytes"
	"crypto/rand"
	"io"
)

// Protocol is a transmission protocol of ISO/IEC 7816-3.
type Protocol byte

// The protocols that a card can speak.
const (
	T0 Protocol = 0 // bytes: header, procedure, data
	T1 Protocol = 1 // blocks with sequence bits
)

// Options say what card to make.
type Options struct {
	Protocol   Protocol
	Historical []byte    // of the answer to reset, at most 15 bytes; nil: "PSAM-001"
	Speed      byte      // TA1 of the answer to reset (clock and bit rate it would take); 0: none, so no PPS either
	IFSC       byte      // T=1: longest block of information it takes, 1..254; 0: 32
	Extensions int       // T=1: how often it asks for more time before it answers
	Keys       Keys      // nil: forgotten with the Card
	Rand       io.Reader // nil: crypto/rand
}

// Card is one card with power:
//
//	fresh -> (a good PPS) talking    only the first bytes after a reset can be a PPS
//	fresh -> (anything else) talking
//	any -> (Reset) fresh
type Card struct {
	options Options
	fresh   bool
	t0      t0
	t1      t1
}

// New makes a card that was just reset.
func New(options Options) *Card {
	if options.Historical == nil {
		options.Historical = []byte("PSAM-001")
	}
	if options.IFSC == 0 {
		options.IFSC = 32
	}
	if options.Keys == nil {
		options.Keys = memoryKeys{}
	}
	if options.Rand == nil {
		options.Rand = rand.Reader
	}
	c := &Card{options: options}
	c.Reset()
	return c
}

// Reset makes the card forget its conversation, not its keys, and returns its answer to reset.
func (c *Card) Reset() []byte {
	c.fresh, c.t0, c.t1 = true, t0{}, newT1()
	return c.atr()
}

// Exchange takes what a reader sends at the level of the protocol (a PPS, a TPDU of T=0, a block of T=1) and
// returns what the card sends back; nil: the card says nothing.
func (c *Card) Exchange(sent []byte) []byte {
	if c.fresh && len(sent) > 0 && sent[0] == ppsStart {
		return c.pps(sent)
	}
	if c.options.Protocol == T1 {
		return c.T1(sent)
	}
	return c.T0(sent)
}

const (
	ppsStart    = 0xFF
	ppsHasSpeed = 0x10
)

// pps agrees to the card's own protocol, at the usual speed or at the one it offered, by saying the same again
// (ISO/IEC 7816-3, 9). To anything else a card is silent.
func (c *Card) pps(sent []byte) []byte {
	plain := []byte{ppsStart, byte(c.options.Protocol)}
	faster := []byte{ppsStart, byte(c.options.Protocol) | ppsHasSpeed, c.options.Speed}
	for _, good := range [][]byte{plain, faster} {
		if bytes.Equal(sent, append(good, lrc(good))) {
			c.fresh = false
			return bytes.Clone(sent)
		}
	}
	return nil
}

// lrc is the exclusive or of all bytes.
func lrc(b []byte) (sum byte) {
	for _, v := range b {
		sum ^= v
	}
	return sum
}
