package main

import (
	"slices"

	"unbindd/agent/certificate"
	"unbindd/agent/local"
)

// ending is how a watch ends: what became of the case and what that is worth.
type ending struct {
	Schema    string           `json:"schema"`
	Kind      string           `json:"kind"` // always end
	Exit      exit             `json:"exit"`
	Case      string           `json:"case,omitempty"`
	Outcome   string           `json:"outcome,omitempty"`
	Result    string           `json:"result,omitempty"`
	Crossed   bool             `json:"crossed"`
	Receipted bool             `json:"receipted"`
	Ended     int64            `json:"ended,omitempty"`    // Unix milliseconds
	Past      bool             `json:"past,omitempty"`     // it had ended before the watch began
	Last      *past            `json:"last,omitempty"`     // of a watch that waited in vain: the case that had ended
	Refused   *local.Refused   `json:"refused,omitempty"`  // the order that was refused last, where none has begun
	Stays     []string         `json:"stays,omitempty"`    // steps of an undone case whose effect stays
	Departed  bool             `json:"departed,omitempty"` // the daemon has removed itself
	Problem   *local.Error     `json:"problem,omitempty"`
	Next      string           `json:"next,omitempty"` // the certificate's own word on what a person must do
	Tombstone *local.Tombstone `json:"tombstone,omitempty"`
}

func endingOf(c *local.Case) ending {
	end := ending{Schema: schema, Kind: "end"}
	if c != nil {
		end.Case, end.Outcome, end.Result = c.Case, c.Outcome, c.Result
		end.Crossed, end.Receipted, end.Problem, end.Next, end.Ended = c.Crossed, c.Receipted, c.Problem, c.Next, c.Ended
	}
	return end
}

// judge says whether the unbinding is over and with which code. A partial
// certificate that the desk has is an end: nothing more happens by itself. A
// daemon that is done and still obeys is about to show its tombstone.
func judge(s local.Status) (ending, bool) {
	end := endingOf(s.Case)
	if s.Mode == local.Unbound && s.Tombstone != nil {
		end.Tombstone, end.Case, end.Result = s.Tombstone, s.Tombstone.Case, s.Tombstone.Result
	}
	switch {
	case s.Mode == local.Unbound:
		end.Exit = worth(end.Result)
		return end, end.Result != ""
	case s.Mode == local.Obeying && end.Outcome == "done":
		return end, false
	case end.Outcome == "undone" || end.Outcome == "cancelled":
		end.Stays = stays(s.Case.Steps)
		end.Exit = exitBlocked
		if end.Crossed || len(end.Stays) > 0 {
			end.Exit = exitFailed
		}
	case end.Result == certificate.Partial && end.Receipted:
		end.Exit = exitFailed
	case end.Outcome == "done" && !end.Receipted:
		end.Exit = exitUnacknowledged
	case end.Outcome == "done":
		end.Exit = worth(end.Result)
	default:
		return end, false
	}
	return end, true
}

func worth(result string) exit {
	if result == certificate.Complete {
		return exitDone
	}
	return exitFailed
}

// looking are the steps that touch nothing.
var looking = []string{"check-papers", "inspect"}

// stays lists the steps of an undone case that were done and not undone.
func stays(steps []local.Step) []string {
	var out []string
	for _, s := range steps {
		if (s.State == local.Done || s.State == local.Doing) && !slices.Contains(looking, s.Name) {
			out = append(out, s.Name)
		}
	}
	return out
}

// leaving says whether the daemon has erased its identity, after which only the
// tombstone is left to do.
func leaving(c *local.Case) bool {
	return c != nil && slices.ContainsFunc(c.Steps, func(s local.Step) bool {
		return s.Name == "erase-identity" && s.State == local.Done
	})
}

// departed is the end of a case whose daemon has removed itself.
func departed(c *local.Case) ending {
	end := endingOf(c)
	end.Departed = true
	end.Exit = worth(end.Result)
	return end
}

// ending tells a person how it ended.
func (p *paper) ending(e ending) {
	switch {
	case e.Case == "" && e.Exit == exitRefused:
		p.line(words{"Refused: the command was not taken, and no unbinding begins by it.", "已拒绝：指令未被接受，不会据此开始解绑。"})
		if e.Refused != nil {
			p.plain("  %s", p.turned(e.Refused))
		}
		p.remains(e)
		return
	case e.Case == "" && e.Exit == exitBlocked:
		p.inVain(e)
		return
	}
	switch e.Exit {
	case exitDone:
		p.line(words{"Done. The unbinding is complete: case %s.", "完成。解绑全部完成：案件 %s。"}, e.Case)
	case exitBlocked:
		if e.Outcome == "cancelled" {
			p.line(words{"Cancelled: case %s. Nothing was erased and nothing was changed.", "已取消：案件 %s。未擦除任何内容，未作任何更改。"}, e.Case)
			break
		}
		p.line(words{"Undone: case %s. Nothing was erased and nothing was changed.", "已撤回：案件 %s。未擦除任何内容，未作任何更改。"}, e.Case)
	case exitRunning:
		p.line(words{"Still running: case %s.", "仍在进行：案件 %s。"}, e.Case)
	case exitUnacknowledged:
		p.line(words{"The point of no return is crossed; the desk has not acknowledged the report yet: case %s.",
			"已越过不可撤销点，后台尚未确认报告：案件 %s。"}, e.Case)
	case exitDetached:
		p.detached(e)
	default:
		p.failure(e)
	}
	p.remains(e)
	defer p.andNow(e)
	switch {
	case e.Exit == exitDone || e.Problem != nil && e.Outcome != "running":
	case e.Outcome == "cancelled":
		p.next(p.in(words{"Nothing is left to do here; the terminal trades again, and the desk may order anew.", "此处无待办事项；终端恢复收单，后台可重新下达指令。"}))
	case e.Result == certificate.Partial && e.Tombstone != nil: // closed by signature: nothing is left to do here
	case e.Result == certificate.Partial && e.Next != "":
		p.next(p.phrase(e.Next))
	default:
		p.next(p.in(e.Exit.next()))
	}
}

// inVain is the end of a wait for an unbinding that did not come.
func (p *paper) inVain(e ending) {
	if e.Last == nil {
		p.line(words{"No unbinding has begun on this terminal.", "本终端没有解绑开始。"})
	} else {
		p.line(words{"No unbinding has begun since. The last one: case %s, %s, %s.", "此后没有解绑开始。最近一次：案件 %s，%s，%s。"},
			e.Last.Case, p.term(e.Last.Outcome), p.when(e.Last.Ended))
	}
	if e.Refused != nil {
		p.line(words{"The order that was refused last: %s [%s]", "最近被拒绝的指令：%s [%s]"}, p.turned(e.Refused), e.Refused.Why.Code)
		p.next(p.in(words{"See \"unbindctl status\" for why it was refused; wait for another with: unbindctl watch --wait",
			"可用 \"unbindctl status\" 查看拒绝原因；等待下一条指令：unbindctl watch --wait"}))
		return
	}
	p.next(p.in(words{"See \"unbindctl status\" for how the link is: an order that was published is fetched at the next poll. Wait again with: unbindctl watch --wait",
		"可用 \"unbindctl status\" 查看链路状态：已发布的指令在下次轮询时取回。再次等待：unbindctl watch --wait"}))
}

// andNow says of a case that had ended before that it is not the order that somebody
// has just given, and what became of one that came since.
func (p *paper) andNow(e ending) {
	switch {
	case !e.Past:
		return
	case e.Refused != nil:
		p.line(words{"That was the last unbinding. An order that came since was refused; no unbinding begins by it:", "以上为最近一次解绑。此后有一条指令被拒绝，不会据此开始解绑："})
		p.refused(e.Refused)
	default:
		p.line(words{"That was the last unbinding, and none has begun since.", "以上为最近一次解绑，此后没有解绑开始。"})
	}
	p.line(words{"To wait for the next one: unbindctl watch --wait", "等待下一次：unbindctl watch --wait"})
}

func (p *paper) failure(e ending) {
	if e.Outcome == "undone" || e.Outcome == "cancelled" {
		p.line(words{"Undone: case %s. Nothing was erased, but these steps keep their effect: %s.",
			"已撤回：案件 %s。未擦除任何内容，但以下步骤的结果保留：%s。"}, e.Case, joined(e.Stays...))
		return
	}
	p.line(words{"Not complete: the certificate of case %s is partial.", "未全部完成：案件 %s 的证书为部分完成。"}, e.Case)
}

func (p *paper) detached(e ending) {
	switch {
	case e.Case == "":
		p.line(words{"Detached.", "已退出跟踪。"})
	case e.Crossed:
		p.line(words{"Detached. The unbinding goes on in the daemon; it cannot be cancelled any more.", "已退出跟踪。解绑在守护进程中继续，已无法取消。"})
	default:
		p.line(words{"Detached. The unbinding goes on in the daemon.", "已退出跟踪。解绑在守护进程中继续。"})
	}
}

func (p *paper) remains(e ending) {
	if e.Departed {
		p.line(words{"The daemon has erased its identity and answers no more.", "守护进程已销毁设备身份，不再应答。"})
	}
	if e.Tombstone != nil {
		p.tombstone(e.Tombstone)
	}
	switch {
	case e.Problem == nil || e.Exit == exitDone || e.Problem.Message == notYet:
	case e.Outcome == "running":
		p.trouble(*e.Problem, e.Crossed)
	default:
		p.refusal(p.in(words{"Problem: ", "问题："}), *e.Problem, e.Exit)
	}
}
