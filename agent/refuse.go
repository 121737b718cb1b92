package agent

import (
	"errors"
	"strings"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/local"
)

// refusedObject tells what became of an object that was refused.
func refusedObject(kind string, digest envelope.Digest, err error) local.Object {
	return local.Object{Kind: kind, Digest: string(digest), Outcome: "refused", Error: told(err)}
}

// told is an error in the words of the local API.
func told(err error) *local.Error {
	if err == nil {
		return nil
	}
	var r *envelope.Refusal
	if e, ok := toldBy(err); ok && !errors.As(err, &r) {
		return e
	}
	e := &local.Error{Code: envelope.CodeOf(err), Message: err.Error()}
	if errors.As(err, &r) {
		e.Message = r.Why()
	}
	if m, ok := envelope.MeaningOf(e.Code); ok {
		e.Next = m.Next(envelope.English)
	}
	return e
}

// code is the full code of an error, for an answer; E18 where it has none,
// because then something of ours failed.
func code(err error) string {
	if c := envelope.CodeOf(err); c != "" {
		return c
	}
	return "E18"
}

func cutCode(full string) (code, detail string, ok bool) {
	code, detail, ok = strings.Cut(full, ":")
	return code, detail, ok
}

// unnamed is the case of an answer to something that names none we can believe.
func (a *Agent) unnamed() envelope.ID {
	if id := a.identity(); id != nil {
		return "none:" + id.binding.Terminal
	}
	return "none"
}

// straysAnEnrolment is how many answers to what opened no case fit between the numbers of
// two enrolments: the numbers begin again with each, and the desk has those before.
const straysAnEnrolment = 1 << 20

// answer makes the terminal's signed word on an order, as a parcel for the desk.
func (a *Agent) answer(caseID envelope.ID, subject envelope.Digest, outcome, code string) (journal.Parcel, error) {
	id := a.identity()
	if id == nil {
		return journal.Parcel{}, errNotBound
	}
	n, err := a.journal.Number(string(caseID), "answer")
	if err != nil {
		return journal.Parcel{}, err
	}
	if caseID == a.unnamed() { // a case of its own is of one enrolment; what opened none is told under one name by all
		n += (id.binding.Epoch - 1) * straysAnEnrolment
	}
	word := command.Answer{
		Case: caseID, Code: envelope.ID(code), N: n, Outcome: envelope.ID(outcome),
		Subject: subject, Terminal: id.binding.Terminal, V: 1,
	}
	e, err := envelope.Seal(envelope.Type("answer"), word, deviceSigner(a.keys))
	if err != nil {
		return journal.Parcel{}, err
	}
	return journal.Parcel{Case: string(caseID), Kind: "answer", N: n, Body: e.Encode()}, nil
}

// refuse answers a refusal and remembers it, so that a link that offers the same
// bytes again and again gets one answer. Nothing else changes. What failed here is
// answered to nobody: the desk would take it for the end of an order that nobody has
// judged.
func (a *Agent) refuse(kind string, e *envelope.Envelope, caseID envelope.ID, why error) local.Object {
	o, known := a.turnDown(kind, e.Digest(), caseID, why)
	if known || failedHere(o) {
		return o
	}
	p, err := a.answer(caseID, e.Digest(), command.Refused, code(why))
	if err == nil {
		err = a.journal.Post(p)
	}
	if err != nil {
		a.Log.Error().Err(err).Msg("the refusal cannot be answered")
	}
	a.bell.ring()
	return o
}

// turnDown shows an order that comes to nothing here, for whatever reason, and tells
// of it once: a link that offers the same bytes again moves the time.
func (a *Agent) turnDown(kind string, digest envelope.Digest, caseID envelope.ID, why error) (o local.Object, known bool) {
	o = refusedObject(kind, digest, why)
	o.Case = string(caseID)
	judged := false
	if digest != "" { // of what cannot be read nobody knows whether it came before
		known, judged = a.cameBefore(o)
	}
	a.showRefused(o, !known && !judged)
	if !known {
		a.Log.Warn().Str("code", o.Error.Code).Str("case", o.Case).Str("kind", kind).Msg("refused")
		a.hub.tell(local.Event{Kind: "command", Name: kind, State: "refused", Code: o.Error.Code, Detail: o.Error.Message})
	}
	return o, known
}

// cameBefore remembers a refusal, and says whether it was met before, and whether its
// object had its turn in an earlier process.
func (a *Agent) cameBefore(o local.Object) (known, judged bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, known = a.refused[reasoned(o)]
	if len(a.refused) > remembered {
		clear(a.refused)
	}
	a.refused[reasoned(o)] = o
	return known, a.judged[o.Digest] || a.judged[reasoned(o)]
}

// failedHere says that an object was not judged, because something of ours failed.
func failedHere(o local.Object) bool {
	if o.Error == nil {
		return false
	}
	bare, _, _ := cutCode(o.Error.Code)
	return bare == "" || bare == "E18"
}
