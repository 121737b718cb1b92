package agent

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/local"
	"unbindd/agent/merkle"
	"unbindd/agent/receipt"
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
	s, v, err := a.beside(ctx, link, l, of)
	if err == nil {
		err = keep(s)
	}
	if err == nil {
		a.tellLog(s, v)
	}
	return err
}

// beside judges what came beside a receipt.
func (a *Agent) beside(ctx context.Context, link transport.Link, l *transport.Log, of proven) (s journal.Seen, v verdict, err error) {
	kept, text, err := keptCheckpoint(a.journal)
	doubt, derr := a.journal.Doubt()
	if err := errors.Join(err, derr); err != nil {
		return s, v, err
	}
	v = witness{ctx, link, l, kept}.judge(of)
	switch {
	case v.word != "":
		if doubt == nil || (v.word == local.WarnForked && doubt.Word != local.WarnForked) {
			s.Doubt = &journal.Doubt{Word: v.word, Kept: string(text), Shown: string(v.text), At: a.Now().UnixMilli()}
		}
		return s, v, nil
	case v.shown.Size > kept.Size || v.shown.Origin != kept.Origin:
		s.Checkpoint, kept = v.text, v.shown
	}
	if doubt != nil {
		var forked bool
		if s.Settled, forked = (witness{ctx, link, l, kept}.settles(doubt, of.by)); forked && doubt.Word != local.WarnForked {
			doubt.Word, s.Doubt = local.WarnForked, doubt
		}
	}
	return s, v, nil
}

// tellLog tells what is new.
func (a *Agent) tellLog(s journal.Seen, v verdict) {
	e := local.Event{Kind: "log", Name: v.shown.Origin, Detail: v.String()}
	if d := s.Doubt; d != nil {
		a.Log.Error().Err(v.why).Str("warning", d.Word).Str("kept", d.Kept).Str("shown", d.Shown).
			Msg("the receipts count, and what the desk showed of its log is not joined to what it showed before")
		a.hub.tell(local.Event{Kind: "log", Name: v.shown.Origin, State: d.Word, Detail: v.String()})
	}
	if s.Settled {
		a.Log.Info().Msg("the desk's log is joined to what was in doubt")
	}
	if v.word == "" {
		a.Log.Info().Str("log", v.shown.Origin).Msg(v.String())
		a.hub.tell(e)
	}
}

// verdict is what came beside a receipt, judged. A word is what is wrong with it.
type verdict struct {
	word  string
	why   error
	shown merkle.Checkpoint // of size 0 where nothing came that the log has signed
	text  []byte            // the same, as it was signed
	leaf  int64
	since int64 // the size that it continues
}

func (v verdict) String() string {
	switch {
	case v.word != "":
		return v.why.Error()
	case v.since == 0:
		return fmt.Sprintf("included as leaf %d of %d; the first that is kept", v.leaf, v.shown.Size)
	case v.since > v.shown.Size:
		return fmt.Sprintf("included as leaf %d of %d; continued by the log of %d leaves", v.leaf, v.shown.Size, v.since)
	}
	return fmt.Sprintf("included as leaf %d of %d; continues the log of %d leaves", v.leaf, v.shown.Size, v.since)
}

// witness holds a desk to the checkpoint that was kept of its log.
type witness struct {
	ctx  context.Context
	link transport.Link
	log  *transport.Log
	kept merkle.Checkpoint
}

// judge looks first for two checkpoints that cannot both be true, for they are worth
// more than what else is wrong.
func (w witness) judge(of proven) (v verdict) {
	proof, err := base64.StdEncoding.Strict().DecodeString(w.log.Proof)
	if w.log.Proof == "" {
		err = errors.New("cannot find the object in the desk's log: the receipt came without a proof")
	}
	if err == nil {
		v.text = merkle.CheckpointIn(proof)
		v.shown, err = merkle.OpenCheckpoint(v.text, of.by)
	}
	if err != nil {
		return verdict{word: local.WarnUnproven, why: err}
	}
	if merkle.Differ(w.kept, v.shown) {
		v.word, v.why = local.WarnForked, envelope.Refuse("E24", "consistency", "cannot accept the checkpoint: the desk shows two of one size")
		return v
	}
	if v.leaf, err = included(proof, of); err != nil {
		v.word, v.why = local.WarnUnproven, err
		return v
	}
	w.join(&v, of.by)
	return v
}

// included checks that the proof leads from the object, at the place that the receipt
// says, to its checkpoint.
func included(proof []byte, of proven) (int64, error) {
	in, err := merkle.Check(proof, of.object, of.by)
	if err != nil {
		return 0, err
	}
	var r receipt.Receipt
	if err := envelope.Decode(of.receipt.Payload, &r); err != nil {
		return 0, err
	}
	if r.Index != in.Index {
		return 0, envelope.Refuse("E24", "index", "cannot accept the proof: it puts the object at leaf %d, and the receipt at %d", in.Index, r.Index)
	}
	return in.Index, nil
}

// join holds what was shown against what was kept, whichever is the smaller: an answer
// that was under way for long, or a desk behind the same address that lags, shows the
// smaller one and is as good.
func (w witness) join(v *verdict, t *trust.Trust) {
	if w.kept.Origin != v.shown.Origin { // the first, or the trust names another log since
		return
	}
	if v.since = w.kept.Size; v.shown == w.kept {
		return
	}
	earlier, later, lacks := w.kept, v.shown, local.WarnUnproven
	if v.shown.Size < w.kept.Size {
		earlier, later, lacks = v.shown, w.kept, local.WarnBehind
	} else if w.log.Size == earlier.Size && w.log.Growth != "" &&
		merkle.Joined(merkle.GrowthText(w.log.Growth, v.text), earlier, later, t) == nil {
		return
	}
	switch v.why = w.ask(earlier, later, t); {
	case v.why == nil:
	case envelope.CodeOf(v.why) == "E24:consistency":
		v.word = local.WarnForked
	case refusedAs(v.why, "E28:leaf"):
		v.word = lacks
	default:
		v.word = local.WarnUnproven
	}
}

// ask has the desk prove that one checkpoint continues another.
func (w witness) ask(earlier, later merkle.Checkpoint, t *trust.Trust) error {
	desk, ok := w.link.(interface {
		Growth(ctx context.Context, from, to int64) ([]byte, error)
	})
	if !ok {
		return errors.New("cannot ask how the log grew: this link cannot")
	}
	proof, err := desk.Growth(w.ctx, earlier.Size, later.Size)
	if err != nil {
		return err
	}
	return merkle.Joined(proof, earlier, later, t)
}

func refusedAs(err error, code string) bool {
	var s *transport.Status
	return errors.As(err, &s) && s.Err == code
}

// settles says whether a doubt is over: the desk has joined what it showed then with the
// newest that is kept, and that continues all that was kept before. Where the desk proves
// that newest to be of another log than what it showed, the doubt is none any more either.
func (w witness) settles(d *journal.Doubt, t *trust.Trust) (over, forked bool) {
	if d.Shown == "" {
		return true, false
	}
	shown, err := merkle.Kept([]byte(d.Shown))
	switch {
	case err != nil, shown.Origin != w.kept.Origin, shown.Size > w.kept.Size:
		return false, false
	case shown.Size < w.kept.Size:
		err = w.ask(shown, w.kept, t)
		return err == nil, envelope.CodeOf(err) == "E24:consistency"
	}
	return shown == w.kept, shown != w.kept
}
