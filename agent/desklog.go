package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/local"
	"unbindd/agent/merkle"
	"unbindd/agent/trust"
	"unbindd/transport"
)

// proven is what a receipt is for, and by whom its place in the desk's log is believed.
type proven struct {
	object  envelope.Digest // of the leaf
	receipt *envelope.Envelope
	by      *trust.Trust
}

// overLog goes with a question that may be answered with a receipt: the desk is told
// which size of its log was seen last.
func (a *Agent) overLog(ctx context.Context) (context.Context, *transport.Log) {
	l := &transport.Log{}
	if c, _, err := keptCheckpoint(a.journal); err == nil { // else told when the receipt is here
		l.Size = c.Size
	}
	return transport.WithLog(ctx, l), l
}

// growthTime is how long the desk may take to show how its log grew: the receipt that is
// here already waits for it.
const growthTime = 10 * time.Second

// signed is a checkpoint, and the same as it was signed; of size 0 where there is none.
type signed struct {
	merkle.Checkpoint
	text []byte
}

// keptCheckpoint is the newest checkpoint that was verified, and as it was signed; of
// size 0 where there is none.
func keptCheckpoint(j *journal.Journal) (c merkle.Checkpoint, text []byte, err error) {
	if text, err = j.Checkpoint(); err != nil || len(text) == 0 {
		return c, nil, err
	}
	c, err = merkle.Kept(text)
	return c, text, err
}

// received keeps a receipt, with what came beside it of the desk's log, in one
// transaction. A receipt is the desk's word on its own: nothing that is wrong with the
// log takes it away, and all of it is told.
func (a *Agent) received(ctx context.Context, link transport.Link, l *transport.Log, of proven, keep func(journal.Seen) error) error {
	if !l.Heard {
		a.Log.Info().Msg("a receipt came by a way that carries no proofs of the desk's log")
		return keep(journal.Seen{})
	}
	a.logging.Lock() // two receipts at once would each be held to the checkpoint before both
	defer a.logging.Unlock()
	h, err := a.beside(ctx, link, l, of)
	if err == nil {
		err = keep(h.Seen)
	}
	if err == nil {
		a.tellLog(h)
	}
	return err
}

// heard is what came beside a receipt, and what is new of it.
type heard struct {
	journal.Seen
	verdict verdict
	doubt   *journal.Doubt // is told; it is kept where it weighs more than the one before
	why     error
	ended   *journal.Doubt
}

// beside judges what came beside a receipt.
func (a *Agent) beside(ctx context.Context, link transport.Link, l *transport.Log, of proven) (h heard, err error) {
	kept, text, err1 := keptCheckpoint(a.journal)
	past, err2 := a.journal.Doubt()
	if err := errors.Join(err1, err2); err != nil {
		return h, err
	}
	w := witness{ctx, link, l, signed{kept, text}, a.cut(ctx)}
	v := w.judge(of)
	if v.word == "" && v.why == nil && (v.shown.Size > kept.Size || v.shown.Origin != kept.Origin) {
		h.Checkpoint, w.kept = v.shown.text, v.shown
	}
	h.verdict = v
	if past != nil {
		if other := twin(past, v.shown); other.text != nil {
			v = twoOfOneSize(other, v.shown)
		} else if v.word == "" && v.why == nil {
			if h.Settled, v = w.settles(past, of.by); h.Settled {
				h.ended = past
			}
		}
	}
	if v.word == "" {
		return h, nil
	}
	d := &journal.Doubt{Word: v.word, Kept: string(v.before.text), Shown: string(v.shown.text), At: a.Now().UnixMilli()}
	if weight(d) > weight(past) {
		h.Doubt = d
	}
	if h.Doubt != nil || h.verdict.word != "" && (d.Kept != past.Kept || d.Shown != past.Shown) {
		h.doubt, h.why = d, v.why
	}
	return h, nil
}

// cut says whether a question broke off because this process ends or the link was made
// anew: that is no word of the desk's.
func (a *Agent) cut(ctx context.Context) func() bool {
	a.mu.Lock()
	relinked := a.relinked
	a.mu.Unlock()
	return func() bool {
		select {
		case <-relinked:
			return true
		default:
			return ctx.Err() != nil
		}
	}
}

// tellLog tells what is new.
func (a *Agent) tellLog(h heard) {
	v := h.verdict
	if d := h.doubt; d != nil {
		a.Log.Error().Err(h.why).Str("warning", d.Word).Str("kept", d.Kept).Str("shown", d.Shown).
			Msg("the receipts count, and what the desk showed of its log is not joined to what it showed before")
		a.hub.tell(local.Event{Kind: "log", Name: v.shown.Origin, State: d.Word, Detail: h.why.Error()})
	}
	if d := h.ended; d != nil {
		a.Log.Info().Str("warning", d.Word).Str("kept", d.Kept).Str("shown", d.Shown).
			Msg("what was in doubt of the desk's log is over")
	}
	switch {
	case v.word != "":
	case v.why != nil:
		a.Log.Info().Err(v.why).Msg("a receipt counts, and how the log grew could not be asked to the end")
	default:
		a.Log.Info().Str("log", v.shown.Origin).Msg(v.String())
		a.hub.tell(local.Event{Kind: "log", Name: v.shown.Origin, Detail: v.String()})
	}
}

// verdict is what came beside a receipt, judged. A word is what is wrong with it; where
// there is only a why, nothing can be said of it.
type verdict struct {
	word   string
	why    error
	before signed // what the one shown is not joined to
	shown  signed // of size 0 where nothing came that the log has signed
	leaf   int64
	since  int64 // the size that it continues
}

func (v verdict) String() string {
	switch {
	case v.since == 0:
		return fmt.Sprintf("included as leaf %d of %d; the first that is kept", v.leaf, v.shown.Size)
	case v.since > v.shown.Size:
		return fmt.Sprintf("included as leaf %d of %d; continued by the log of %d leaves", v.leaf, v.shown.Size, v.since)
	}
	return fmt.Sprintf("included as leaf %d of %d; continues the log of %d leaves", v.leaf, v.shown.Size, v.since)
}

// twoOfOneSize is the verdict on two checkpoints that differ.
func twoOfOneSize(before, shown signed) verdict {
	return verdict{
		word: local.WarnForked, before: before, shown: shown,
		why: envelope.Refuse("E24", "consistency", "cannot accept the checkpoint: the desk shows two of one size"),
	}
}
