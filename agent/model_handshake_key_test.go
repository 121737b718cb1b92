package agent

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/receipt"
	"unbindd/agent/ticket"
)

// Two standings are one when nothing that the hand-shake rests on tells them apart:
// how often a step was tried, when, and the number of a leaf in the log do not.

func (r *running) pages() string { return r.h.pages(r.drawer.now, r.s.desk) }

// key names a standing, with what its process has learnt.
func (r *running) key(label string) pointKey {
	s, c := r.s, r.drawer.now
	v := r.h.desk.view(s.desk)
	var net []string
	for _, q := range s.net {
		net = append(net, r.h.copyIs(q, c, v))
	}
	slices.Sort(net)
	return sha256.Sum256(fmt.Appendln(nil, label, strings.Join(r.history, "\n"), r.pages(), s.sealed,
		s.stone != "", strings.Contains(s.stone, string(r.h.signedIn(c))), s.who, s.buried, max(s.drawn, 1), r.h.seen(v, c), net, s.said, r.offeredKey(), r.mindKey()))
}

// copyIs is a copy of a request that still travels: what it is, and whether the desk
// has it. Which bytes they are is of no matter beside that.
func (h *shaking) copyIs(q deskAsked, c cells, v deskView) string {
	name := h.inCase(q.Case) + fmt.Sprintf("%s/%d", q.Op, q.N)
	switch q.Op {
	case "answer":
		d := h.parsed(string(q.Body)).Digest()
		return fmt.Sprint(q.Op, h.word(q.Body), v.Objects[name] == d, h.posted(c, name))
	case "certificate":
		d := h.parsed(string(q.Body)).Digest()
		return fmt.Sprint(name, h.certs[d].result, v.Objects[name] == d, h.signedIn(c) == d)
	}
	return fmt.Sprint(name, hash(q.Body), v.Objects[name] != "")
}

// posted says whether the terminal still has that answer to deliver.
func (h *shaking) posted(c cells, answer string) bool {
	for name, value := range c {
		if key, is := strings.CutPrefix(name, "outbox\x00"); is && key != sequence && h.parcels[value].name == answer {
			return true
		}
	}
	return false
}

// pointKey is what a place is known by.
type pointKey [sha256.Size]byte

// offeredKey is whether the desk has something new for the terminal.
func (r *running) offeredKey() bool { return !r.s.buried && r.offered() }

func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:12])
}

// seen is what the desk has, without what only the order of things decides.
func (h *shaking) seen(v deskView, c cells) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(v.Objects)) {
		is, plain := string(v.Objects[name]), bare(name)
		switch {
		case strings.HasPrefix(plain, "answer/"):
			name, is = strings.TrimSuffix(name, plain)+"answer", h.words[v.Objects[name]]
		case strings.HasPrefix(plain, "receipt-"):
			is = "is there"
		case strings.HasPrefix(name, "certificate/"):
			is = fmt.Sprint(h.certs[v.Objects[name]].result, " the terminal's: ", v.Objects[name] == h.signedIn(c))
		}
		all = append(all, name+" "+is)
	}
	slices.Sort(all)
	if h.o.hinders != nil || h.o.anew {
		all = slices.Compact(all) // how often the same was refused is of no matter
	}
	return v.State + v.Earlier + " " + strings.Join(all, ", ")
}

// cert is what a certificate says of itself.
type cert struct {
	n      int64
	result string
}

// signedIn is the terminal's newest certificate.
func (h *shaking) signedIn(c cells) envelope.Digest {
	d := h.digestOf(c, noteSigned)
	if _, known := h.certs[d]; d != "" && !known {
		s, err := certificate.Read(h.parsed(c["notes\x00"+noteSigned]))
		h.must(err)
		h.certs[d] = cert{s.Predicate.N, s.Predicate.Result}
	}
	return d
}

// parsed is an envelope that is looked at again and again, and never changed.
func (h *shaking) parsed(text string) *envelope.Envelope {
	e, known := h.opened[text]
	if !known {
		var err error
		e, err = envelope.Parse([]byte(text), envelope.MaxSize)
		h.must(err)
		h.opened[text] = e
	}
	return e
}

// pages is the journal, name by name.
func (h *shaking) pages(c cells, desk int) string {
	v := h.desk.view(desk)
	var all, last []byte
	for _, name := range slices.Sorted(maps.Keys(c)) {
		value := c[name]
		if key, is := strings.CutPrefix(name, "outbox\x00"); is {
			if key != sequence {
				next := append([]byte("\noutbox="), h.parcel(value, v)...)
				if !h.o.anew || !bytes.Contains(last, next) {
					all, last = append(all, next...), append(last, next...)
				}
			}
			continue
		}
		m, known := h.marks[written{name, value}]
		if !known {
			m = h.markOf(name, value)
			h.marks[written{name, value}] = m
		}
		if strings.HasPrefix(name, "memory\x00") && h.o.hinders == nil {
			continue // every search without refusals begins when all of it is written
		}
		if m.is != "" {
			all = append(append(append(append(all, '\n'), name...), '='), m.is...)
		}
		if m.now != nil {
			all = fmt.Append(all, m.now(c, v))
		}
	}
	return hash(all)
}

// written is a name in the journal with its value; mark what of it the hand-shake rests
// on: by itself, and beside the other cells and what the desk has.
type (
	written struct{ name, value string }
	mark    struct {
		is  string
		now func(c cells, v deskView) string
	}
)

func (h *shaking) markOf(name, value string) mark {
	bucket, key, _ := strings.Cut(name, "\x00")
	switch bucket {
	case "run":
		r := cells{name: value}.run()
		return mark{is: fmt.Sprint(key, r.Outcome, r.Crossed, r.Code, h.called(envelope.Digest(r.Name)))}
	case "steps":
		return mark{is: cells{name: value}.step(key)}
	case "memory":
		return mark{is: hash([]byte(value))}
	case "notes":
		return h.noteIs(key, value)
	}
	return mark{}
}

// parcel is an answer in the outbox, and whether the desk has it already. Its numbers
// say nothing, there and in its case: a cut between drawing one and using it leaves
// one out.
func (h *shaking) parcel(value string, v deskView) string {
	p, known := h.parcels[value]
	if !known {
		var said journal.Parcel
		h.must(json.Unmarshal([]byte(value), &said))
		word := h.word(said.Body)
		p = parcel{said.Kind + word, word, h.inCase(said.Case) + fmt.Sprintf("answer/%d", said.N), h.parsed(string(said.Body)).Digest()}
		h.parcels[value] = p
	}
	return p.is + yes(v.Objects[p.name] == p.digest)
}

type parcel struct {
	is, word, name string
	digest         envelope.Digest
}

// inCase stands before the names of what the desk has in another case than the
// model's: in that of an earlier command, or in none.
func (h *shaking) inCase(id string) string {
	switch {
	case strings.HasPrefix(id, "none:"):
		return "none:"
	case id != "" && id != h.caseID:
		return "earlier:"
	}
	return ""
}

// word is what an answer says of which order.
func (h *shaking) word(body []byte) string {
	e := h.parsed(string(body))
	is, known := h.words[e.Digest()]
	if !known {
		var word command.Answer
		h.must(envelope.Decode(e.Payload, &word))
		is = fmt.Sprint(word.Outcome, word.Code, h.called(word.Subject))
		h.words[e.Digest()] = is
	}
	return is
}

// called is what a digest names: one of the orders, or else something that varies.
func (h *shaking) called(d envelope.Digest) string {
	if name, ok := h.names[d]; ok {
		return name
	}
	return "other"
}

func (h *shaking) noteIs(key, value string) mark {
	switch key {
	case noteAccepted, noteWaited:
		return mark{}
	case noteReceipt, noteDeskHas:
		var r receipt.Receipt
		h.must(envelope.Decode(h.parsed(value).Payload, &r))
		name := fmt.Sprintf("receipt-%s/%d", r.Kind, r.N)
		return mark{name, func(c cells, v deskView) string {
			return yes(string(v.Bodies[name]) == value) + yes(r.Kind == "certificate" && r.Subject == h.signedIn(c))
		}}
	case noteOpened:
		var o opened
		h.must(json.Unmarshal([]byte(value), &o))
		return mark{fmt.Sprint(o.Auth.Kind, len(o.Gate)), func(c cells, _ deskView) string {
			return yes(o.Auth.Kind != "receipt" || o.Auth.Digest == h.digestOf(c, noteReceipt))
		}}
	case noteSigned:
		s, err := certificate.Read(h.parsed(value))
		h.must(err)
		return mark{is: fmt.Sprint(s.Predicate.N, s.Predicate.Result, s.Predicate.Receipt.Kind, len(s.Predicate.Amendments))}
	case noteClose:
		of := h.closes(value)
		return mark{"there", func(c cells, _ deskView) string { return yes(of == h.signedIn(c)) }}
	case noteTicket:
		var f ticket.File
		h.must(json.Unmarshal([]byte(value), &f))
		on := h.tickets[string(f.Sig)]
		return mark{hash(f.RC) + h.called(on), func(c cells, _ deskView) string { return yes(on == h.digestOf(c, noteReceipt)) }}
	}
	return mark{is: hash([]byte(value))}
}

func yes(is bool) string {
	if is {
		return " yes"
	}
	return " no"
}

func (h *shaking) digestOf(c cells, note string) envelope.Digest {
	text := c["notes\x00"+note]
	if text == "" {
		return ""
	}
	d, known := h.digests[text]
	if !known {
		d = h.parsed(text).Digest()
		h.digests[text] = d
	}
	return d
}
