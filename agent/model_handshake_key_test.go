package agent

import (
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
	"unbindd/agent/receipt"
	"unbindd/agent/ticket"
)

// Two standings are one when nothing that the hand-shake rests on tells them apart:
// how often a step was tried, when, and the number of a leaf in the log do not.

func (r *running) pages() string { return r.h.pages(r.drawer.now, r.s.desk) }

// key names a standing, with what its process has seen.
func (r *running) key(label string) string {
	s := r.s
	var net []string
	for _, q := range s.net {
		is := fmt.Sprintf("%s %d %s", q.Op, q.N, r.h.short(q.Body))
		if q.Op == "answer" {
			is = r.h.word(q.Body)
		}
		net = append(net, is)
	}
	slices.Sort(net)
	v := r.h.desk.view(s.desk)
	text := fmt.Sprintln(label, strings.Join(r.history, "\n"), r.pages(), s.sealed, s.carried, s.stone != "", s.who, s.buried, r.h.seen(v, r.drawer.now), net, s.said, r.offeredKey())
	return hash(text)
}

// offeredKey is whether the desk has something new for the terminal.
func (r *running) offeredKey() bool { return !r.s.buried && r.offered() }

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:12])
}

// seen is what the desk has, without what only the order of things decides.
func (h *shaking) seen(v deskView, c cells) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(v.Objects)) {
		is := string(v.Objects[name])
		switch {
		case strings.HasPrefix(name, "answer/"):
			name, is = "answer", h.words[v.Objects[name]]
		case strings.HasPrefix(name, "receipt-"):
			is = "is there"
		case name == "certificate/1":
			is = fmt.Sprint("the terminal's: ", v.Objects[name] == h.signedIn(c))
		}
		all = append(all, name+" "+is)
	}
	slices.Sort(all)
	return v.State + " " + strings.Join(all, ", ")
}

func (h *shaking) signedIn(c cells) envelope.Digest { return h.digestOf(c, noteSigned) }

// pages is the journal, name by name.
func (h *shaking) pages(c cells, desk int) string {
	v := h.desk.view(desk)
	var all []string
	for _, name := range slices.Sorted(maps.Keys(c)) {
		if is := h.cell(name, c[name], c, v); is != "" {
			if strings.HasPrefix(name, "outbox\x00") {
				name = "outbox"
			}
			all = append(all, name+"="+is)
		}
	}
	return hash(strings.Join(all, "\n"))
}

func (h *shaking) cell(name, value string, c cells, v deskView) string {
	about := name + "\x00" + value
	switch {
	case strings.HasPrefix(name, "notes\x00"):
		// It rests on these besides itself.
		about += string(h.signedIn(c)) + string(h.digestOf(c, noteReceipt)) + strings.Join([]string{
			string(v.Objects["receipt-backup/1"]), string(v.Objects["receipt-backup/2"]), string(v.Objects["receipt-certificate/1"]),
		}, " ")
	case !strings.HasPrefix(name, "outbox\x00"):
		return h.cellIs(name, value, c, v)
	}
	is, known := h.cells[about]
	if !known {
		is = h.cellIs(name, value, c, v)
		h.cells[about] = is
	}
	return is
}

func (h *shaking) cellIs(name, value string, c cells, v deskView) string {
	bucket, key, _ := strings.Cut(name, "\x00")
	switch bucket {
	case "run":
		r := c.run()
		return fmt.Sprint(key, r.Outcome, r.Crossed, r.Code)
	case "steps":
		return c.step(key)
	case "outbox":
		if key == sequence {
			return ""
		}
		return h.parcel(value)
	case "notes":
		return h.noteIs(key, value, c, v)
	}
	return ""
}

// parcel is an answer in the outbox. Its numbers say nothing, there and in its
// case: a cut between drawing one and using it leaves one out.
func (h *shaking) parcel(value string) string {
	var p struct {
		Kind string
		Body []byte
	}
	h.must(json.Unmarshal([]byte(value), &p))
	return p.Kind + h.word(p.Body)
}

// word is what an answer says of which order.
func (h *shaking) word(body []byte) string {
	e, err := envelope.Parse(body, envelope.MaxSize)
	h.must(err)
	var word command.Answer
	h.must(envelope.Decode(e.Payload, &word))
	is := fmt.Sprint(word.Outcome, word.Code, h.called(word.Subject))
	h.words[e.Digest()] = is
	return is
}

// called is what a digest names: one of the orders, or else something that varies.
func (h *shaking) called(d envelope.Digest) string {
	if name, ok := h.names[d]; ok {
		return name
	}
	return "other"
}

func (h *shaking) noteIs(key, value string, c cells, v deskView) string {
	switch key {
	case noteAccepted, noteWaited:
		return ""
	case noteReceipt, noteDeskHas:
		e, err := envelope.Parse([]byte(value), envelope.MaxSize)
		h.must(err)
		var r receipt.Receipt
		h.must(envelope.Decode(e.Payload, &r))
		mine := string(v.Bodies[fmt.Sprintf("receipt-%s/%d", r.Kind, r.N)]) == value
		return fmt.Sprint(r.Kind, r.N, mine, r.Kind == "certificate" && r.Subject == h.signedIn(c))
	case noteOpened:
		var o opened
		h.must(json.Unmarshal([]byte(value), &o))
		return fmt.Sprint(o.Auth.Kind, len(o.Gate), o.Auth.Kind != "receipt" || o.Auth.Digest == h.digestOf(c, noteReceipt))
	case noteSigned:
		e, err := envelope.Parse([]byte(value), envelope.MaxSize)
		h.must(err)
		s, err := certificate.Read(e)
		h.must(err)
		return fmt.Sprint(s.Predicate.N, s.Predicate.Result, s.Predicate.Receipt.Kind, len(s.Predicate.Amendments))
	case noteClose:
		return "there"
	case noteTicket:
		var f ticket.File
		h.must(json.Unmarshal([]byte(value), &f))
		on := h.tickets[string(f.Sig)]
		return fmt.Sprint(h.short(f.RC), h.called(on), on == h.digestOf(c, noteReceipt))
	}
	return h.short([]byte(value))
}

func (h *shaking) digestOf(c cells, note string) envelope.Digest {
	text := c["notes\x00"+note]
	if text == "" {
		return ""
	}
	d, known := h.digests[text]
	if !known {
		e, err := envelope.Parse([]byte(text), envelope.MaxSize)
		h.must(err)
		d = e.Digest()
		h.digests[text] = d
	}
	return d
}

func (h *shaking) short(b []byte) string { return hash(string(b)) }
