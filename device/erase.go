package device

import (
	"context"
	"fmt"
	"time"
)

// EraseChallenge is what a ticket has to answer.
type EraseChallenge struct {
	RC           [16]byte // random, kept by the reader until used, replaced or cancelled
	EraseCounter uint32   // before the erase
	Before       [32]byte // digest of slot, type, state and KCV of the scope
}

// commitTime bounds an erase: a reader with many slots asks for more time by BUSY.
const commitTime = 30 * time.Second

// BeginErase asks for a challenge to erase the slots of scope for the command with this digest.
// Nothing is erased; a former challenge is replaced. ErrRefused{CodeScope}: a slot is unknown or retained.
func (r *Reader) BeginErase(ctx context.Context, order [32]byte, scope []uint16) (EraseChallenge, error) {
	body := appendField(appendField(nil, tagOrder, order[:]), tagScope, scopeBytes(scope))
	answer, err := r.do(ctx, command{code: cmdEraseBegin, body: body})
	if err != nil {
		return EraseChallenge{}, fmt.Errorf("cannot begin erase: %w", err)
	}
	c := EraseChallenge{
		RC:           [16]byte(answer.fixed(tagChallenge, 16)),
		EraseCounter: answer.u32(tagEraseCount),
		Before:       [32]byte(answer.fixed(tagSlotsDigest, 32)),
	}
	if answer.err != nil {
		return EraseChallenge{}, fmt.Errorf("cannot begin erase: %w", answer.err)
	}
	return c, nil
}

// CancelErase makes the reader forget its challenge; without one it does nothing.
func (r *Reader) CancelErase(ctx context.Context) error {
	if _, err := r.do(ctx, command{code: cmdEraseCancel}); err != nil {
		return fmt.Errorf("cannot cancel erase: %w", err)
	}
	return nil
}

// CommitErase hands the ticket over and erases. After ErrHangup or ErrTimeout the reader may have erased or
// not: ask EraseStatus. The same ticket again gets the record of its one erase, with the nonce of that time.
func (r *Reader) CommitErase(ctx context.Context, ticket []byte, nonce [16]byte) (EraseRecord, error) {
	body := appendField(appendField(nil, tagTicket, ticket), tagNonce, nonce[:])
	answer, err := r.do(ctx, command{code: cmdEraseCommit, body: body, longest: commitTime})
	if err != nil {
		return EraseRecord{}, fmt.Errorf("cannot erase: %w", err)
	}
	record, err := parseRecordFields(answer)
	if err != nil {
		return EraseRecord{}, fmt.Errorf("cannot read erase record: %w", err)
	}
	return record, nil
}

// EraseStatus returns the record of the last erase made for the command with this digest;
// false: the reader knows of none, so nothing was erased for it.
func (r *Reader) EraseStatus(ctx context.Context, order [32]byte) (EraseRecord, bool, error) {
	answer, err := r.do(ctx, command{code: cmdEraseStatus, body: appendField(nil, tagOrder, order[:])})
	if isRefusal(err, CodeNoOrder) {
		return EraseRecord{}, false, nil
	}
	if err != nil {
		return EraseRecord{}, false, fmt.Errorf("cannot ask for erase: %w", err)
	}
	record, err := parseRecordFields(answer)
	if err != nil {
		return EraseRecord{}, false, fmt.Errorf("cannot read erase record: %w", err)
	}
	return record, true, nil
}
