package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"unbindd/agent/local"
)

func (t *tool) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Tell how the terminal is",
		Long: `Tell whom the terminal is bound to, what its reader, ledger and link do, and
how far an unbinding has got. With --quiet only the mode: unenrolled, trading,
obeying or unbound.`,
		Args: cobra.NoArgs,
		RunE: t.question(t.status),
	}
}

func (t *tool) status(ctx context.Context, _ []string) error {
	s, err := ask(ctx, t.client.Status)
	if err != nil {
		return err
	}
	switch {
	case t.json:
		return t.out.json(s)
	case t.quiet:
		t.out.plain("%s", s.Mode)
	default:
		t.out.status(s)
	}
	return nil
}

func (p *paper) status(s local.Status) {
	p.identity(s)
	p.row(words{"Mode", "状态"}, "%s", p.term(s.Mode))
	reader := joined(p.term(s.Reader.State), s.Reader.Serial, p.heard(s.Reader.Error))
	p.row(words{"Reader", "读卡器"}, "%s", cmp.Or(reader, p.in(words{"not asked", "未查询"})))
	if l := s.Ledger; l != nil {
		p.row(words{"Ledger", "账本"}, p.in(words{"%d transactions, %d events, %d refused", "交易 %d 笔，事件 %d 条，拒收 %d 条"}),
			l.Transactions, l.Events, l.Refused)
	}
	p.row(words{"Link", "链路"}, "%s", joined(s.Link.Name, p.term(cmp.Or(s.Link.State, "untried")), p.heard(s.Link.Error)))
	p.row(words{"Clock", "时钟"}, "%s", p.clock(s))
	if s.Outbox > 0 {
		p.row(words{"Outbox", "待确认"}, p.in(words{"%d objects not yet acknowledged upstream", "%d 个对象上游尚未确认"}), s.Outbox)
	}
	if u := s.Undelivered; u != nil {
		p.row(words{"Undelivered", "未送达"}, p.in(words{"%s of %s: refused upstream, the last time at %s; it is told again, ever more rarely", "%s（%s）最近于 %s 被上游拒绝，将以越来越长的间隔重发"}),
			p.term(u.Kind), p.caseOf(u.Case), moment(u.At/1000))
		p.refusal("  ", u.Why, exitRefused)
	}
	if s.Case != nil {
		p.unbinding(s.Case)
	}
	if s.Tombstone != nil {
		p.tombstone(s.Tombstone)
	}
	if s.Refused != nil {
		p.refused(s.Refused)
	}
	if s.Untrusted != nil {
		p.untrusted(s.Untrusted)
	}
	for _, w := range s.Warnings {
		p.row(words{"Warning", "警告"}, "%s", p.term(w))
	}
	if s.Alarm != nil {
		p.refusal(p.in(words{"Alarm: ", "告警："}), *s.Alarm, exitFailed)
	}
}

// clock is what is known of the time, with the point that it is not before.
func (p *paper) clock(s local.Status) string {
	if s.Floor == 0 {
		return p.term(s.Clock)
	}
	return p.term(s.Clock) + ": " + moment(s.Floor)
}

// refused tells the last order that was refused: what, when, why, and what to do.
func (p *paper) refused(r *local.Refused) {
	p.row(words{"Refused", "已拒绝"}, "%s", p.turned(r))
	p.refusal("  ", r.Why, exitRefused)
}

// turned is what was refused, and when.
func (p *paper) turned(r *local.Refused) string {
	return joined(p.term(r.Kind), p.caseOf(r.Case), p.when(r.At), r.Digest)
}

// caseOf is a case's name; the daemon answers with none of its own where no signature
// counts on what names it.
func (p *paper) caseOf(name string) string {
	if name == "" || caseKnown(name) {
		return name
	}
	return p.in(words{"case not known", "案件未知"})
}

// when is a time in Unix milliseconds, or "" where there is none.
func (p *paper) when(ms int64) string {
	if ms == 0 {
		return ""
	}
	return moment(ms / 1000)
}

// untrusted tells the trust that was not taken over: which step of what came, and why.
func (p *paper) untrusted(u *local.Untrusted) {
	step := ""
	if u.Step > 0 {
		step = fmt.Sprintf(p.in(words{"step %d", "第 %d 步"}), u.Step)
	}
	p.row(words{"Trust", "信任包"}, "%s", joined(p.in(words{"not taken over", "未采纳"}), step, moment(u.At/1000), u.Digest))
	p.refusal("  ", u.Why, exitRefused)
}

func (p *paper) identity(s local.Status) {
	if s.Terminal == "" {
		p.row(words{"Terminal", "终端"}, "%s", p.in(words{"bound to nobody", "未登记"}))
		return
	}
	p.row(words{"Terminal", "终端"}, p.in(words{"%s, enrolment %d, trust version %d", "%s，登记号 %d，信任包版本 %d"}), s.Terminal, s.Epoch, s.Trust)
}

// unbinding tells the case: what was ordered by whom, and where it stands.
func (p *paper) unbinding(c *local.Case) {
	p.row(words{"Case", "案件"}, p.in(words{"%s: %s, reason %s, profile %s", "%s：%s，原因 %s，方案 %s"}),
		c.Case, p.term(c.Action), c.Reason, c.Profile)
	p.row(words{"", ""}, p.in(words{"ordered by %s", "下达人 %s"}), p.approvers(c.Approvers))
	p.stand(c)
	p.row(words{"", ""}, p.in(words{"outcome: %s; point of no return: %s", "结果：%s；不可撤销点：%s"}), joined(p.term(c.Outcome), p.when(c.Ended)), p.crossed(c.Crossed))
	if w := p.waiting(c); w != "" {
		p.row(words{"", ""}, p.in(words{"waiting: %s", "等待：%s"}), w)
	}
	if c.Result != "" {
		p.row(words{"", ""}, p.in(words{"certificate: %s, %s", "证书：%s，%s"}), p.term(c.Result), p.receipted(c.Receipted))
	}
	if c.Quarantine {
		p.row(words{"", ""}, "%s", p.in(words{"in quarantine: a final step is open until it is repaired or closed", "隔离中：有一个最终步骤未决，待修复或签署关闭"}))
	}
	if c.Next != "" && c.Quarantine {
		p.row(words{"", ""}, p.in(words{"to do: %s", "待办：%s"}), p.phrase(c.Next))
	}
	if c.Quarantine {
		p.row(words{"", ""}, p.in(words{"a close is written and signed at the desk: unbind-desk issue close --dir DIR --case %s --out close.json",
			"关闭文件在后台生成并签署：unbind-desk issue close --dir DIR --case %s --out close.json"}), c.Case)
	}
	switch {
	case c.Problem == nil || c.Problem.Message == notYet:
	case c.Outcome == "running":
		p.trouble(*c.Problem, c.Crossed)
	default:
		p.refusal(p.in(words{"Problem: ", "问题："}), *c.Problem, exitFailed)
	}
}

// tombstone tells what is left of an unbound terminal.
func (p *paper) tombstone(t *local.Tombstone) {
	p.row(words{"Tombstone", "墓碑"}, p.in(words{"%s of case %s, enrolment %d: %s", "%s，案件 %s，登记号 %d：%s"}),
		p.term(t.Action), t.Case, t.Epoch, p.term(t.Result))
	p.row(words{"", ""}, p.in(words{"certificate %s", "证书 %s"}), t.Certificate)
	seen := words{"the desk has not seen the revealed number yet", "后台尚未收到揭示的随机数"}
	if t.Revealed {
		seen = words{"the desk has seen the revealed number", "后台已收到揭示的随机数"}
	}
	p.row(words{"", ""}, "%s", p.in(seen))
}

func (p *paper) approvers(list []local.Approver) string {
	var out []string
	for _, a := range list {
		out = append(out, a.Holder+" ("+p.term(a.Role)+")")
	}
	if len(out) == 0 {
		return p.in(words{"nobody named", "未列明"})
	}
	return strings.Join(out, ", ")
}

func (p *paper) crossed(yes bool) string {
	if yes {
		return p.in(words{"crossed", "已越过"})
	}
	return p.in(words{"not crossed", "未越过"})
}

func (p *paper) receipted(yes bool) string {
	if yes {
		return p.in(words{"the desk has it", "后台已收到"})
	}
	return p.in(words{"not yet acknowledged", "尚未得到确认"})
}

// joined writes the parts that are there, with commas.
func joined(parts ...string) string {
	var out []string
	for _, part := range parts {
		if part != "" {
			out = append(out, part)
		}
	}
	return strings.Join(out, ", ")
}
