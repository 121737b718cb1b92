package device

import (
	"context"
	"fmt"
	"time"
)

// commitTime bounds an erase: a reader with many slots asks for more time by BUSY.
const commitTime = 30 * time.Second

func (c *pedlink) beginErase(ctx context.Context, order [32]byte, scope []uint16) (EraseChallenge, error) {
	body := appendField(appendField(nil, tagOrder, order[:]), tagScope, scopeBytes(scope))
	answer, err := c.do(ctx, command{code: cmdEraseBegin, body: body})
	if err != nil {
		return EraseChallenge{}, err
	}
	ch := EraseChallenge{
		RC:           [16]byte(answer.fixed(tagChallenge, 16)),
		EraseCounter: answer.u32(tagEraseCount),
		Before:       [32]byte(answer.fixed(tagSlotsDigest, 32)),
	}
	return ch, answer.err
}

func (c *pedlink) cancelErase(ctx context.Context) error {
	_, err := c.do(ctx, command{code: cmdEraseCancel})
	return err
}

func (c *pedlink) commitErase(ctx context.Context, ticket []byte, nonce [16]byte) (EraseRecord, error) {
	body := appendField(appendField(nil, tagTicket, ticket), tagNonce, nonce[:])
	answer, err := c.do(ctx, command{code: cmdEraseCommit, body: body, longest: commitTime})
	if err != nil {
		return EraseRecord{}, err
	}
	return readRecord(answer)
}

func (c *pedlink) eraseStatus(ctx context.Context, order [32]byte) (EraseRecord, bool, error) {
	answer, err := c.do(ctx, command{code: cmdEraseStatus, body: appendField(nil, tagOrder, order[:])})
	if isRefusal(err, CodeNoOrder) {
		return EraseRecord{}, false, nil
	}
	if err != nil {
		return EraseRecord{}, false, err
	}
	record, err := readRecord(answer)
	return record, err == nil, err
}

func readRecord(answer *fields) (EraseRecord, error) {
	record, err := parseRecordFields(answer)
	if err != nil {
		return EraseRecord{}, fmt.Errorf("cannot read erase record: %w", err)
	}
	return record, nil
}
