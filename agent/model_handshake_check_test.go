package agent

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/manifest"
	"unbindd/agent/receipt"
)

// What must hold of the hand-shake. A violation ends the run that led to it.

func (h *shaking) violate(format string, args ...any) { panic(violated(fmt.Sprintf(format, args...))) }

// arrives is a request at the desk, and what must hold of every answer: what was
// kept stays as it is, a receipt that goes out is in the store, the same bytes get
// the same receipt, and other bytes under that name are refused.
func (h *shaking) arrives(r *running, q deskAsked) deskAnswer {
	q.From, q.Late, q.Bug = r.s.desk, r.s.said.Late, h.bug.desk
	before := h.desk.view(r.s.desk)
	a := h.desk.serve(q)
	r.s.desk = a.At
	h.grows(before, a.View)
	if a.Code == 200 {
		h.keeps(q, a)
	}
	return a
}

// deskStates are what a desk calls a case, in the order in which it never goes back.
var deskStates = []string{"drafted", "issued", "refused", "accepted", "backed-up", "erased", "acknowledged", "closed", "gone", "undone", "cancelled"}

func (h *shaking) grows(before, after deskView) {
	if slices.Index(deskStates, after.State) < slices.Index(deskStates, before.State) {
		h.violate("the desk called the case %s, and calls it %s now", before.State, after.State)
	}
	if slices.Index(deskStates, after.Earlier) < slices.Index(deskStates, before.Earlier) {
		h.violate("the desk called the earlier case %s, and calls it %s now", before.Earlier, after.Earlier)
	}
	for name, digest := range before.Objects {
		if after.Objects[name] != digest {
			h.violate("the desk had %s, and has it no more, or another", name)
		}
	}
	for name, body := range before.Bodies {
		if string(after.Bodies[name]) != string(body) {
			h.violate("the desk's %s has changed", name)
		}
	}
}

func (h *shaking) keeps(q deskAsked, a deskAnswer) {
	in := h.inCase(q.Case)
	name := in + fmt.Sprintf("%s/%d", q.Op, q.N)
	if a.View.Objects[name] == "" {
		h.violate("the desk says that it keeps %s, and does not", name)
	}
	if q.Op != "manifest" {
		if len(a.Reply) == 0 || string(a.Reply) != string(a.View.Bodies[in+"receipt-"+bare(name)]) {
			h.violate("the receipt for %s that went out is not the one that was kept", name)
		}
	}
	if q.Op == "tombstone" || q.Bug == "" && q.Kill != "" {
		return
	}
	tried := fmt.Sprint(q.From, a.At, name, h.bug.name)
	if h.tried[tried] {
		return
	}
	h.tried[tried] = true
	others := h.otherBytes(q)
	if others == nil {
		return
	}
	p := h.desk.serve(*others)
	if p.Code != 409 || !p.View.same(a.View) {
		h.violate("other bytes as %s: the desk answered %d %s", name, p.Code, p.Err)
	}
}

// otherBytes is the same object with other bytes, which the terminal's key signed.
func (h *shaking) otherBytes(q deskAsked) *deskAsked {
	a := h.desk.serve(q)
	q.From, q.Kill = a.At, ""
	if q.Op == "backup" {
		q.Body = append(slices.Clone(q.Body), 0)
		q.Size, q.Sum = q.Size+1, string(envelope.DigestOf(q.Body))
		return &q
	}
	e, err := envelope.Parse(q.Body, envelope.MaxSize)
	h.must(err)
	var said map[string]any
	d := json.NewDecoder(strings.NewReader(string(e.Payload)))
	d.UseNumber()
	h.must(d.Decode(&said))
	switch q.Op {
	case "manifest":
		said["size"] = json.Number("1")
	case "answer":
		said["code"] = "E18"
	case "certificate":
		said["predicate"].(map[string]any)["finished"] = json.Number("1795392001")
	default:
		return nil
	}
	again, err := envelope.Seal(e.PayloadType, said, deviceSigner(h.b.a.keys))
	h.must(err)
	q.Body = again.Encode()
	return &q
}

// mayErase is asked before anything is erased.
func (h *shaking) mayErase(r *running) {
	c := r.drawer.now
	run := c.run()
	var o opened
	if !run.Crossed || !c.note(noteOpened, &o) {
		h.violate("%s erases, and the line was not crossed", r.step)
	}
	if c.step(r.step) != "doing" {
		h.violate("%s erases, and the journal has it as %q", r.step, c.step(r.step))
	}
	h.rests(r.s, c, o)
}

// rests looks whether an erase rests on a receipt for the very file, which the desk
// still has, or on people who signed for less.
func (h *shaking) rests(s standing, c cells, o opened) {
	n := h.manifestIn(c)
	e, err := envelope.Parse(json.RawMessage(c["notes\x00"+noteManifest]), envelope.MaxSize)
	h.must(err)
	var m manifest.Manifest
	h.must(envelope.Decode(e.Payload, &m))
	switch o.Auth.Kind {
	case "receipt":
		body := c["notes\x00"+noteReceipt]
		re, err := envelope.Parse([]byte(body), envelope.MaxSize)
		if err != nil || re.Digest() != o.Auth.Digest {
			h.violate("an erase, and the receipt it rests on is not in the journal")
		}
		var w receipt.Receipt
		h.must(envelope.Decode(re.Payload, &w))
		if w.Subject != e.Digest() || w.Verified != receipt.Restored || m.Digest != envelope.DigestOf(h.files[n]) {
			h.violate("an erase on a receipt for something else")
		}
		if v := h.desk.view(s.desk); string(v.Bodies[fmt.Sprintf("receipt-backup/%d", n)]) != body {
			h.violate("an erase on a receipt that the desk does not have")
		}
	case "amend":
		var on envelope.Digest
		if h.names[o.Auth.Digest] != string(command.AllowSealed) || !c.note(noteCarried, &on) || on != e.Digest() {
			h.violate("an erase on an amendment that does not allow it, or without a sealed file on the medium")
		}
	default:
		h.violate("an erase on nothing but %s", o.Auth.Kind)
	}
}

// mayEnd is asked before the identity goes.
func (h *shaking) mayEnd(r *running) {
	c := r.drawer.now
	if r.s.stone == "" {
		h.violate("the identity goes, and there is no tombstone")
	}
	if !h.finished(r.s, c) {
		h.violate("the identity goes, and neither a receipt for the certificate nor a close is there")
	}
}

// finished says whether the desk has receipted the last word, or people ended it.
func (h *shaking) finished(s standing, c cells) bool {
	last := h.signedIn(c)
	if h.closed(c) {
		return true
	}
	w := h.certs[last]
	name := fmt.Sprintf("certificate/%d", w.n)
	body, v := c["notes\x00"+noteDeskHas], h.desk.view(s.desk)
	if body == "" || string(v.Bodies["receipt-"+name]) != body || v.Objects[name] != last {
		return false
	}
	return w.result == certificate.Complete || h.amended(c, command.AllowPartial)
}

// closed says whether a close of the newest certificate is there.
func (h *shaking) closed(c cells) bool {
	text := c["notes\x00"+noteClose]
	return text != "" && h.closes(text) == h.signedIn(c)
}

// closes is the certificate that a close ends.
func (h *shaking) closes(text string) envelope.Digest {
	var said command.Close
	h.must(envelope.Decode(h.parsed(text).Payload, &said))
	return said.Certificate
}

// amended says whether an amendment that was taken allows something.
func (h *shaking) amended(c cells, what envelope.ID) bool {
	var all []json.RawMessage
	c.note(noteAmends, &all)
	return slices.ContainsFunc(all, func(text json.RawMessage) bool { return h.names[h.parsed(string(text)).Digest()] == string(what) })
}

// holds is asked of every standing.
func (h *shaking) holds(s standing) {
	c, v := s.cells, h.desk.view(s.desk)
	run := c.run()
	_, final := StepNames()
	begun := slices.ContainsFunc(final, func(step string) bool { return c.step(step) != "" })
	acknowledged := v.State == "acknowledged" || v.State == "gone"
	var o opened
	there := c.note(noteOpened, &o)
	certified, complete := h.certified(v)
	switch {
	case acknowledged && !certified:
		h.violate("the desk calls the case %s without certificate and receipt", v.State)
	case v.State == "acknowledged" && !complete:
		h.violate("the desk calls the case acknowledged, and no certificate says that all is done")
	case v.Objects["tombstone/1"] != "" && s.who != whoGone:
		h.violate("the tombstone is revealed, and the identity is there")
	case v.State == "gone" && v.Objects["tombstone/1"] == "":
		h.violate("the desk calls the terminal gone without a tombstone")
	case begun && !run.Crossed:
		h.violate("a final step began before the line")
	case run.Crossed && c["run\x00cancel"] != "":
		h.violate("a cancel was accepted, and the line is crossed")
	case (run.Outcome == "undone" || run.Outcome == "cancelled") && (begun || s.who != whoThere):
		h.violate("a case ended %s, and something was erased", run.Outcome)
	case s.buried && s.who != whoGone:
		h.violate("the journal is gone before the identity")
	case s.buried && v.State != "gone" && !h.closed(c):
		h.violate("the terminal is unbound, and the desk was not told")
	case run.Crossed && !there:
		h.violate("the line is crossed, and the record that destruction began is not there")
	}
	if s.who == whoThere && run.Name != "" && !h.posts(c, v, string(command.Accepted)+command.CodeNone+h.called(envelope.Digest(run.Name))) {
		h.violate("the acceptance is not in the outbox, and the desk does not have it")
	}
	if run.Name == "" && (s.sealed > 0 || s.stone != "" || s.who != whoThere || s.buried) {
		h.violate("no command was accepted, and something was done")
	}
	h.told(s)
	if v.State == "refused" && h.deskHas(v, string(command.Accepted)+command.CodeNone+"command") {
		h.violate("the desk has the acceptance, and calls the case refused")
	}
	h.offers(s, run, v)
	h.alone(v, h.signedIn(c))
	if begun {
		h.rests(s, c, o)
	}
	if s.who != whoThere && (s.stone == "" || !h.finished(s, c)) {
		h.violate("the identity is gone, and nothing allowed it")
	}
}

// certified says whether the desk has a certificate that it receipted, and whether
// one of those says that all is done.
func (h *shaking) certified(v deskView) (receipted, complete bool) {
	for n := int64(1); ; n++ {
		name := fmt.Sprintf("certificate/%d", n)
		digest, there := v.Objects[name]
		if !there {
			return receipted, complete
		}
		if v.Objects["receipt-"+name] != "" {
			receipted = true
			complete = complete || h.certs[digest].result == certificate.Complete
		}
	}
}

// alone looks that there are no two certificates of one number, at either end.
func (h *shaking) alone(v deskView, last envelope.Digest) {
	for name, digest := range v.Objects {
		var n int64
		if _, err := fmt.Sscanf(name, "certificate/%d", &n); err != nil {
			continue
		}
		if w, known := h.certs[digest]; !known || w.n != n || n > h.certs[last].n || n == h.certs[last].n && digest != last {
			h.violate("the desk has a certificate %d that is not the terminal's", n)
		}
	}
}

// ended says whether a standing is an end: acknowledged to the last word, or taken
// back with everything told.
func (h *shaking) ended(s standing) bool {
	run, v := s.cells.run(), h.desk.view(s.desk)
	if h.called(envelope.Digest(run.Name)) == "earlier" {
		return run.Outcome != journal.Running && !s.cells.outbox() && v.Earlier == run.Outcome && v.State == "drafted"
	}
	if s.buried {
		return v.State == "gone" || h.closed(s.cells)
	}
	return (run.Outcome == "undone" || run.Outcome == "cancelled") && !s.cells.outbox() && (v.State == run.Outcome)
}
