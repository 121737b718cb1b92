package devicesim

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"unbindd/device/devicesim/card"
)

// socket is one place for a card: the customer's in socket 0, secure access modules (SAM) behind it.
//
//	empty <-> inserted <-> powered
//	powered -> empty (removed)
//	powered -> inserted (the reader restarts)
//
// What a card keeps lies in a file beside the reader's memory, one for each socket; it is opened with the first power.
type socket struct {
	kind string     // of the card that is in it, one of CardKinds; "": empty
	keys *card.File // nil: not opened yet
	card *card.Card // nil: no power
	atr  []byte     // what the card answered to its last reset
}

var (
	errNoSocket = errors.New("reader has no such socket")
	errNoCard   = errors.New("no card is in the socket")
	errNoPower  = errors.New("card has no power")
	errMute     = errors.New("card says nothing")
)

// cardKinds are the cards that can be in a socket.
var cardKinds = map[string]card.Options{
	"t0":      {Protocol: card.T0},
	"t1":      {Protocol: card.T1},
	"t1-fast": {Protocol: card.T1, Speed: 0x13, IFSC: 254}, // asks for PPS: four times the usual bit rate
	"t1-slow": {Protocol: card.T1, Extensions: 2},          // asks for more time before each answer
}

// CardKinds lists what cards there are, sorted.
func CardKinds() []string {
	var kinds []string
	for kind := range cardKinds {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}

// firstCardKey is key 1 of every new card, a published test key: sixteen bytes 15, check value 265A7A.
var firstCardKey = bytes.Repeat([]byte{0x15}, 16)

// defaultCards are in the first sockets if nothing else is said.
var defaultCards = []string{"t0", "t1"}

// fillSockets makes the sockets of a reader and puts the cards in.
func (s *Sim) fillSockets(n int, kinds []string) error {
	if kinds == nil {
		kinds = defaultCards[:min(n, len(defaultCards))]
	}
	s.sockets = make([]socket, n)
	for i, kind := range kinds {
		if kind == "" {
			continue
		}
		if err := s.putCard(i, kind); err != nil {
			return err
		}
	}
	return nil
}

// putCard is InsertCard with s.mu held.
func (s *Sim) putCard(n int, kind string) error {
	switch _, known := cardKinds[kind]; {
	case n < 0 || n >= len(s.sockets):
		return fmt.Errorf("%w: %d", errNoSocket, n)
	case !known:
		return fmt.Errorf("card %q is not one of %s", kind, strings.Join(CardKinds(), " "))
	case s.sockets[n].kind != "":
		return fmt.Errorf("a card is in socket %d", n)
	}
	s.sockets[n].kind = kind
	return nil
}

// InsertCard puts a card of one of CardKinds into an empty socket. The same socket always gets the same card back,
// with its keys.
func (s *Sim) InsertCard(n int, kind string) error {
	if err := s.locked(func() error { return s.putCard(n, kind) }); err != nil {
		return fmt.Errorf("cannot insert card: %w", err)
	}
	s.moved()
	return nil
}

// RemoveCard pulls a card out, powered or not.
func (s *Sim) RemoveCard(n int) error {
	err := s.locked(func() error {
		switch {
		case n < 0 || n >= len(s.sockets):
			return fmt.Errorf("%w: %d", errNoSocket, n)
		case s.sockets[n].kind == "":
			return errNoCard
		}
		s.sockets[n].card, s.sockets[n].kind = nil, ""
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot remove card: %w", err)
	}
	s.moved()
	return nil
}

// controlCard is "card insert N KIND" and "card remove N".
func (s *Sim) controlCard(rest string) (string, error) {
	words := strings.Fields(rest)
	if len(words) >= 2 {
		n, err := strconv.Atoi(words[1])
		switch {
		case err != nil: // said below
		case words[0] == "insert" && len(words) == 3:
			return "", s.InsertCard(n, words[2])
		case words[0] == "remove" && len(words) == 2:
			return "", s.RemoveCard(n)
		}
	}
	return "", fmt.Errorf("%w: card insert N %s, or card remove N", errUsage, strings.Join(CardKinds(), "|"))
}

// moved lets the line look at the sockets.
func (s *Sim) moved() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// powerCard gives the card in socket n power, or resets it, and returns its answer to reset; s.mu is held.
func (s *Sim) powerCard(n int) ([]byte, error) {
	k, err := s.socket(n)
	if err != nil {
		return nil, err
	}
	if k.card != nil {
		k.atr = k.card.Reset()
		return k.atr, nil
	}
	if k.keys == nil {
		if k.keys, err = s.openCard(n); err != nil {
			return nil, err
		}
	}
	options := cardKinds[k.kind]
	options.Keys, options.Rand = k.keys, s.options.Rand
	k.card = card.New(options)
	k.atr = k.card.Reset()
	return k.atr, nil
}

func (s *Sim) openCard(n int) (*card.File, error) {
	key, err := card.NewKey(firstCardKey)
	if err != nil {
		return nil, err
	}
	return card.OpenFile(fmt.Sprintf("%s.card-%d", s.path, n), map[byte]card.Key{1: key})
}

// socket finds a socket with a card in a reader that is on; s.mu is held.
func (s *Sim) socket(n int) (*socket, error) {
	switch {
	case s.mem.dead:
		return nil, errPowerCut
	case n < 0 || n >= len(s.sockets):
		return nil, errNoSocket
	case s.sockets[n].kind == "":
		return nil, errNoCard
	}
	return &s.sockets[n], nil
}

// poweredCard is the card in socket n; s.mu is held.
func (s *Sim) poweredCard(n int) (*card.Card, error) {
	k, err := s.socket(n)
	if err == nil && k.card == nil {
		err = errNoPower
	}
	if err != nil {
		return nil, err
	}
	return k.card, nil
}

// unpowerCards is what a restart does to them; s.mu is held.
func (s *Sim) unpowerCards() {
	for i := range s.sockets {
		s.sockets[i].card = nil
	}
}

// closeCards gives their files free; s.mu is held.
func (s *Sim) closeCards() (err error) {
	for i := range s.sockets {
		k := &s.sockets[i]
		k.card = nil
		if k.keys != nil {
			err = errors.Join(err, k.keys.Close())
			k.keys = nil
		}
	}
	return err
}
