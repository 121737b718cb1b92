package device

import (
	"context"
	"fmt"
	"sync/atomic"
)

// mposDriver speaks the frame that security processors of Chinese smart terminals and pin pads share,
// docs/WIRE-MPOS.md.
//
// Nothing of it is authenticated: there is no pairing, no ticket and no signed record, and who can write on the line
// can say anything in the reader's name. So this driver asks for the serial number again before each order, and what a
// reader tells about its erase is worth what a list and a use of its keys are worth, no more. What one frame says can
// be damage that no LRC shows. Interoperability with hardware is unproven.
var mposDriver = driver{
	name:     mposName,
	stopBits: 1,
	bauds:    []int{115200, 57600, 38400, 19200, 9600},
	converse: converseMpos,
}

// mpos is one conversation with one reader, from its first answer to the loss of the line.
type mpos struct {
	link     *mposLink
	turn     turn
	options  *Options
	identity Identity    // as told when the conversation began
	asked    atomic.Bool // a request was answered since the last look of checkAlive
}

// converseMpos asks who is there. There is nothing to reset: each request stands for itself.
func converseMpos(l *line, o *Options, enter func(State)) (conversation, error) {
	link, err := newMposLink(l, o.Rand)
	if err != nil {
		return nil, err
	}
	c := &mpos{link: link, turn: newTurn(), options: o}
	go l.receive(mposLongest, link.take)
	enter(StateIdentifying)
	c.identity, err = c.meet(o.Serial)
	if err != nil {
		return nil, fmt.Errorf("cannot identify reader: %w", err)
	}
	return c, nil
}

func (c *mpos) who() Identity  { return c.identity }
func (c *mpos) on() *line      { return c.link.line }
func (c *mpos) limited() error { return c.options.foreign(c.identity.Serial) }

func (c *mpos) capabilities() []Capability {
	return []Capability{CanTamper, CanList, CanProbe, CanDelete, CanRestart, CanLoad}
}

// ask sends one request and checks the first result of its answer; the line must be ours.
func (c *mpos) ask(cmd uint16, data []byte) (*mposBody, error) {
	result, body, err := c.link.call(cmd, data)
	if err != nil {
		return nil, err
	}
	c.asked.Store(true)
	return &mposBody{rest: body}, mposRefusal(result)
}

// order asks the reader that this conversation began with, and no other. If ctx ends first it goes on without us.
func (c *mpos) order(ctx context.Context, cmd uint16, data []byte) (*mposBody, error) {
	return alone(ctx, c.turn, c.link.line, func() (*mposBody, error) {
		if err := c.sameReader(); err != nil {
			return nil, err
		}
		return c.ask(cmd, data)
	})
}

// confirm is sameReader in a turn of its own.
func (c *mpos) confirm(ctx context.Context) error {
	_, err := alone(ctx, c.turn, c.link.line, func() (struct{}, error) { return struct{}{}, c.sameReader() })
	return err
}

// sameReader ends the conversation when another reader answers by now: a line tells nobody that it was pulled out of
// one reader and put into another.
func (c *mpos) sameReader() error {
	serial, err := c.serial(c.identity.Serial)
	if err == nil && serial != c.identity.Serial {
		c.changed(serial)
		return ErrForeign{serial}
	}
	return err
}

func (c *mpos) changed(serial string) {
	c.link.fail(fmt.Errorf("%w: reader %s answers instead of %s", ErrHangup, serial, c.identity.Serial))
}

// serial asks for the serial number. One that is not expected must be told twice.
func (c *mpos) serial(expected string) (string, error) {
	first, err := c.askSerial()
	if err != nil || first == expected {
		return first, err
	}
	second, err := c.askSerial()
	if err == nil && second != first {
		return "", fmt.Errorf("%w: the serial number is %s once and %s then", errDamaged, first, second)
	}
	return first, err
}

func (c *mpos) askSerial() (string, error) {
	answer, err := c.ask(mposSerial, nil)
	if err != nil {
		return "", err
	}
	serial := answer.id()
	return serial, answer.err
}

// meet asks for name, model and versions.
func (c *mpos) meet(expected string) (Identity, error) {
	serial, err := c.serial(expected)
	if err != nil {
		return Identity{}, err
	}
	answer, err := c.ask(mposInfo, nil)
	if err != nil {
		return Identity{}, err
	}
	return parseMposInfo(serial, answer)
}

func parseMposInfo(serial string, answer *mposBody) (Identity, error) {
	answer.id() // the vendor, who is in the model's name as a rule
	id := Identity{
		Driver: mposName, Serial: serial, Revision: 1, MaxLength: mposMaxLen,
		Model: answer.id(), Firmware: answer.id(), Hardware: answer.id(),
	}
	if answer.err != nil {
		return Identity{}, fmt.Errorf("cannot read identity: %w", answer.err)
	}
	return id, nil
}

// identify works with a foreign reader too. If it is not the one the conversation began with, that ends here.
func (c *mpos) identify(ctx context.Context) (Identity, error) {
	now, err := alone(ctx, c.turn, c.link.line, func() (Identity, error) { return c.meet(c.identity.Serial) })
	if err == nil && now.Serial != c.identity.Serial {
		c.changed(now.Serial)
	}
	return now, err
}

// checkAlive asks a reader that said nothing lately for its name.
func (c *mpos) checkAlive() {
	if c.asked.Swap(false) {
		return
	}
	if err := c.confirm(context.Background()); err != nil {
		c.link.fail(fmt.Errorf("%w: %w", ErrHangup, err)) // a reader that cannot say its name is none
	}
}

// tamper reads the security register: 0 is intact, every bit is some maker's sensor.
func (c *mpos) tamper(ctx context.Context) (Tamper, error) {
	answer, err := c.order(ctx, mposTamper, nil)
	if err != nil {
		return Tamper{}, err
	}
	register := [4]byte(answer.fixed(4))
	return Tamper{Detected: register != [4]byte{}}, answer.err
}
