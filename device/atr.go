package device

import (
	"errors"
	"fmt"
	"slices"
)

// CardInterface is what an answer to reset says about the way to speak with its card (ISO/IEC 7816-3, section 8);
// what it leaves out has the value of the standard.
type CardInterface struct {
	Inverse    bool   // inverse convention on the contact; the bytes are the same
	Protocols  []int  // transmission protocols offered, in their order; the first is the card's own choice
	Specific   bool   // the card speaks its first protocol and nothing is to be negotiated
	Implicit   bool   // with Specific: speed is not that of Speed but known by other means
	Speed      byte   // Fi and Di of TA1; 11: 372 clocks a bit
	Guard      byte   // N of TC1, extra guard time
	Waiting    byte   // WI of TC2, T=0
	IFSC       int    // longest information field that the card takes, bytes, T=1
	BWI, CWI   byte   // block and character waiting time integers, T=1
	CRC        bool   // T=1 blocks end with a CRC instead of an LRC
	Historical []byte // what the maker says
}

const (
	maxATR       = 33
	defaultSpeed = 0x11
	globalT      = 15 // T=15 qualifies interface bytes and is no protocol
)

var errATR = errors.New("no answer to reset")

// Parse reads the answer to reset; an error names the byte that is wrong.
func (a ATR) Parse() (CardInterface, error) {
	p := atrParser{rest: a, out: CardInterface{Speed: defaultSpeed, Waiting: 10, IFSC: 32, BWI: 4, CWI: 13}}
	if err := p.parse(len(a)); err != nil {
		return CardInterface{}, fmt.Errorf("%w: %w", errATR, err)
	}
	return p.out, nil
}

// atrParser goes through an answer to reset: TS T0 (TAi TBi TCi TDi)* T1..TK [TCK].
type atrParser struct {
	rest []byte
	sum  byte // exclusive or of all bytes after TS
	out  CardInterface
	seen [16]bool // protocols for which specific bytes were read
}

func (p *atrParser) parse(length int) error {
	if length > maxATR {
		return fmt.Errorf("%d bytes are more than %d", length, maxATR)
	}
	if err := p.convention(); err != nil {
		return err
	}
	t0, err := p.next("T0")
	if err != nil {
		return err
	}
	checked, err := p.groups(t0 >> 4)
	if err != nil {
		return err
	}
	if err := p.historical(int(t0 & 0x0F)); err != nil {
		return err
	}
	return p.end(checked)
}

func (p *atrParser) convention() error {
	ts, err := p.next("TS")
	switch {
	case err != nil:
		return err
	case ts == 0x3F:
		p.out.Inverse = true
	case ts != 0x3B:
		return fmt.Errorf("TS is %02X, not 3B or 3F", ts)
	}
	p.sum = 0 // TCK leaves TS out
	return nil
}

// groups reads TAi to TDi as each indicator announces them, and tells whether TCK must follow: it does
// unless T=0 is the only thing indicated.
func (p *atrParser) groups(present byte) (checked bool, err error) {
	t := 0
	for i := 1; ; i++ {
		for bit, letter := range "ABC" {
			if present&(1<<bit) == 0 {
				continue
			}
			if err := p.interfaceByte(letter, i, t); err != nil {
				return false, err
			}
		}
		if i > 2 {
			p.seen[t] = true
		}
		if present&8 == 0 {
			break
		}
		td, err := p.next(fmt.Sprintf("TD%d", i))
		if err != nil {
			return false, err
		}
		present, t = td>>4, int(td&0x0F)
		checked = checked || t != 0
		if err := p.offer(i, t); err != nil {
			return false, err
		}
	}
	if len(p.out.Protocols) == 0 {
		p.out.Protocols = []int{0}
	}
	return checked, nil
}

func (p *atrParser) offer(i, t int) error {
	switch {
	case t == globalT && i == 1:
		return errors.New("TD1 offers T=15, which is no protocol")
	case t != globalT && !slices.Contains(p.out.Protocols, t):
		p.out.Protocols = append(p.out.Protocols, t)
	}
	return nil
}

// interfaceByte reads one of TAi, TBi, TCi. From i = 3 on they belong to the protocol t of TD(i-1), and only the
// first ones of a protocol are its parameters.
func (p *atrParser) interfaceByte(letter rune, i, t int) error {
	name := fmt.Sprintf("T%c%d", letter, i)
	v, err := p.next(name)
	if err != nil {
		return err
	}
	switch name {
	case "TA1":
		p.out.Speed = v
	case "TC1":
		p.out.Guard = v
	case "TA2":
		return p.specific(v)
	case "TC2":
		if v == 0 {
			return errors.New("TC2 says a waiting time of 0")
		}
		p.out.Waiting = v
	}
	if i > 2 && t == 1 && !p.seen[1] {
		return p.blockByte(name, letter, v)
	}
	return nil
}

// specific reads TA2; the protocol it names must be the first one offered.
func (p *atrParser) specific(ta2 byte) error {
	t := int(ta2 & 0x0F)
	if !slices.Contains(p.out.Protocols, t) {
		return fmt.Errorf("TA2 names T=%d, which is not offered", t)
	}
	p.out.Specific, p.out.Implicit = true, ta2&0x10 != 0
	return nil
}

// blockByte reads a parameter of T=1 (section 11.4).
func (p *atrParser) blockByte(name string, letter rune, v byte) error {
	switch letter {
	case 'A':
		if v == 0 || v == 0xFF {
			return fmt.Errorf("%s says an information field of %d", name, v)
		}
		p.out.IFSC = int(v)
	case 'B':
		if v>>4 > 9 {
			return fmt.Errorf("%s says a block waiting time of %d", name, v>>4)
		}
		p.out.BWI, p.out.CWI = v>>4, v&0x0F
	case 'C':
		p.out.CRC = v&1 != 0
	}
	return nil
}

func (p *atrParser) historical(count int) error {
	for i := range count {
		v, err := p.next(fmt.Sprintf("historical byte %d of %d", i+1, count))
		if err != nil {
			return err
		}
		p.out.Historical = append(p.out.Historical, v)
	}
	return nil
}

func (p *atrParser) end(checked bool) error {
	if checked {
		if _, err := p.next("TCK"); err != nil {
			return err
		}
		if p.sum != 0 {
			return errors.New("TCK is wrong")
		}
	}
	if len(p.rest) > 0 {
		return fmt.Errorf("%d bytes too many", len(p.rest))
	}
	return nil
}

func (p *atrParser) next(name string) (byte, error) {
	if len(p.rest) == 0 {
		return 0, fmt.Errorf("it ends before %s", name)
	}
	v := p.rest[0]
	p.rest, p.sum = p.rest[1:], p.sum^v
	return v, nil
}
