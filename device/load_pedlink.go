package device

import (
	"bytes"
	"context"
)

func (c *pedlink) loadKey(ctx context.Context, slot uint16, block []byte) ([]byte, error) {
	body := appendField(appendField16(nil, tagSlot, slot), tagKeyBlock, block)
	answer, err := c.do(ctx, command{code: cmdLoadKey, body: body})
	if err != nil {
		return nil, err
	}
	kcv := answer.optional(tagKCV)
	if len(kcv) < 2 || kcvMethods[kcv[0]] == "" {
		answer.fail(tagKCV, "has no known method")
		return nil, answer.err
	}
	return bytes.Clone(kcv[1:]), nil
}
