package device

import "encoding/binary"

// pedlinkOffers are the capabilities by the bit of tag 21 that stands for them. A reader of revision 1 does not
// tell; it has the first seven.
var pedlinkOffers = []Capability{
	CanEvents, CanFreeze, CanTamper, CanList, CanProbe, CanErase, CanRestart,
	CanSAM, CanLoad, CanRotate,
}

const (
	firstRevision   = 1
	revisionOneBits = 7
)

// offered reads what a reader says it can do. Bits without a name are what this host does not know either.
func offered(f *fields) []Capability {
	raw := f.optional(tagOffers)
	if raw == nil {
		return pedlinkOffers[:revisionOneBits]
	}
	if len(raw) != 4 {
		f.fail(tagOffers, "has not 4 bytes")
		return nil
	}
	bits := binary.BigEndian.Uint32(raw)
	var can []Capability
	for i, c := range pedlinkOffers {
		if bits&(1<<i) != 0 {
			can = append(can, c)
		}
	}
	return can
}

// revision is 1 where the reader does not tell.
func revision(f *fields) int {
	if f.optional(tagRevision) == nil {
		return firstRevision
	}
	return int(f.u8(tagRevision))
}

func (c *pedlink) capabilities() []Capability { return c.offers }
