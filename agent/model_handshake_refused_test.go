package agent

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/local"
	"unbindd/device"
)

// What stands in a command's way passes, and then it is taken after all: handed in
// again, by a person or by the desk. Such a search begins before the acceptance.

// The causes for which a command is refused, in the order in which they are asked:
// another reader is connected, the clock cannot be trusted, the ledger is damaged.
const (
	otherReader = "reader" // E21
	noClock     = "clock"  // E15
	badLedger   = "ledger" // E26
)

// mind is what a process remembers of refusals from one act to the next. It is gone
// with the power, and with a restart.
type mind struct {
	refused map[string]local.Object
	judged  map[string]bool
}

// minded gives a process what it remembers, or what its journal tells a new one, and
// puts what still hinders in its way.
func (r *running) minded() {
	if r.h.o.hinders == nil {
		return
	}
	a := r.a
	if r.drawer.now.run().Outcome == journal.Running {
		r.s.said.Brought = false // once before a command is taken, and once after its end
	}
	if m := r.s.mind; m != nil {
		a.refused, a.judged = maps.Clone(m.refused), maps.Clone(m.judged)
	} else {
		a.recallRefused()
	}
	if r.hindered(otherReader) {
		a.reader = otherSerial{}
	}
	if !r.hindered(noClock) {
		a.clock.set(noon.Unix(), noon.Unix())
	}
	if r.hindered(badLedger) {
		a.show.setDamage(&local.Error{Code: "E26:damaged", Message: "the ledger is damaged"})
	}
}

func (r *running) hindered(by string) bool { return slices.Contains(r.s.hinders, by) }

// minds is what is left of it in the process; nil where a new one would know as much.
func (r *running) minds() *mind {
	if r.a == nil || r.h.o.hinders == nil {
		return nil
	}
	run, refused := r.drawer.now.run(), maps.Clone(r.a.refused)
	maps.DeleteFunc(refused, func(_ string, o local.Object) bool {
		return o.Digest == run.Name && !strings.HasPrefix(o.Error.Code, "E11") // what was accepted is never judged again
	})
	if len(refused) == 0 {
		return nil
	}
	return &mind{refused, maps.Clone(r.a.judged)}
}

// mindKey tells minds apart: by which order was refused for what, and which had their turn.
func (r *running) mindKey() string {
	if r.h.o.hinders == nil {
		return ""
	}
	var all []string
	for _, o := range r.a.refused {
		all = append(all, r.h.called(orderOf(o))+o.Error.Code)
	}
	for name := range r.a.judged {
		all = append(all, "judged "+name)
	}
	slices.Sort(all)
	return fmt.Sprint(r.s.hinders, all)
}

// refusing lists what people can do about a command that was refused, or may be.
func (r *running) refusing() (all []string) {
	if r.h.o.hinders == nil || r.a.id == nil {
		return nil
	}
	for _, by := range r.s.hinders {
		all = append(all, "mend:"+by)
	}
	running := r.drawer.now.run().Outcome == journal.Running
	for name := range r.h.brought() {
		if running {
			continue // the same one is known, and the other is refused when it is pulled
		}
		if r.free(name) || !r.s.said.Brought {
			all = append(all, "bring:"+name)
		}
	}
	slices.Sort(all)
	if r.s.mind != nil && r.h.o.anew {
		all = append(all, "restart:")
	}
	return all
}

// brought are the commands that a person can hand in.
func (h *shaking) brought() map[string][]byte {
	all := map[string][]byte{"command": h.order}
	if h.earlier != nil {
		all["earlier"] = h.earlier
	}
	return all
}

// free says whether a command that is handed in now will be taken. Any number of times
// would make no difference then; what is refused is handed in once, for each time
// more would be one more answer with a number of its own.
func (r *running) free(name string) bool {
	run := r.drawer.now.run()
	if len(r.s.hinders) > 0 {
		return false
	}
	if run.Name == "" {
		return true
	}
	ended := run.Outcome == journal.Undone || run.Outcome == journal.Cancelled
	return name == "command" && ended && r.h.called(envelope.Digest(run.Name)) == "earlier"
}

// bring hands a command in.
func (r *running) bring(name string) {
	if !r.free(name) {
		r.s.said.Brought = true
	}
	r.a.take(r.h.brought()[name])
}

// mend takes one hindrance away.
func (r *running) mend(by string) {
	r.s.hinders = slices.DeleteFunc(slices.Clone(r.s.hinders), func(h string) bool { return h == by })
}

// restart begins a new process, which knows nothing but its disk.
func (r *running) restart() {
	r.a.refused, r.s.polled = map[string]local.Object{}, ""
}

// told looks that whatever a process knows it refused is answered: the answer is in the
// outbox, or the desk has it. What only failed here is answered to nobody.
func (h *shaking) told(s standing) {
	if s.mind == nil {
		return
	}
	v := h.desk.view(s.desk)
	for _, o := range s.mind.refused {
		if failedHere(o) {
			continue
		}
		word := string(command.Refused) + o.Error.Code + h.called(orderOf(o))
		if !h.posts(s.cells, v, word) {
			h.violate("%s was refused with %s, and the answer is neither in the outbox nor at the desk", h.called(orderOf(o)), o.Error.Code)
		}
	}
}

// posts says whether an answer of these words is in the outbox or at the desk.
func (h *shaking) posts(c cells, v deskView, word string) bool {
	for name, value := range c {
		if key, is := strings.CutPrefix(name, "outbox\x00"); is && key != sequence {
			h.parcel(value, v)
			if h.parcels[value].word == word {
				return true
			}
		}
	}
	return h.deskHas(v, word)
}

// deskHas says whether the desk has an answer of these words.
func (h *shaking) deskHas(v deskView, word string) bool {
	for name, digest := range v.Objects {
		if strings.HasPrefix(bare(name), "answer/") && h.words[digest] == word {
			return true
		}
	}
	return false
}

// bare is an object's name without the case that it is in.
func bare(name string) string { return name[strings.LastIndex(name, ":")+1:] }

// otherSerial is another reader than the bound one.
type otherSerial struct{ repaired }

func (otherSerial) Identify(context.Context) (device.Identity, error) {
	return device.Identity{Serial: "PED-0002", BootCount: 1}, nil
}

func orderOf(o local.Object) envelope.Digest { return envelope.Digest(o.Digest) }

// precede makes a command of the same terminal with a number and a case before those
// of the one that is carried out. Where it is taken it is given up at the sealing.
func (h *shaking) precede() {
	b := h.b
	e := b.seal(command.Kind, b.order, "ops-1", "sec-1")
	h.earlier, h.names[e.Digest()] = e.Encode(), "earlier"
	b.order.Case, b.order.ID, b.order.Seq = "C-2026-000002", "01JD8X4W4S3W5Q2M8N6T7R9ZKD", 2
}

// offers looks that what is ordered in a case goes out as long as its command runs,
// whatever else was issued meanwhile.
func (h *shaking) offers(s standing, run journal.Run, v deskView) {
	if run.Outcome != journal.Running || h.called(envelope.Digest(run.Name)) != "earlier" || v.Earlier != "accepted" {
		return
	}
	o := h.desk.serve(deskAsked{From: s.desk, Op: "orders", Late: s.said.Late})
	payload := base64.StdEncoding.EncodeToString(h.parsed(string(h.earlier)).Payload)
	if !bytes.Contains(o.Reply, []byte(payload)) {
		h.violate("the earlier command runs, and the desk offers nothing of its case")
	}
}

// toALateRefusal has a refusal come twice, the second time when the desk has the
// acceptance.
func toALateRefusal(r *running, options []string) string {
	state := r.h.desk.view(r.s.desk).State
	switch {
	case slices.Contains(options, "mend:"+badLedger) && r.s.mind != nil:
		return "mend:" + badLedger
	case slices.Contains(options, "copy:0") && state == "accepted":
		return "copy:0"
	case slices.Contains(options, "twice") && state == "issued":
		return "twice"
	case slices.Contains(options, "flush") && state == "refused":
		return "flush"
	case slices.Contains(options, "bring:command") && r.free("command"):
		return "bring:command"
	}
	return ""
}

// toTheEarlier has a command refused, another issued, and the first one taken after all.
func toTheEarlier(r *running, options []string) string {
	earlier := r.h.desk.view(r.s.desk).Earlier
	for _, next := range []string{"flush", "publish:second", "mend:" + otherReader, "bring:earlier"} {
		if slices.Contains(options, next) && (next == "flush" || earlier == "refused") {
			return next
		}
	}
	return ""
}
