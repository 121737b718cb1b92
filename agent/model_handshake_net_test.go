package agent

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/transport"
)

// modelLink is the network as the process meets it: a request is lost or comes,
// once, twice or later; its answer is lost or comes, or somebody on the way answers in
// the desk's place; the desk is killed before or after its commit. Who waits too long hears nothing of a late answer.
type modelLink struct{ r *running }

func (r *running) way(route, transport.Identity) (transport.Link, error) { return &modelLink{r}, nil }

func (l *modelLink) Name() string { return "model" }

func (l *modelLink) Close() error { return nil }

func (l *modelLink) Pull(context.Context, string, time.Duration) ([]byte, string, error) {
	return nil, "", errCutOff
}

// Fetch brings the reader's ticket from its signer, which makes it for what the
// desk has receipted, or for people's word.
func (l *modelLink) Fetch(ctx context.Context, o transport.Object) ([]byte, error) {
	r := l.r
	what := r.befall("call ticket", []string{"done", "lost"})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if what == "lost" {
		return nil, r.cutOff()
	}
	c, err := r.a.openCase()
	r.h.must(err)
	auth, ok, err := r.a.authority(c)
	r.h.must(err)
	if !ok || auth.Kind == "receipt" && r.h.desk.view(r.s.desk).Bodies["receipt-backup/"+strconv.FormatInt(o.N, 10)] == nil {
		r.saw("not yet")
		return nil, transport.ErrNotYet
	}
	order, err := r.a.ticketOrder(c)
	r.h.must(err)
	f, err := order.Sign(wireKey("reader-1"))
	r.h.must(err)
	r.h.tickets[string(f.Sig)] = order.Authority
	r.saw("ticket")
	return envelope.Canonical(f)
}

func (l *modelLink) Time(context.Context, []byte) ([]byte, error) { return nil, errCutOff }

func (l *modelLink) Put(ctx context.Context, o transport.Object, body []byte) ([]byte, error) {
	return l.r.call(ctx, deskAsked{Op: o.Kind, Case: o.Case, N: o.N, Body: body})
}

func (l *modelLink) Upload(ctx context.Context, o transport.Object, size int64, digest string, open func() (io.ReadCloser, error)) ([]byte, error) {
	f, err := open()
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return l.r.call(ctx, deskAsked{Op: o.Kind, Case: o.Case, N: o.N, Body: body, Size: size, Sum: digest})
}

func (l *modelLink) Reveal(ctx context.Context, _ string, body []byte) ([]byte, error) {
	return l.r.call(ctx, deskAsked{Op: "tombstone", N: 1, Body: body})
}

// call is one request of the terminal.
func (r *running) call(ctx context.Context, q deskAsked) ([]byte, error) {
	own := []string{"done", "lost", "unheard", "killed before", "killed after"}
	if r.h.o.brief {
		own = own[:3] // a desk that is killed has the commit, or has it not
	}
	if q.Op == "answer" || q.Op == "manifest" || q.Op == "tombstone" {
		own = append(own, "lied") // of the others the receipt was always asked for
	}
	if len(r.s.net) < r.h.o.copies {
		own = append(own, "late", "twice")
	}
	what := r.befall("call "+q.Op, own)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	switch what {
	case "lost":
		return nil, r.cutOff()
	case "lied": // somebody on the way said that it was kept
		r.saw("lied")
		return nil, nil
	case "late":
		r.s.net = append(slices.Clone(r.s.net), q)
		return nil, r.cutOff()
	case "twice":
		r.s.net = append(slices.Clone(r.s.net), q)
	case "killed before":
		q.Kill = "before"
	case "killed after":
		q.Kill = "after"
	}
	a := r.h.arrives(r, q)
	if what == "unheard" || a.Killed {
		return nil, r.cutOff()
	}
	r.saw("answer %s", refusal(a))
	if a.Code != 200 {
		return nil, &transport.Status{Code: a.Code, Err: a.Err}
	}
	return a.Reply, nil
}

// cutOff is all that the process learns of a request without an answer, whatever
// became of it.
func (r *running) cutOff() error {
	r.saw("cut off")
	return errCutOff
}

// others lists what others can do while the process waits.
func (r *running) others() (all []string) {
	for i := range r.s.net {
		all = append(all, "copy:"+string(rune('0'+i)))
	}
	if r.a.id == nil {
		return all
	}
	for name, note := range map[string]string{"receipt-backup/1": noteReceipt, "receipt-backup/2": noteReceipt, "receipt-certificate/1": noteDeskHas, "receipt-certificate/2": noteDeskHas} {
		body, have := r.h.desk.view(r.s.desk).Bodies[name]
		if have && r.drawer.now["notes\x00"+note] != string(body) && r.drawer.now.run().Outcome == "running" && !r.h.o.noCourier {
			all = append(all, "hand:"+name)
		}
	}
	slices.Sort(all)
	if r.offered() && (!r.h.o.quiet || r.s.said != said{} || r.h.o.hinders != nil && r.drawer.now.run().Name == "") {
		all = append(all, "poll:")
	}
	return all
}

// offered says whether the desk has orders that the terminal has not taken.
func (r *running) offered() bool {
	o := r.h.desk.serve(deskAsked{From: r.s.desk, Op: "orders", Late: r.s.said.Late})
	return r.a.id != nil && len(o.Reply) > 0 && string(o.Reply) != r.s.polled
}

// beginnings lists what can happen while nothing is under way.
func (r *running) beginnings() []string {
	now := r.drawer.now
	var all []string
	if run := now.run(); (run.Outcome == "running" || run.Outcome == "done") && !r.s.buried {
		all = append(all, "go")
	}
	if r.s.buried {
		return r.others()
	}
	if r.a.id != nil && now.outbox() && (!r.h.o.quiet || now.run().Outcome != "running" || r.h.desk.view(r.s.desk).State == "refused") { // until it is accepted there, nothing is taken
		all = append(all, "flush")
	}
	all = append(all, r.others()...)
	for i := range r.s.net {
		all = append(all, "gone:"+string(rune('0'+i)))
	}
	o, v := r.h.o, r.h.desk.view(r.s.desk)
	may := func(is, done bool, what string) {
		if is && !done {
			all = append(all, "publish:"+what)
		}
	}
	open := slices.Contains([]string{"issued", "accepted", "backed-up", "erased"}, v.State)
	may(o.cancel && open, r.s.said.Cancel, "cancel")
	may(o.sealed && open, r.s.said.Sealed, "sealed")
	may(o.partial && open, r.s.said.Partial, "partial")
	may(o.close && r.h.newest(v) != "" && r.h.newest(v) == r.h.signedIn(now) && (open || v.State == "acknowledged"), r.s.said.Close, "close")
	may(v.Earlier != "" && v.State == "drafted" && !slices.Contains([]string{"issued", "accepted"}, v.Earlier), false, "second")
	if o.close && !r.s.said.Close && now["notes\x00"+noteSigned] != "" {
		all = append(all, "close:")
	}
	if o.back && !r.s.said.Back && now.step("erase-reader-keys") == "open" && r.a.id != nil {
		all = append(all, "back:")
	}
	if o.clock && !r.s.said.Late {
		all = append(all, "late:")
	}
	if o.again && !r.s.said.Repoll && r.s.polled != "" {
		all = append(all, "again:")
	}
	return append(all, r.refusing()...)
}

// befalls lets one of these happen.
func (r *running) befalls(what string) {
	kind, name, _ := strings.Cut(what, ":")
	switch kind {
	case "copy", "gone":
		i := int(name[0] - '0')
		q := r.s.net[i]
		r.s.net = slices.Delete(slices.Clone(r.s.net), i, i+1)
		if kind == "copy" {
			r.h.arrives(r, q)
		}
	case "hand":
		r.a.take(r.h.desk.view(r.s.desk).Bodies[name])
	case "poll":
		o := r.h.desk.serve(deskAsked{From: r.s.desk, Op: "orders", Late: r.s.said.Late})
		r.pulled = string(o.Reply)
		r.a.take(o.Reply)
		r.s.polled, r.pulled = string(o.Reply), ""
	case "publish":
		r.publish(name)
	case "close": // carried in by hand, to a terminal whose desk may never answer
		r.s.said.Close = true
		r.a.take(r.h.closing(r.drawer.now))
	case "back":
		r.s.said.Back = true
	case "late":
		r.s.said.Late = true
	case "again": // the tag of what was pulled is gone with a restart
		r.s.said.Repoll = true
		r.restart()
	case "restart":
		r.restart()
	case "mend":
		r.mend(name)
	case "bring":
		r.bring(name)
	}
}

// publish has people sign an order and hand it to the desk.
func (r *running) publish(name string) {
	var text []byte
	switch name {
	case "cancel":
		r.s.said.Cancel, text = true, r.h.cancel
	case "sealed":
		r.s.said.Sealed, text = true, r.amendment(command.AllowSealed)
	case "partial":
		r.s.said.Partial, text = true, r.amendment(command.AllowPartial)
	case "close":
		r.s.said.Close, text = true, r.h.closing(r.drawer.now)
	}
	ask := deskAsked{From: r.s.desk, Op: "publish", Body: text, Late: r.s.said.Late}
	if name == "second" {
		ask.Case, ask.Body = r.h.caseID, r.h.order
	}
	a := r.h.desk.serve(ask)
	r.s.desk = a.At
}

// amendment is people's next word: they number it as the desk tells them.
func (r *running) amendment(what envelope.ID) []byte {
	n := 1
	if r.h.desk.view(r.s.desk).Objects["amend/1"] != "" {
		n = 2
	}
	return r.h.amends[what][n]
}

// newest is the desk's newest certificate.
func (h *shaking) newest(v deskView) (last envelope.Digest) {
	for n := 1; ; n++ {
		digest, there := v.Objects["certificate/"+strconv.Itoa(n)]
		if !there {
			return last
		}
		last = digest
	}
}

// closing is a signed close of the certificate in the journal.
func (h *shaking) closing(c cells) []byte {
	var raw json.RawMessage
	if !c.note(noteSigned, &raw) {
		return nil
	}
	e, err := envelope.Parse(raw, envelope.MaxSize)
	h.must(err)
	return h.closeOf(e.Digest())
}
