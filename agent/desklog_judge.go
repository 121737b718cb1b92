package agent

import (
	"context"
	"encoding/base64"
	"errors"

	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/local"
	"unbindd/agent/merkle"
	"unbindd/agent/receipt"
	"unbindd/agent/trust"
	"unbindd/transport"
)

// witness holds a desk to the checkpoint that was kept of its log.
type witness struct {
	ctx  context.Context
	link transport.Link
	log  *transport.Log
	kept signed
	cut  func() bool // a question broke off on this side
}

// judge looks first for two checkpoints that cannot both be true, for they are worth
// more than what else is wrong.
func (w witness) judge(of proven) (v verdict) {
	v.before = w.kept
	proof, err := base64.StdEncoding.Strict().DecodeString(w.log.Proof)
	if w.log.Proof == "" {
		err = errors.New("cannot find the object in the desk's log: the receipt came without a proof")
	}
	var c merkle.Checkpoint
	text := merkle.CheckpointIn(proof)
	if err == nil {
		c, err = merkle.OpenCheckpoint(text, of.by)
	}
	if err == nil && c.Size > 0 { // of nothing there is one for everybody: it says nothing, and joins nothing
		v.shown = signed{c, text}
		if merkle.Differ(w.kept.Checkpoint, c) {
			return twoOfOneSize(w.kept, v.shown)
		}
	}
	if err == nil {
		v.leaf, err = included(proof, of)
	}
	if err != nil {
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
	if v.since = w.kept.Size; v.shown.Checkpoint == w.kept.Checkpoint {
		return
	}
	earlier, later, lacks := w.kept, v.shown, local.WarnUnproven
	if v.shown.Size < w.kept.Size {
		earlier, later, lacks = v.shown, w.kept, local.WarnBehind
	} else if w.log.Size == earlier.Size && w.log.Growth != "" &&
		merkle.Joined(merkle.GrowthText(w.log.Growth, later.text), earlier.Checkpoint, later.Checkpoint, t) == nil {
		return
	}
	fork, err := w.ask(earlier, later, t)
	switch v.why = err; {
	case err == nil:
	case fork.word != "":
		*v = fork
	case envelope.CodeOf(err) == "E24:consistency":
		v.word = local.WarnForked
	case refusedAs(err, "E28:leaf"):
		v.word = lacks
	case w.cut():
	default:
		v.word = local.WarnUnproven
	}
}

// ask has the desk prove that one checkpoint continues another. Where what it says to that
// bears one that cannot be true beside either, the two are the fork, whatever was proven.
func (w witness) ask(earlier, later signed, t *trust.Trust) (fork verdict, err error) {
	desk, ok := w.link.(interface {
		Growth(ctx context.Context, from, to int64) ([]byte, error)
	})
	if !ok {
		return fork, errors.New("cannot ask how the log grew: this link cannot")
	}
	ctx, stop := context.WithTimeout(w.ctx, growthTime)
	defer stop()
	proof, err := desk.Growth(ctx, earlier.Size, later.Size)
	if err != nil {
		return fork, err
	}
	text := merkle.CheckpointIn(proof)
	if c, err := merkle.OpenCheckpoint(text, t); err == nil { // else Joined says what is wrong with it
		for _, other := range []signed{later, earlier} {
			if merkle.Differ(other.Checkpoint, c) {
				fork = twoOfOneSize(other, signed{c, text})
				return fork, fork.why
			}
		}
	}
	return fork, merkle.Joined(proof, earlier.Checkpoint, later.Checkpoint, t)
}

func refusedAs(err error, code string) bool {
	var s *transport.Status
	return errors.As(err, &s) && s.Err == code
}

// settles says whether a doubt is over: the desk has joined what it showed then with the
// newest that is kept, and that continues all that was kept before; or that newest is of
// another log, which the trust has named since. Where the desk proves the newest to be of
// another log than what it showed, the two are the fork. Two of one size never end.
func (w witness) settles(d *journal.Doubt, t *trust.Trust) (over bool, fork verdict) {
	if d.Shown == "" {
		return true, fork
	}
	shown, err := reopened(d.Shown)
	switch {
	case err != nil:
		return false, fork
	case shown.Size == 0:
		return true, fork
	case shown.Origin != w.kept.Origin:
		return w.kept.Origin == string(t.Log.Origin), fork
	case shown.Size > w.kept.Size, weight(d) == weighsMost:
		return false, fork
	case merkle.Differ(shown.Checkpoint, w.kept.Checkpoint):
		return false, twoOfOneSize(w.kept, shown)
	case shown.Size == w.kept.Size:
		return true, fork
	}
	fork, err = w.ask(shown, w.kept, t)
	if fork.word == "" && envelope.CodeOf(err) == "E24:consistency" {
		fork = verdict{word: local.WarnForked, why: err, before: w.kept, shown: shown}
	}
	return err == nil, fork
}

// reopened reads a checkpoint that was verified when it was kept.
func reopened(text string) (signed, error) {
	c, err := merkle.Kept([]byte(text))
	return signed{c, []byte(text)}, err
}

// twin is the checkpoint of a doubt that cannot be true beside the one shown now, if there
// is one.
func twin(d *journal.Doubt, shown signed) signed {
	for _, text := range []string{d.Shown, d.Kept} {
		if c, err := reopened(text); err == nil && merkle.Differ(c.Checkpoint, shown.Checkpoint) {
			return c
		}
	}
	return signed{}
}

// weighsMost is what two checkpoints weigh that convict by themselves.
const weighsMost = 4

// weight is what a doubt is worth to who judges the desk. One that weighs more takes the
// place of one that weighs less: where nothing was signed there is no evidence, and two of
// one size need no proof.
func weight(d *journal.Doubt) int {
	switch {
	case d == nil:
		return 0
	case d.Shown == "":
		return 1
	case d.Word != local.WarnForked:
		return 2
	}
	kept, err1 := reopened(d.Kept)
	shown, err2 := reopened(d.Shown)
	if err1 != nil || err2 != nil || !merkle.Differ(kept.Checkpoint, shown.Checkpoint) {
		return 3
	}
	return weighsMost
}
