package card

import (
	"bytes"
	"errors"
	"io"
)

// way is where the data of a command go.
type way int

const (
	neither way = iota
	in          // to the card; an answer to it is for who asks
	out         // from the card
)

type command struct {
	way way
	do  func(*Card, request) ([]byte, uint16)
}

// commands by class and instruction. 80 is the card's own class; its commands are this simulator's.
var commands = map[[2]byte]command{
	{0x00, 0xA4}: {in, (*Card).selectFile},
	{0x00, 0x84}: {out, (*Card).challenge},
	{0x80, 0xCA}: {out, (*Card).checkKey},
	{0x80, 0xD8}: {in, (*Card).loadKey},
	{0x80, 0xE4}: {neither, (*Card).deleteKey},
	{0x80, 0xEC}: {in, (*Card).echo},
}

func find(cla, ins byte) (command, uint16) {
	if cmd, known := commands[[2]byte{cla, ins}]; known {
		return cmd, swDone
	}
	if cla != 0x00 && cla != 0x80 {
		return command{}, swNoSuchCLA
	}
	return command{}, swNoSuchINS
}

// execute runs a command whose data go the way they should; data come with swDone only.
func (c *Card) execute(r request) ([]byte, uint16) {
	cmd, sw := find(r.cla, r.ins)
	switch {
	case sw != swDone:
		return nil, sw
	case (cmd.way == in) != (len(r.data) > 0), cmd.way == out && r.ne == 0, cmd.way == neither && r.ne != 0:
		return nil, swLength
	}
	return cmd.do(c, r)
}

// selectFile is SELECT: the only file is the master file 3F00. P2 = 0C asks for no answer.
func (c *Card) selectFile(r request) ([]byte, uint16) {
	switch {
	case r.p1 != 0 || (r.p2 != 0x00 && r.p2 != 0x0C):
		return nil, swParameters
	case !bytes.Equal(r.data, []byte{0x3F, 0x00}):
		return nil, swNoFile
	case r.p2 == 0x0C:
		return nil, swDone
	}
	name := c.options.Historical
	info := append([]byte{0x84, byte(len(name))}, name...) // DF name
	return append([]byte{0x6F, byte(len(info))}, info...), swDone
}

// challenge is GET CHALLENGE: as many random bytes as are wanted.
func (c *Card) challenge(r request) ([]byte, uint16) {
	if r.p1 != 0 || r.p2 != 0 {
		return nil, swParameters
	}
	b := make([]byte, r.ne)
	if _, err := io.ReadFull(c.options.Rand, b); err != nil {
		return nil, swNoExactCause
	}
	return b, swDone
}

// checkKey is 80 CA 00 key: the key check value, 3 bytes.
func (c *Card) checkKey(r request) ([]byte, uint16) {
	k, there := c.options.Keys.Find(r.p2)
	switch {
	case r.p1 != 0:
		return nil, swParameters
	case !there:
		return nil, swNoKey
	}
	return k.KCV(), swDone
}

// loadKey is 80 D8 00 key: a test key in the clear, in place of one that may be there. No true card takes that.
func (c *Card) loadKey(r request) ([]byte, uint16) {
	if r.p1 != 0 {
		return nil, swParameters
	}
	k, err := NewKey(r.data)
	if err != nil {
		return nil, swWrongData
	}
	return nil, written(c.options.Keys.Put(r.p2, k))
}

// deleteKey is 80 E4 00 key.
func (c *Card) deleteKey(r request) ([]byte, uint16) {
	if r.p1 != 0 {
		return nil, swParameters
	}
	if _, there := c.options.Keys.Find(r.p2); !there {
		return nil, swNoKey
	}
	return nil, written(c.options.Keys.Delete(r.p2))
}

func written(err error) uint16 {
	switch {
	case err == nil:
		return swDone
	case errors.Is(err, ErrFull):
		return swFull
	}
	return swMemory
}

// echo is 80 EC: its own data come back. It tries long answers and long commands.
func (c *Card) echo(r request) ([]byte, uint16) { return bytes.Clone(r.data), swDone }
