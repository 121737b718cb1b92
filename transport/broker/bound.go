package broker

import (
	"errors"
	"net"
)

// DefaultMost is the most bytes of a packet that is read.
const DefaultMost = 1 << 20

var errTooLong = errors.New("the broker sends a longer packet than was agreed")

// bounded reads the lengths of the packets that come in before the library does,
// which would set aside whatever a broker announces, up to 256 MiB.
type bounded struct {
	net.Conn
	most  int
	left  int  // bytes of the packet's body still to come
	shift uint // of the next digit of the length
	size  int
	head  bool // the packet's first byte was read
}

func newBounded(c net.Conn, most int) *bounded {
	if most <= 0 {
		most = DefaultMost
	}
	return &bounded{Conn: c, most: most}
}

// Read reads, and ends the connection at a packet that is too long.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.Conn.Read(p)
	if bad := b.follow(p[:n]); bad != nil {
		return 0, errors.Join(bad, b.Close())
	}
	return n, err
}

// follow keeps count of where packets begin.
func (b *bounded) follow(p []byte) error {
	for len(p) > 0 {
		switch {
		case b.left > 0:
			skip := min(b.left, len(p))
			b.left -= skip
			p = p[skip:]
		case !b.head:
			b.head, b.size, b.shift = true, 0, 0
			p = p[1:]
		default:
			b.size |= int(p[0]&0x7f) << b.shift
			b.shift += 7
			if b.size > b.most || b.shift > 28 {
				return errTooLong
			}
			if p[0]&0x80 == 0 {
				b.head, b.left = false, b.size
			}
			p = p[1:]
		}
	}
	return nil
}
