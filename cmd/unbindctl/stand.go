package main

import (
	"slices"
	"strings"

	"unbindd/agent/envelope"
	"unbindd/agent/local"
)

// active is the step that an observer cares about: the one being done, else the next
// to do, else one that stays open. Of a case that is taken back it is the one to be
// taken back next, and of one that was, the furthest that it had got to.
func active(c *local.Case) (int, *local.Step) {
	if tookBack(c) {
		return furthest(c)
	}
	if reversed(c) {
		for i := len(c.Steps) - 1; i >= 0; i-- {
			if s := &c.Steps[i]; s.State == local.Done || s.State == local.Doing {
				return i, s
			}
		}
		return furthest(c)
	}
	for _, state := range []string{local.Doing, local.Todo, local.Open} {
		for i := range c.Steps {
			if c.Steps[i].State == state {
				return i, &c.Steps[i]
			}
		}
	}
	return 0, nil
}

// tookBack says whether a case has ended with nothing erased.
func tookBack(c *local.Case) bool { return c.Outcome == "undone" || c.Outcome == "cancelled" }

// reversed says whether a case that runs is being taken back.
func reversed(c *local.Case) bool {
	_, s := furthest(c)
	return c.Outcome == "running" && s != nil && s.State == local.Undone
}

// finished is a case whose terminal is unbound since: that is so only when every step is
// done, though nobody was there to see the last ones. One that stayed open stays so.
func finished(c *local.Case) *local.Case {
	if c == nil {
		return nil
	}
	out := *c
	out.Outcome, out.Waiting, out.Problem, out.Steps = "done", "", nil, slices.Clone(c.Steps)
	for i := range out.Steps {
		if s := &out.Steps[i]; s.State == local.Doing || s.State == local.Todo {
			s.State = local.Done
		}
	}
	return &out
}

// furthest is the last step that was begun.
func furthest(c *local.Case) (int, *local.Step) {
	for i := len(c.Steps) - 1; i >= 0; i-- {
		if s := &c.Steps[i]; s.State != local.Todo {
			return i, s
		}
	}
	return 0, nil
}

// stand tells how far a case has got, or had got when it ended.
func (p *paper) stand(c *local.Case) {
	format := words{"step %d/%d %s (%s): ", "第 %d/%d 步 %s（%s）："}
	i, s := active(c)
	switch {
	case tookBack(c):
		format = words{"it had got to step %d/%d %s (%s)", "曾进行到第 %d/%d 步 %s（%s）"}
	case reversed(c):
		format = words{"taking back step %d/%d %s (%s)", "正在撤回第 %d/%d 步 %s（%s）"}
	case c.Outcome == "running" && s != nil:
		p.row(words{"", ""}, "%s%s", p.in(format.fill(i+1, len(c.Steps), s.Name, p.step(s.Name))), p.term(s.State))
		return
	}
	if c.Outcome != "done" && s != nil {
		p.row(words{"", ""}, "%s", p.in(format.fill(i+1, len(c.Steps), s.Name, p.step(s.Name))))
	}
}

// carry is what the agent puts behind what a case waits for, where a person has to walk
// with the courier's medium before it can come.
var carry = words{"; carry the courier's folder to the desk", "；请将携带介质的文件夹送至后台"}

// waiting is what a case waits for. One that is taken back waits no more for what its
// step did, and where one of two has come only the other is named.
func (p *paper) waiting(c *local.Case) string {
	what, walk := strings.CutSuffix(c.Waiting, carry.en)
	switch {
	case reversed(c):
		return ""
	case what == "receipt and ticket" && c.Backed:
		said := p.in(words{"the reader's ticket; the receipt for the backup is here", "读卡器票据；备份回执已收到"})
		if walk {
			said += p.in(carry)
		}
		return said
	}
	return p.phrase(c.Waiting)
}

// trouble tells what troubles a case that runs, without the words for one that has ended:
// the daemon tries again by itself.
func (p *paper) trouble(e local.Error, crossed bool) {
	prefix := p.in(words{"Problem: ", "问题："})
	if _, known := envelope.MeaningOf(e.Code); known && !strings.HasPrefix(e.Code, "E22") {
		p.refusal(prefix, e, exitFailed)
		return
	}
	p.why(envelope.AtTerminal, prefix, e)
	if crossed {
		p.next(p.in(words{"The daemon tries again by itself; see that what is named can be reached. Nobody can cancel the case any more.",
			"守护进程会自动重试；请确认所述对象可用。案件已无法取消。"}))
		return
	}
	p.next(p.in(words{"The daemon tries again by itself; see that what is named can be reached. Until the point of no return the desk can cancel the case.",
		"守护进程会自动重试；请确认所述对象可用。不可撤销点之前，后台可取消该案件。"}))
}
