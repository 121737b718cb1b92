package main

import (
	"errors"
	"regexp"
	"strings"

	"unbindd/agent/envelope"
	"unbindd/agent/local"
)

// order names the command that a watch waits for: by its digest, of which a beginning
// is enough, or by its case. An empty one is any that comes.
type order string

var digestLike = regexp.MustCompile(`^(sha256:)?[0-9a-f]{8,64}$`)

// orderOf takes what was typed.
func orderOf(text string) (order, error) {
	if digestLike.MatchString(text) || envelope.ID(text).Valid() && !strings.HasPrefix(text, "sha256:") {
		return order(text), nil
	}
	return "", misuse(errors.New("cannot use --command: it is neither a case number nor a digest (sha256: and hexadecimal digits, 8 at least)"))
}

// names says whether this case, or this command, is the one.
func (o order) names(caseID, digest string) bool {
	if o == "" {
		return false
	}
	hex := strings.TrimPrefix(string(o), "sha256:")
	return caseID == string(o) || digestLike.MatchString(string(o)) && strings.HasPrefix(strings.TrimPrefix(digest, "sha256:"), hex)
}

// before is what stood when a watch began: the last word on an order that came before,
// so that nobody takes it for the one that is waited for, or waits for what was refused.
type before struct {
	Schema  string         `json:"schema"`
	Kind    string         `json:"kind"` // always before
	Mode    string         `json:"mode"`
	Waits   bool           `json:"waits"`             // for what has not begun
	Order   string         `json:"order,omitempty"`   // the one that is waited for
	Last    *past          `json:"last,omitempty"`    // had ended
	Running string         `json:"running,omitempty"` // the case of another order
	Refused *local.Refused `json:"refused,omitempty"` // since the last case ended
	At      int64          `json:"time"`              // Unix milliseconds
}

// past is a case that had ended.
type past struct {
	Case    string `json:"case"`
	Command string `json:"command"`
	Outcome string `json:"outcome"`
	Ended   int64  `json:"ended,omitempty"` // Unix milliseconds
}

// errUnboundByAnother means that the order will never be taken, or that nobody can tell
// any more whether it was.
var errUnboundByAnother = &fault{
	code: exitBlocked, err: errors.New("cannot watch: this terminal is unbound and takes no command; its tombstone names the case, and not that order"),
	next: words{"Compare the case: \"unbindctl status\" tells the tombstone.", "请核对案件：\"unbindctl status\" 显示墓碑内容。"},
}

// errBoundToNobody means that none can come either.
var errBoundToNobody = &fault{
	code: exitBlocked, err: errors.New("cannot watch: this terminal is bound to nobody, and there is nothing to unbind"),
	next: words{"To bind it, stop the daemon, run \"unbindd enrol\" with a ticket of the desk, and start the daemon again.",
		"如需登记，请停止守护进程，用后台票据运行 \"unbindd enrol\"，再启动守护进程。"},
}

// begin looks at what stands when the watch begins, and tells it.
func (f *follower) begin(s local.Status) error {
	switch {
	case s.Mode == local.Unenrolled:
		return errBoundToNobody
	case s.Mode == local.Unbound && f.order != "" && s.Tombstone != nil && !f.order.names(s.Tombstone.Case, ""):
		return errUnboundByAnother
	case s.Mode == local.Unbound:
		return nil
	}
	b := before{Schema: schema, Kind: "before", Mode: s.Mode, Order: string(f.order), At: f.now().UnixMilli()}
	c, ended := s.Case, s.Case != nil && s.Case.Outcome != "running"
	switch {
	case ended:
		b.Last = &past{Case: c.Case, Command: c.Command, Outcome: c.Outcome, Ended: c.Ended}
		f.ended = c.Command
	case c != nil && !f.awaited(c):
		b.Running = c.Case
	case c != nil:
		return nil // it runs, and is followed
	}
	b.Waits = f.wait && !f.awaited(c)
	if r := s.Refused; isOrder(r) && (f.order == "" || b.Waits) && !f.order.names(r.Case, r.Digest) && (!ended || r.At >= c.Ended) {
		b.Refused = r
	}
	f.begun = b
	if b.Waits || b.Last != nil || b.Refused != nil {
		f.view.before(b)
	}
	if c == nil && !f.wait {
		return errNothingRuns
	}
	return nil
}

// awaited says whether a case is the one that is followed: the order's, or any but one
// that had ended before.
func (f *follower) awaited(c *local.Case) bool {
	switch {
	case c == nil:
		return false
	case f.order != "":
		return f.order.names(c.Case, c.Command)
	}
	return c.Command != f.ended
}

// turnedDown is the end of a wait for an unbinding whose command was refused: none will
// come of it. Of any order only a refusal since the waiting began counts, and of the
// order that was named one at any time. A link offers what it has again and again, so
// that the time of a refusal says nothing; another order does, or another reason. The
// daemon shows none that had its turn before, in an earlier process either.
func (f *follower) turnedDown(s local.Status) *ending {
	r := s.Refused
	if r == nil {
		return nil
	}
	which := r.Digest + " " + r.Why.Code
	if !f.reached {
		f.refused = which
	}
	if !f.wait || s.Case != nil || s.Mode == local.Unbound || !isOrder(r) {
		return nil
	}
	switch named := f.order.names(r.Case, r.Digest); {
	case f.order != "" && !named && caseKnown(r.Case): // of another order
		return nil
	case !named && (which == f.refused || digestLike.MatchString(string(f.order))):
		return nil
	}
	end := endingOf(nil)
	end.Exit, end.Problem, end.Refused = exitRefused, &r.Why, r
	return &end
}

// isOrder says whether what was refused would have begun an unbinding.
func isOrder(r *local.Refused) bool {
	return r != nil && (r.Kind == "command" || r.Kind == "order")
}

// caseKnown says whether the daemon could believe the case number: no signature counts
// on what it answers as none.
func caseKnown(name string) bool {
	return name != "" && name != "none" && !strings.HasPrefix(name, "none:")
}

// before tells a person what stood when the watch began.
func (p *paper) before(b before) {
	switch {
	case b.Last == nil:
	case b.Waits:
		p.line(words{"The last unbinding, case %s, has ended: %s.", "最近一次解绑（案件 %s）已结束：%s。"}, b.Last.Case, joined(p.term(b.Last.Outcome), p.when(b.Last.Ended)))
	default:
		p.line(words{"No unbinding runs now. This is how the last one went, case %s: %s.", "目前没有解绑。以下为最近一次的过程，案件 %s：%s。"},
			b.Last.Case, joined(p.term(b.Last.Outcome), p.when(b.Last.Ended)))
	}
	if b.Running != "" {
		p.line(words{"Another unbinding runs: case %s.", "另一解绑正在进行：案件 %s。"}, b.Running)
	}
	if b.Refused != nil && (b.Waits || b.Last == nil) { // else it is told behind the case that it came after
		p.line(words{"Before this watch began an order was refused; no unbinding begins by it:", "本次查看开始前有一条指令被拒绝，不会据此开始解绑："})
		p.refused(b.Refused)
	}
	switch {
	case b.Waits && b.Order != "":
		p.line(words{"Waiting for the order %s. The terminal: %s.", "等待指令 %s。终端：%s。"}, b.Order, p.term(b.Mode))
	case b.Waits:
		p.line(words{"Waiting for an unbinding to begin. The terminal: %s.", "等待解绑开始。终端：%s。"}, p.term(b.Mode))
	}
}
