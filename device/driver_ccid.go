package device

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
)

// ccidDriver speaks serial CCID with the readers of the GemCore family: sockets for a customer's card and for
// secure access modules, and no keys of their own.
var ccidDriver = driver{
	name:     ccidName,
	stopBits: 2,
	bauds:    []int{115200, 9600},
	converse: converseCcid,
}

const (
	ccidName       = "ccid"
	ccidMaxSockets = 16
	// ccidBrief bounds what a reader may ask for where no card has to think.
	ccidBrief = 10 * time.Second
)

// Escape commands of the GemCore family.
var (
	ccidFirmware = []byte{0x02}             // answers a line of text
	ccidTellNow  = []byte{0x01, 0x01, 0x01} // tell of cards between frames only
)

// ccid is one conversation with one reader.
type ccid struct {
	link     *ccidLink
	turn     turn
	identity Identity
	limit    error       // why only identify is possible
	asked    atomic.Bool // a command was answered since the last look of checkAlive
	modules  []*module   // one a socket, nil without a card that was powered here; guarded by turn
}

// converseCcid learns who is there and how many sockets it has. Nothing it sends changes a socket, so that a
// module that works stays as it is while another driver or speed is sought.
func converseCcid(l *line, o *Options, enter func(State)) (conversation, error) {
	c := &ccid{link: newCcidLink(l), turn: newTurn()}
	go l.receive(ccidLongest, c.link.take)
	enter(StateSyncing)
	// The first command finds out whether anybody speaks CCID here; a reader knows its own name at once.
	firmware, err := c.firmware(l.retry.Ack)
	if err != nil {
		return nil, fmt.Errorf("cannot identify reader: %w", err)
	}
	enter(StateIdentifying)
	c.identity = ccidIdentity(firmware)
	if c.limit = o.foreign(c.identity.Serial); c.limit != nil {
		return c, nil
	}
	if _, err := c.escape(ccidTellNow, l.retry.Response); err != nil && !isCcidFailure(err) {
		return nil, fmt.Errorf("cannot prepare reader: %w", err)
	}
	return c, c.countSockets()
}

// firmware asks for the line of text that names the model. A reader that does not know the question has no name; any
// other failure may pass, and is never taken for a name.
func (c *ccid) firmware(patience time.Duration) (text []byte, err error) {
	for range ccidSends {
		text, err = c.escape(ccidFirmware, patience)
		var f ccidFailure
		switch {
		case errors.As(err, &f) && f.code == ccidNoCommand:
			return nil, nil
		case !errors.As(err, &f):
			return text, err
		}
	}
	return nil, asRefusal(err)
}

func isCcidFailure(err error) bool {
	var f ccidFailure
	return errors.As(err, &f)
}

// escape sends a command of the maker and returns the data of its answer.
func (c *ccid) escape(command []byte, patience time.Duration) ([]byte, error) {
	answer, err := c.link.ask(ccidMessage{kind: ccidEscape, data: command}, patience, ccidBrief)
	if err == nil {
		c.asked.Store(true)
	}
	return answer.data, err
}

// countSockets asks socket by socket until the reader says that there is none.
func (c *ccid) countSockets() error {
	for n := range ccidMaxSockets {
		_, err := c.slotStatus(n)
		var f ccidFailure
		switch {
		case errors.As(err, &f) && f.code == ccidNoSlot && n > 0:
			return nil
		case err != nil && !isCcidFailure(err):
			return fmt.Errorf("cannot count sockets: %w", err)
		}
		c.modules = append(c.modules, nil)
	}
	return nil
}

// slotStatus is how the contacts of a socket are: ccidActive, ccidInactive or ccidAbsent. A failure tells it too.
func (c *ccid) slotStatus(socket int) (byte, error) {
	answer, err := c.link.ask(ccidMessage{kind: ccidSlotStatus, slot: byte(socket)}, c.link.retry.Response, ccidBrief)
	if err != nil {
		return 0, err
	}
	c.asked.Store(true)
	return answer.icc(), nil
}

var (
	ccidVersion = regexp.MustCompile(`[-_][Vv]?\d+\.\d.*$`)
	notInName   = regexp.MustCompile(`[^A-Za-z0-9._:/@+-]+`)
)

// ccidIdentity makes an identity of the firmware's line of text, "GemTwin-V2.00-GM02". These readers have no
// serial number: the model stands for it, and one of the same model cannot be told from another.
func ccidIdentity(firmware []byte) Identity {
	text := strings.TrimSpace(string(bytes.TrimRight(firmware, "\x00")))
	name := strings.Trim(notInName.ReplaceAllString(text, "-"), "-")
	model := ccidVersion.ReplaceAllString(name, "")
	if model == "" {
		model = "unnamed"
	}
	model = model[:min(len(model), 40)]
	return Identity{
		Driver:    ccidName,
		Serial:    "ccid:" + model,
		Model:     model,
		Firmware:  name[:min(len(name), 64)],
		MaxLength: ccidMaxData,
	}
}

func (c *ccid) who() Identity  { return c.identity }
func (c *ccid) limited() error { return c.limit }
func (c *ccid) on() *line      { return c.link.line }

func (c *ccid) capabilities() []Capability { return []Capability{CanSAM} }

func (c *ccid) identify(ctx context.Context) (Identity, error) {
	return alone(ctx, c.turn, c.link.line, func() (Identity, error) {
		firmware, err := c.firmware(c.link.retry.Response)
		if err != nil {
			return Identity{}, err
		}
		return ccidIdentity(firmware), nil
	})
}

// checkAlive asks a reader that said nothing lately; one that is gone, or has become another, ends the connection.
func (c *ccid) checkAlive() {
	if c.asked.Swap(false) {
		return
	}
	now, err := c.identify(context.Background())
	if err == nil && now.Serial != c.identity.Serial {
		c.link.fail(fmt.Errorf("%w: reader calls itself %s now", ErrHangup, now.Serial))
	}
}
