package main

import (
	"strconv"
	"strings"

	"unbindd/agent/certificate"
	"unbindd/agent/local"
)

// certificate tells a certificate in words, leaving nothing of it out that says
// less than "complete".
func (p *paper) certificate(c opened) {
	s := &c.Statement.Predicate
	p.line(words{"Certificate %d of case %s: %s", "证书 %d，案件 %s：%s"}, s.N, s.Case, p.term(s.Result))
	p.row(words{"Digest", "摘要"}, "%s", c.Digest)
	if s.Supersedes != "" {
		p.row(words{"Supersedes", "取代"}, "%s", s.Supersedes)
	}
	p.row(words{"Terminal", "终端"}, "%s", joined(string(s.Terminal.ID), s.Terminal.Manufacturer, s.Terminal.Model, string(s.Terminal.Serial)))
	p.row(words{"Time", "时间"}, p.in(words{"%s to %s; clock: %s", "%s 至 %s；时钟：%s"}), moment(s.Started), moment(s.Finished), p.term(s.Clock))
	p.order(s)
	p.allowance(s)
	p.media(s.Media)
	p.reader(&s.Reader)
	p.removal(&s.Software)
	p.copies(s.Copies)
	p.line(words{"Second look at everything: %s", "全面复核：%s"}, p.term(s.Verified))
	p.list(words{"Left over:", "仍保留："}, len(s.Left), func(i int) string {
		return p.heard(s.Left[i].Name) + p.in(words{": ", "："}) + p.heard(s.Left[i].Destroy)
	})
	p.list(words{"Fields of SP 800-88r2 4.6 that are not known:", "SP 800-88r2 4.6 中未知的字段："}, len(s.Missing), func(i int) string {
		return s.Missing[i]
	})
	p.line(words{"Result: %s", "结果：%s"}, p.term(s.Result))
	if s.Next != "" {
		p.next(p.phrase(s.Next))
	}
}

// order tells who ordered what. The approvers stand here by the terminal's word;
// the check of the command is what proves them.
func (p *paper) order(s *certificate.Predicate) {
	p.row(words{"Ordered", "指令"}, p.in(words{"%s, reason %s, profile %s", "%s，原因 %s，方案 %s"}),
		p.term(string(s.Command.Action)), s.Command.Reason, s.Command.Profile)
	var names []string
	for _, a := range s.Command.Approvers {
		names = append(names, string(a.Holder)+" ("+p.term(string(a.Role))+")")
	}
	p.row(words{"By", "下达人"}, "%s", strings.Join(names, ", "))
	p.row(words{"Command", "指令摘要"}, "%s", s.Command.Digest)
	if s.Successor != nil {
		p.row(words{"Successor", "接替终端"}, "%s", *s.Successor)
	}
	if s.Papers != "" {
		p.row(words{"Papers", "文件材料"}, "%s", s.Papers)
	}
	p.list(words{"People:", "人员："}, len(s.People), func(i int) string {
		who := s.People[i]
		return joined(string(who.Who)+": "+string(who.What), moment(who.When))
	})
}

// allowance tells what allowed the erasure: the authority, what was excepted,
// and every line of the gate.
func (p *paper) allowance(s *certificate.Predicate) {
	p.row(words{"Allowed by", "依据"}, "%s %s", p.term(string(s.Receipt.Kind)), s.Receipt.Digest)
	for _, a := range s.Amendments {
		p.row(words{"", ""}, p.in(words{"amendment %s", "修正 %s"}), a)
	}
	for _, open := range s.Settlement.Open {
		p.row(words{"Unsettled", "未结算"}, p.in(words{"%d transactions, %s", "交易 %d 笔，%s"}), open.Count, money(open.Amount, string(open.Currency)))
	}
	p.list(words{"Before the point of no return:", "不可撤销点之前的检查："}, len(s.Gate), func(i int) string {
		g := s.Gate[i]
		holds := words{"held", "满足"}
		if !g.OK {
			holds = words{"DID NOT HOLD", "不满足"}
		}
		return joined(p.term(string(g.Check))+p.in(words{": ", "："})+p.in(holds), p.heard(g.Detail))
	})
}

func (p *paper) media(list []certificate.Medium) {
	p.list(words{"Erased on the host:", "主机擦除："}, len(list), func(i int) string {
		m := list[i]
		line := joined(m.Name+": "+m.Kind, m.Method, m.Technique, p.in(words{"%d items", "%d 项"}.fill(m.Items)), size(m.Bytes))
		line += "; " + p.in(words{"level ", "级别 "}) + p.term(m.LevelAchieved)
		if m.LevelAchieved != m.LevelRequested {
			line += p.in(words{", requested ", "，要求 "}) + p.term(m.LevelRequested)
		}
		line += "; " + p.in(words{"verified: ", "核验："}) + p.term(m.Verified)
		if m.Reason != "" {
			line += "; " + p.heard(m.Reason)
		}
		if len(m.Residual) > 0 {
			line += "; " + p.in(words{"residue: ", "残留："}) + p.all(m.Residual)
		}
		return line
	})
}

func (p *paper) reader(r *certificate.Reader) {
	word := words{"not authenticated by the reader", "未经读卡器认证"}
	if r.Authenticated {
		word = words{"authenticated by the reader", "经读卡器认证"}
	}
	p.line(words{"Card reader %s: %s", "读卡器 %s：%s"}, r.SN, joined(p.term(r.Outcome), p.in(word), p.in(words{"firmware %s", "固件 %s"}.fill(r.Firmware)), p.heard(r.Detail)))
	p.list(words{"  Slots:", "  密钥槽："}, len(r.Slots), func(i int) string {
		s := r.Slots[i]
		return joined("  "+strconv.FormatInt(s.Slot, 10)+" "+s.Type, s.KCV, s.Method) + ": " + p.term(s.After)
	})
	p.list(words{"  Keys that stay on purpose:", "  有意保留的密钥："}, len(r.Retained), func(i int) string {
		k := r.Retained[i]
		return "  " + strconv.FormatInt(k.Slot, 10) + " " + k.Type + p.in(words{": ", "："}) + p.term(k.Why)
	})
}

func (p *paper) removal(s *certificate.Software) {
	p.line(words{"Software: %d items removed", "软件：卸载 %d 项"}, s.Removed)
	p.list(words{"Software still there:", "仍存在的软件："}, len(s.Residue), func(i int) string { return s.Residue[i] })
}

// copies tells the list from before beside the one from after, and where else
// copies may be.
func (p *paper) copies(c *certificate.Copies) {
	if c == nil {
		return
	}
	p.list(words{"What was there, and what is left:", "擦除前的内容与现存内容："}, len(c.Places), func(i int) string {
		l := c.Places[i]
		line := l.Name + ": " + p.in(words{"%d items, %s; left: %d", "%d 项，%s；现存：%d"}.fill(l.Items, size(l.Bytes), l.Left))
		if l.Appeared > 0 {
			line += "; " + p.in(words{"%d came in between", "其间新增 %d 项"}.fill(l.Appeared))
		}
		if l.Uncounted {
			line += "; " + p.in(words{"nobody could tell all that came", "新增内容无法全部识别"})
		}
		if l.Unseen {
			line += "; " + p.in(words{"NOBODY COULD LOOK", "无法查看"})
		}
		return line
	})
	p.list(words{"Not reached:", "无法触及："}, len(c.Elsewhere), func(i int) string {
		return p.note(local.Note{Code: c.Elsewhere[i], Text: c.Elsewhere[i]})
	})
}

// list writes a heading and one line an entry, or nothing where there is none.
func (p *paper) list(heading words, n int, entry func(i int) string) {
	if n == 0 {
		return
	}
	p.line(heading)
	for i := range n {
		p.plain("  %s", entry(i))
	}
}
