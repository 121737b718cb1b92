package device

import (
	"context"
	"fmt"
)

// SAM is one socket for a secure access module, or for a customer's card.
type SAM struct {
	Slot    int
	Card    bool // the customer's card, not a module
	Present bool
	Powered bool
	ATR     ATR // of the module that is powered, otherwise nil
}

// ATR is a card's answer to reset, at most 33 bytes (ISO/IEC 7816-3).
type ATR []byte

// SAMSlots lists the sockets in ascending order, also the empty ones.
func (r *Reader) SAMSlots(ctx context.Context) ([]SAM, error) {
	s, err := can[samReader](ctx, r, CanSAM)
	if err != nil {
		return nil, fmt.Errorf("cannot list card sockets: %w", err)
	}
	sockets, err := s.samSlots(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot list card sockets: %w", err)
	}
	return sockets, nil
}

// PowerSAM switches a module on and returns its answer to reset, or switches it off. ErrRefused{CodeNoCard}:
// the socket is empty.
func (r *Reader) PowerSAM(ctx context.Context, slot int, on bool) (ATR, error) {
	s, err := can[samReader](ctx, r, CanSAM)
	if err != nil {
		return nil, fmt.Errorf("cannot power card socket %d: %w", slot, err)
	}
	atr, err := s.powerSAM(ctx, slot, on)
	if err != nil {
		return nil, fmt.Errorf("cannot power card socket %d: %w", slot, err)
	}
	return atr, nil
}

// Transmit sends a command APDU to a powered module and returns its response with SW1 SW2 at the end.
// After ErrHangup or ErrTimeout the module may have executed it or not.
func (r *Reader) Transmit(ctx context.Context, slot int, apdu []byte) ([]byte, error) {
	s, err := can[samReader](ctx, r, CanSAM)
	if err != nil {
		return nil, fmt.Errorf("cannot speak with card socket %d: %w", slot, err)
	}
	response, err := s.transmit(ctx, slot, apdu)
	if err != nil {
		return nil, fmt.Errorf("cannot speak with card socket %d: %w", slot, err)
	}
	return response, nil
}
