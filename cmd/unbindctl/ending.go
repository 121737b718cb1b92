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
		end.Crossed, end.Receipted, end.Problem, end.Next = c.Crossed, c.Receipted, c.Problem, c.Next
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
		p.line(words{"Refused: the command was not taken, and no unbinding has begun.", "已拒绝：指令未被接受，没有解绑开始。"})
		p.remains(e)
		return
	case e.Case == "" && e.Exit == exitBlocked:
		p.line(words{"No unbinding has begun on this terminal.", "本终端没有解绑开始。"})
		p.next(p.in(words{"See \"unbindctl status\" for what was refused last and how the link is; wait again with: unbindctl watch --wait",
			"可用 \"unbindctl status\" 查看最近被拒绝的指令及链路状态；再次等待：unbindctl watch --wait"}))
		return
	}
	switch e.Exit {
	case exitDone:
		p.line(words{"Done. The unbinding is complete: case %s.", "完成。解绑全部完成：案件 %s。"}, e.Case)
	case exitBlocked:
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
	switch {
	case e.Exit == exitDone || e.Problem != nil:
	case e.Result == certificate.Partial && e.Tombstone != nil: // closed by signature: nothing is left to do here
	case e.Result == certificate.Partial && e.Next != "":
		p.next(p.phrase(e.Next))
	default:
		p.next(p.in(e.Exit.next()))
	}
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
		p.line(words{"Detached.", "已脱离。"})
	case e.Crossed:
		p.line(words{"Detached. The unbinding goes on in the daemon; it cannot be cancelled any more.", "已脱离。解绑在守护进程中继续，已无法取消。"})
	default:
		p.line(words{"Detached. The unbinding goes on in the daemon.", "已脱离。解绑在守护进程中继续。"})
	}
}

func (p *paper) remains(e ending) {
	if e.Departed {
		p.line(words{"The daemon has erased its identity and answers no more.", "守护进程已销毁设备身份，不再应答。"})
	}
	if e.Tombstone != nil {
		p.tombstone(e.Tombstone)
	}
	if e.Problem != nil && e.Exit != exitDone {
		p.refusal(p.in(words{"Problem: ", "问题："}), *e.Problem, e.Exit)
	}
}
