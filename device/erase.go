package device

import (
	"context"
	"fmt"
)

// EraseChallenge is what a ticket has to answer.
type EraseChallenge struct {
	RC           [16]byte // random, kept by the reader until used, replaced or cancelled
	EraseCounter uint32   // before the erase
	Before       [32]byte // digest of slot, type, state and KCV of the scope
}

// BeginErase asks for a challenge to erase the slots of scope for the command with this digest.
// Nothing is erased; a former challenge is replaced. ErrRefused{CodeScope}: a slot is unknown or retained.
func (r *Reader) BeginErase(ctx context.Context, order [32]byte, scope []uint16) (EraseChallenge, error) {
	e, err := can[ticketEraser](ctx, r, CanErase)
	if err != nil {
		return EraseChallenge{}, fmt.Errorf("cannot begin erase: %w", err)
	}
	c, err := e.beginErase(ctx, order, scope)
	if err != nil {
		return EraseChallenge{}, fmt.Errorf("cannot begin erase: %w", err)
	}
	return c, nil
}

// CancelErase makes the reader forget its challenge; without one it does nothing.
func (r *Reader) CancelErase(ctx context.Context) error {
	e, err := can[ticketEraser](ctx, r, CanErase)
	if err == nil {
		err = e.cancelErase(ctx)
	}
	if err != nil {
		return fmt.Errorf("cannot cancel erase: %w", err)
	}
	return nil
}

// CommitErase hands the ticket over and erases. After ErrHangup or ErrTimeout the reader may have erased or
// not: ask EraseStatus. The same ticket again gets the record of its one erase, with the nonce of that time.
func (r *Reader) CommitErase(ctx context.Context, ticket []byte, nonce [16]byte) (EraseRecord, error) {
	e, err := can[ticketEraser](ctx, r, CanErase)
	if err != nil {
		return EraseRecord{}, fmt.Errorf("cannot erase: %w", err)
	}
	record, err := e.commitErase(ctx, ticket, nonce)
	if err != nil {
		return EraseRecord{}, fmt.Errorf("cannot erase: %w", err)
	}
	return record, nil
}

// EraseStatus returns the record of the last erase made for the command with this digest;
// false: the reader knows of none, so nothing was erased for it.
func (r *Reader) EraseStatus(ctx context.Context, order [32]byte) (EraseRecord, bool, error) {
	e, err := can[ticketEraser](ctx, r, CanErase)
	if err != nil {
		return EraseRecord{}, false, fmt.Errorf("cannot ask for erase: %w", err)
	}
	record, done, err := e.eraseStatus(ctx, order)
	if err != nil {
		return EraseRecord{}, false, fmt.Errorf("cannot ask for erase: %w", err)
	}
	return record, done, nil
}
