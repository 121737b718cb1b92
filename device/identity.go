package device

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"slices"
)

// Identity is what a reader says about itself; nothing of it is authenticated before pairing.
type Identity struct {
	Driver       string // the protocol it speaks
	Serial       string
	Model        string
	Firmware     string
	Hardware     string
	RecordKey    ed25519.PublicKey // signs erase records; nil: it signs none
	EraseCounter uint32            // erases carried out in the reader's life
	BootCount    uint32            // 0: it counts no restarts
	Rotations    uint32            // orders carried out to change one of its own keys; 0 also of a reader that knows none
	Revision     int               // of its protocol, 1 if it does not tell
	MaxLength    int               // longest payload, bytes
	Frozen       bool
	Tampered     bool
	Challenged   bool // a challenge of BeginErase is outstanding
}

// Identify asks the reader who it is, live; it needs no pairing and works with a foreign reader too.
func (r *Reader) Identify(ctx context.Context) (Identity, error) {
	c, err := r.await(ctx, nil, false)
	if err != nil {
		return Identity{}, fmt.Errorf("cannot identify reader: %w", err)
	}
	id, err := c.identify(ctx)
	if err != nil {
		return Identity{}, fmt.Errorf("cannot identify reader: %w", err)
	}
	return id, nil
}

// Capabilities tells what the reader on the line can do, once it is the bound one and answers.
func (r *Reader) Capabilities(ctx context.Context) ([]Capability, error) {
	c, err := r.await(ctx, nil, true)
	if err != nil {
		return nil, fmt.Errorf("cannot ask reader what it can do: %w", err)
	}
	return slices.Clone(c.capabilities()), nil
}

// Tamper is the state of the reader's tamper detection.
type Tamper struct {
	Detected bool   // latched until the maker resets it
	Count    uint32 // detections in the reader's life; 0 also of a reader that counts none
}

// Tamper asks for the state of the tamper detection.
func (r *Reader) Tamper(ctx context.Context) (Tamper, error) {
	s, err := can[tamperSensor](ctx, r, CanTamper)
	if err != nil {
		return Tamper{}, fmt.Errorf("cannot read tamper state: %w", err)
	}
	state, err := s.tamper(ctx)
	if err != nil {
		return Tamper{}, fmt.Errorf("cannot read tamper state: %w", err)
	}
	return state, nil
}

// Freeze forbids new transactions in the reader; it survives a restart. Freezing twice is the same.
func (r *Reader) Freeze(ctx context.Context) error {
	f, err := can[freezer](ctx, r, CanFreeze)
	if err == nil {
		err = f.freeze(ctx)
	}
	if err != nil {
		return fmt.Errorf("cannot freeze reader: %w", err)
	}
	return nil
}

// Thaw allows transactions again.
func (r *Reader) Thaw(ctx context.Context) error {
	f, err := can[freezer](ctx, r, CanFreeze)
	if err == nil {
		err = f.thaw(ctx)
	}
	if err != nil {
		return fmt.Errorf("cannot thaw reader: %w", err)
	}
	return nil
}
