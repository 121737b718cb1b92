package agent

import (
	"errors"
	"strings"

	"unbindd/agent/envelope"
	"unbindd/agent/local"
)

// longestWhy bounds what is kept of a reason.
const longestWhy = 512

// showRefused shows an order that comes to nothing. News is kept, too, so that it is
// told after a restart: once an order and reason, for a link repeats what it has.
func (a *Agent) showRefused(o local.Object, news bool) {
	r := local.Refused{Kind: o.Kind, Digest: o.Digest, Case: o.Case, At: a.Now().UnixMilli(), Why: *o.Error}
	if !a.show.turnedDown(&r, news) {
		return
	}
	name := o.Digest
	if name != "" && (o.Kind == "order" || failedHere(o)) { // nobody has looked at it: another reason is news
		name = reasoned(o)
	}
	kept := r
	if len(kept.Why.Message) > longestWhy {
		kept.Why.Message = strings.ToValidUTF8(kept.Why.Message[:longestWhy], "")
	}
	if err := a.journal.Refuse(kept, name); err != nil {
		a.Log.Error().Err(err).Msg("the refusal is not written down: it is forgotten with this process")
	}
}

// reasoned names an order together with the reason why it came to nothing.
func reasoned(o local.Object) string { return o.Digest + o.Error.Code }

// acceptedNow ends what is told of the last refusal, as the journal did with the
// acceptance. The command has had its turn.
func (a *Agent) acceptedNow(command envelope.Digest) {
	a.show.setRefused(nil)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.judged[string(command)] = true
}

// recallRefused finds what an earlier process refused last, and which orders had their
// turn: a desk offers all it has to a process that begins. Without it the terminal works
// as well, and tells less.
func (a *Agent) recallRefused() {
	var last local.Refused
	found, err := a.journal.LastRefused(&last)
	if err == nil && found {
		a.show.setRefused(&last)
	}
	names, jerr := a.journal.Judged()
	for _, name := range names {
		a.judged[name] = true
	}
	if err := errors.Join(err, jerr); err != nil {
		a.Log.Error().Err(err).Msg("what was refused before is not known")
	}
}
