package main

import (
	"errors"

	"unbindd/agent/envelope"
	"unbindd/agent/merkle"
	"unbindd/agent/receipt"
	"unbindd/agent/trust"
)

// checkLog verifies that the certificate stands in the desk's log under a signed
// checkpoint, and where the receipt says, if there is one. Whoever keeps the
// checkpoint can hold the desk to it later.
func (x *examination) checkLog(newest opened) (words, error) {
	var found merkle.Included
	err := x.any(func(t *trust.Trust) (err error) {
		found, err = merkle.Check(x.proof, newest.Digest, t)
		return err
	})
	if err != nil {
		return words{}, err
	}
	if x.receipt != nil {
		var said receipt.Receipt
		if err := envelope.Decode(x.receipt.envelope.Payload, &said); err != nil {
			return words{}, err
		}
		if said.Index != found.Index {
			return words{}, errors.New("cannot use the proof: it puts the certificate elsewhere in the log than the receipt")
		}
	}
	x.log = found.Checkpoint
	return words{"entry %d of log %s with %d entries, root %s", "日志 %[2]s 第 %[1]d 条，共 %[3]d 条，根 %[4]s"}.
		fill(found.Index, found.Origin, found.Size, found.Root), nil
}

// checkGrowth verifies that the log in which the certificate stands continues the one of
// a checkpoint that somebody kept. The log may have had another key then.
func (x *examination) checkGrowth() (words, error) {
	var earlier, later merkle.Checkpoint
	err := x.any(func(t *trust.Trust) (err error) {
		earlier, err = merkle.OpenCheckpoint(x.checkpoint, t)
		return err
	})
	if err == nil {
		err = x.any(func(t *trust.Trust) (err error) {
			later, err = merkle.CheckGrowth(x.growth, earlier, t)
			return err
		})
	}
	if err != nil {
		return words{}, err
	}
	if later != x.log {
		return words{}, envelope.Refuse("E24", "consistency", "cannot accept the checkpoint: the proof leads to another one of %d leaves", later.Size)
	}
	return words{"continues the log of %d leaves", "延续先前的 %d 条"}.fill(earlier.Size), nil
}
