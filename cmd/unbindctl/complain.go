package main

import (
	"context"
	"errors"
	"strings"

	"unbindd/agent/envelope"
	"unbindd/agent/local"
)

// complain says on standard error what went wrong, its code, and what to do.
func (t *tool) complain(err error, code exit) {
	var refused *local.Error
	if errors.As(err, &refused) {
		t.err.refusal("unbindctl: ", *refused, code)
		return
	}
	if signed := envelope.CodeOf(err); signed != "" {
		t.err.refusal("unbindctl: ", refusalOf(err), code)
		return
	}
	if errors.Is(err, context.Canceled) {
		t.err.line(words{"unbindctl: Detached.", "unbindctl: 已退出跟踪。"})
		return
	}
	why := strings.ReplaceAll(err.Error(), "\n", ": ")
	t.err.line(words{"unbindctl: %[2]s", "unbindctl: %[1]s：%[2]s"}, t.err.in(code.means()), t.err.heard(why))
	step := code.next()
	var f *fault
	if errors.As(err, &f) && f.next != (words{}) {
		step = f.next
	}
	t.err.next(t.err.in(step))
}

// refusalOf makes of an error of the stair what the daemon would answer: the
// code apart from the message.
func refusalOf(err error) local.Error {
	var r *envelope.Refusal
	if !errors.As(err, &r) {
		return local.Error{Message: err.Error()}
	}
	return local.Error{Code: r.Full(), Message: strings.ReplaceAll(err.Error(), " ["+r.Full()+"]", "")}
}

// refusal tells a refusal with a code: the code's own sentence in the chosen
// language, then what exactly was refused, then the next step. A code that is
// not in the table is told with the words it came with.
func (p *paper) refusal(prefix string, e local.Error, code exit) {
	p.refusalAt(envelope.AtTerminal, prefix, e, code)
}

// refusalAt is refusal in the words of a place.
func (p *paper) refusalAt(at envelope.Place, prefix string, e local.Error, code exit) {
	p.why(at, prefix, e)
	if m, known := envelope.MeaningAt(at, e.Code); known {
		e.Next = m.Next(p.lang)
	}
	if e.Next == "" {
		e.Next = p.in(code.next())
	}
	p.next(e.Next)
}

// why tells the same without the next step.
func (p *paper) why(at envelope.Place, prefix string, e local.Error) {
	m, known := envelope.MeaningAt(at, e.Code)
	switch {
	case known:
		p.plain("%s%s [%s]", prefix, m.Sentence(p.lang), e.Code)
		if e.Message != "" && e.Message != m.Sentence(p.lang) {
			p.plain("  %s", p.heard(e.Message))
		}
	case e.Code != "":
		p.plain("%s%s [%s]", prefix, p.heard(e.Message), e.Code)
	default:
		p.plain("%s%s", prefix, p.heard(e.Message))
	}
}

func (p *paper) next(step string) {
	if step != "" {
		p.line(words{"Next: %s", "下一步：%s"}, step)
	}
}
