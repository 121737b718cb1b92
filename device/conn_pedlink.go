package device

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// pedlink is one conversation with one reader, from the reset of the line to its loss.
type pedlink struct {
	link     *link
	turn     turn
	identity Identity     // as told before authentication
	rotates  bool         // the reader counts rotations: it knows its link key by KCV, and may hold two
	offers   []Capability // as told with the reader's proof
	key      Secret       // the pairing key of the session
	limit    error        // why only Identify is possible, nil with a session
	asked    atomic.Bool  // a command was answered since the last look of checkAlive

	mu   sync.Mutex
	flow *flow // where events go, nil: they are dropped and come again
}

// command is one question to the reader.
type command struct {
	code    uint16
	body    []byte
	longest time.Duration // bound of what BUSY may ask for; 0: 10 s
	ready   func()        // called when the line is ours, just before the command goes out
}

func newPedlink(l *link) *pedlink {
	c := &pedlink{link: l, turn: newTurn()}
	l.arrived = c.arrived
	return c
}

func (c *pedlink) who() Identity  { return c.identity }
func (c *pedlink) limited() error { return c.limit }
func (c *pedlink) on() *line      { return c.link.line }

// do sends a command and reads the answer's fields. If ctx ends first the command goes on without us.
func (c *pedlink) do(ctx context.Context, cmd command) (*fields, error) {
	return alone(ctx, c.turn, c.link.line, func() (*fields, error) { return c.ask(cmd) })
}

func (c *pedlink) ask(cmd command) (*fields, error) {
	if cmd.longest == 0 {
		cmd.longest = 10 * time.Second
	}
	if cmd.ready != nil {
		cmd.ready()
	}
	payload := append(binary.BigEndian.AppendUint16(nil, cmd.code), cmd.body...)
	if room := c.room(); len(payload) > room {
		return nil, fmt.Errorf("cannot send %d bytes: the reader takes %d at once", len(payload), room)
	}
	response, err := c.link.call(payload, cmd.longest)
	if err != nil {
		return nil, err
	}
	c.asked.Store(true)
	return c.parse(cmd.code, response)
}

// room is the longest command that fits a frame with its MAC.
func (c *pedlink) room() int {
	if n := c.identity.MaxLength; n > 0 && n < maxPayload {
		return n - macLen
	}
	return maxPayload - macLen
}

// parse reads code, status and fields. A response that cannot be read ends the connection: both ends
// no longer agree about what was said.
func (c *pedlink) parse(code uint16, response []byte) (*fields, error) {
	if len(response) < 4 || binary.BigEndian.Uint16(response) != code {
		c.link.fail(fmt.Errorf("%w: %w: response to another command", ErrHangup, errDamaged))
		return nil, c.link.cause
	}
	if err := refusal(code, Code(binary.BigEndian.Uint16(response[2:]))); err != nil {
		return nil, err
	}
	f := parseFields(response[4:])
	return f, f.err
}

// refusal is what a status says to a command. A memory that failed under a change may have taken it or not.
func refusal(command uint16, status Code) error {
	switch status {
	case CodeOK:
		return nil
	case CodeUnknownCommand:
		return ErrUnsupported
	case CodeNoKey:
		return ErrNoKey
	case CodeLocked:
		return fmt.Errorf("%w: %s", ErrLocked, status)
	case CodeMemory:
		if changes(command) {
			return halfDone{status}
		}
	}
	return ErrRefused{Code: status}
}

// changes tells the commands that leave the reader as it was from the others, vendors' too.
func changes(command uint16) bool {
	switch command {
	case cmdHello, cmdInfo, cmdTamper, cmdListKeys, cmdKeyProbe, cmdEraseStatus, cmdSAMList, cmdEventsSince:
		return false
	}
	return true
}

// meet asks who is there, in the clear.
func (c *pedlink) meet() error {
	answer, err := c.ask(command{code: cmdInfo})
	if err != nil {
		return fmt.Errorf("cannot identify reader: %w", err)
	}
	c.rotates = answer.optional(tagRotations) != nil
	c.identity, err = parseIdentity(answer)
	return err
}

// authenticate runs HELLO: our challenge, the reader's, and the proof of the pairing key in the MAC of the
// response; our own proof is the MAC of every later command. Of two keys the reader may still hold the older one
// alone, so the response is believed under either. ErrLocked: one of the two does not believe the other.
func (c *pedlink) authenticate(keys []Secret) error {
	hostNonce := make([]byte, 16)
	if _, err := io.ReadFull(c.link.rand, hostNonce); err != nil {
		return fmt.Errorf("cannot authenticate: %w", err)
	}
	hello, err := c.hello(hostNonce, keys[0])
	if err != nil {
		return fmt.Errorf("cannot authenticate: %w", err)
	}
	sealed, err := c.link.call(hello, 10*time.Second)
	if err != nil {
		return fmt.Errorf("cannot authenticate: %w", err)
	}
	if len(sealed) >= 4 && Code(binary.BigEndian.Uint16(sealed[2:])) != CodeOK {
		_, err := c.parse(cmdHello, sealed)
		return fmt.Errorf("cannot authenticate: %w", err)
	}
	if err := c.believe(keys, hostNonce, sealed); err != nil {
		return fmt.Errorf("cannot authenticate: %w", err)
	}
	return nil
}

// hello names the key by its KCV to a reader that may hold two.
func (c *pedlink) hello(hostNonce []byte, key Secret) ([]byte, error) {
	payload := appendField(binary.BigEndian.AppendUint16(nil, cmdHello), tagNonce, hostNonce)
	if !c.rotates {
		return payload, nil
	}
	kcv, err := linkKCV(key)
	return appendField(payload, tagKCV, kcv), err
}

// believe checks the reader's proof and puts the session in force.
func (c *pedlink) believe(keys []Secret, hostNonce, sealed []byte) error {
	if len(sealed) < macLen+4 {
		return fmt.Errorf("%w: no proof", errDamaged)
	}
	answer, err := c.parse(cmdHello, sealed[:len(sealed)-macLen])
	if err != nil {
		return err
	}
	readerNonce, serial, offers := answer.fixed(tagNonce, 16), answer.id(tagSerial), offered(answer)
	if answer.err != nil {
		return answer.err
	}
	for _, key := range keys {
		s, err := newSession(key, hostNonce, readerNonce)
		if err != nil {
			return err
		}
		if _, err := s.open(typResponse, c.link.lastHeard(), sealed); err == nil && serial == c.identity.Serial {
			c.offers, c.key = offers, key
			c.link.secure(s)
			return nil
		}
	}
	return fmt.Errorf("%w: the reader has another pairing key", ErrLocked)
}

// confirm asks again who is there, authenticated by now: what was told in the clear ruled the line until here, its
// longest payload among it.
func (c *pedlink) confirm() error {
	c.identity.MaxLength = leastPayload
	answer, err := c.ask(command{code: cmdInfo})
	if err != nil {
		return fmt.Errorf("cannot confirm reader: %w", err)
	}
	now, err := parseIdentity(answer)
	switch {
	case err != nil:
		return err
	case now.Serial != c.identity.Serial:
		return fmt.Errorf("cannot confirm reader: %w: it calls itself %s by now", errDamaged, now.Serial)
	case now.MaxLength < leastPayload:
		return fmt.Errorf("cannot confirm reader: %w: it takes %d bytes at once, every reader takes %d", errDamaged, now.MaxLength, leastPayload)
	}
	c.identity = now
	return nil
}

// checkAlive asks a reader that said nothing lately; one that is gone, or has become another, ends the connection.
func (c *pedlink) checkAlive() {
	if c.asked.Swap(false) {
		return
	}
	answer, err := c.do(context.Background(), command{code: cmdInfo})
	if errors.As(err, new(ErrRefused)) || errors.Is(err, ErrUnsupported) {
		return // it lives, and will not say
	}
	var now Identity
	if err == nil {
		now, err = parseIdentity(answer)
	}
	if err != nil || now.Serial != c.identity.Serial {
		c.link.fail(fmt.Errorf("%w: %w", ErrHangup, errors.Join(errDamaged, err)))
	}
}
