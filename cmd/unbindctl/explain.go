package main

import (
	"context"

	"github.com/spf13/cobra"

	"unbindd/agent/local"
)

// explanation is explain's JSON: the two answers it is told from.
type explanation struct {
	Schema string       `json:"schema"`
	Status local.Status `json:"status"`
	Plan   *local.Plan  `json:"plan,omitempty"` // absent where nothing is bound, or no profile is chosen
}

func (t *tool) explainCommand() *cobra.Command {
	var profile string
	cmd := &cobra.Command{
		Use:   "explain",
		Short: "Tell in words what is bound here and what an unbinding would keep",
		Long: `Tell in words whom this terminal is bound to, what it keeps, and what an
unbinding would send, erase and leave. Nothing is changed by asking.`,
		Args: cobra.NoArgs,
		RunE: t.question(func(ctx context.Context, _ []string) error { return t.explain(ctx, profile) }),
	}
	cmd.Flags().StringVar(&profile, "profile", "", "the `profile` to explain; without it the only one, or the running case's")
	return cmd
}

func (t *tool) explain(ctx context.Context, profile string) error {
	s, err := ask(ctx, t.client.Status)
	if err != nil {
		return err
	}
	x := explanation{Schema: schema, Status: s}
	if s.Mode == local.Trading || s.Mode == local.Blocked || s.Mode == local.Obeying {
		if profile == "" && s.Case != nil && s.Case.Outcome == "running" {
			profile = s.Case.Profile
		}
		plan, err := t.askPlan(ctx, profile)
		switch {
		case err == nil:
			x.Plan = &plan
		case profile != "" || exitOf(err) != exitUsage:
			return err
		}
	}
	if t.json {
		return t.out.json(x)
	}
	t.out.explanation(x)
	return nil
}

func (p *paper) explanation(x explanation) {
	s := x.Status
	switch s.Mode {
	case local.Unenrolled:
		p.line(words{"This terminal is bound to nobody. There is nothing to unbind.", "本终端未登记，没有可解绑的内容。"})
		return
	case local.Unbound:
		p.line(words{"This terminal has been unbound and does not trade. A tombstone is all that is left.", "本终端已解绑，不再收单，仅留有墓碑。"})
		if s.Tombstone != nil {
			p.tombstone(s.Tombstone)
		}
		return
	}
	p.bound(s)
	if x.Plan == nil {
		p.line(words{"It knows several profiles; name one with --profile to see what an unbinding would do.",
			"本终端有多个方案，请用 --profile 指定，以查看解绑的影响。"})
		return
	}
	p.consequences(*x.Plan)
}

func (p *paper) bound(s local.Status) {
	p.line(words{"This terminal is %s, in its enrolment number %d.", "本终端编号 %s，第 %d 次登记。"}, s.Terminal, s.Epoch)
	if s.Reader.Serial != "" {
		p.line(words{"Bound to it: the card reader %s.", "与之绑定：读卡器 %s。"}, s.Reader.Serial)
	}
	if s.Ledger != nil {
		p.line(words{"Its ledger keeps %d transactions, encrypted, until an unbinding has backed them up.",
			"账本保存 %d 笔交易（已加密），直至解绑完成备份。"}, s.Ledger.Transactions)
	}
	if s.Case != nil && s.Case.Outcome == "running" {
		p.line(words{"An unbinding runs: case %s, ordered by %s.", "正在解绑：案件 %s，下达人 %s。"}, s.Case.Case, p.approvers(s.Case.Approvers))
	}
}

func (p *paper) consequences(plan local.Plan) {
	if plan.Crossed {
		p.left(plan)
		return
	}
	p.line(words{"Under the profile %s (%s) an unbinding would do this:", "按方案 %s（%s）解绑将："}, plan.Profile, p.term(plan.Action))
	p.uploads(plan.Upload)
	p.erasures(plan.Erase)
	p.elsewhere(plan.Elsewhere)
	p.kept(plan.Keep)
	p.line(words{"Until the point of no return everything can be undone, and the terminal then trades again.",
		"不可撤销点之前均可撤回，撤回后终端恢复收单。"})
	p.line(words{"Only a command signed by the people responsible can begin it; this tool cannot.",
		"只有责任人签名的指令可以启动解绑，本工具不能。"})
	p.blockers(plan.Blockers)
	p.open(plan.Open)
}
