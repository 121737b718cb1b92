package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
	"unbindd/agent/local"
)

func (t *tool) planCommand() *cobra.Command {
	var profile string
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what an unbinding would do here; nothing is changed",
		Long: `Show the steps of an unbinding, what it would erase, send and keep, and what
stands in its way. Nothing is changed by asking. Ends with 3 when something
stands in the way.`,
		Args: cobra.NoArgs,
		RunE: t.question(func(ctx context.Context, _ []string) error { return t.plan(ctx, profile) }),
	}
	cmd.Flags().StringVar(&profile, "profile", "", "the `profile` to plan for; without it the only one, or the running case's")
	return cmd
}

func (t *tool) plan(ctx context.Context, profile string) error {
	plan, err := t.askPlan(ctx, profile)
	if err != nil {
		return err
	}
	switch {
	case t.json:
		err = t.out.json(plan)
	case !t.quiet:
		t.out.dryRun(plan)
	}
	if err == nil && len(plan.Blockers) > 0 {
		return verdict(exitBlocked)
	}
	return err
}

func (t *tool) askPlan(ctx context.Context, profile string) (local.Plan, error) {
	plan, err := ask(ctx, func(ctx context.Context) (local.Plan, error) {
		return t.client.Plan(ctx, url.QueryEscape(profile))
	})
	var refused *local.Error
	if errors.As(err, &refused) && refused.Code == "E17:profile" {
		if s, serr := ask(ctx, t.client.Status); profile == "" && serr == nil && s.Case != nil && s.Case.Outcome == "running" {
			return t.askPlan(ctx, s.Case.Profile)
		}
		why := refused.Message
		if profile != "" {
			why += fmt.Sprintf("; there is no %q", profile)
		}
		return plan, &fault{
			code: exitUsage, err: errors.New(why),
			next: words{"Name a profile of this terminal with --profile.", "请用 --profile 指定本终端的方案。"},
		}
	}
	return plan, err
}

func (p *paper) dryRun(plan local.Plan) {
	if plan.Crossed {
		p.left(plan)
		return
	}
	p.line(words{"Profile %s (%s). Would do, in order:", "方案 %s（%s）。将依次执行："}, plan.Profile, p.term(plan.Action))
	for i, s := range plan.Steps {
		if s.Final && (i == 0 || !plan.Steps[i-1].Final) {
			p.plain("%s", p.in(noReturn))
		}
		p.plain("%3d  %s  %s", i+1, pad(s.Name, 19), p.step(s.Name))
	}
	p.uploads(plan.Upload)
	p.erasures(plan.Erase)
	p.elsewhere(plan.Elsewhere)
	p.kept(plan.Keep)
	p.line(words{"Nothing has been changed.", "未作任何更改。"})
	p.blockers(plan.Blockers)
	p.open(plan.Open)
}

// left is the plan behind the point of no return: what is done, and what is left.
func (p *paper) left(plan local.Plan) {
	p.line(words{"The point of no return is crossed (case %s, profile %s, %s). It cannot be undone any more.",
		"已越过不可撤销点（案件 %s，方案 %s，%s），无法再撤回。"}, plan.Case, plan.Profile, p.term(plan.Action))
	for i, s := range plan.Steps {
		if s.Final && (i == 0 || !plan.Steps[i-1].Final) {
			p.plain("%s", p.in(noReturn))
		}
		p.plain("%3d  %s  %s", i+1, pad(s.Name, 19), joined(p.step(s.Name)+": "+p.term(s.State), s.Detail))
	}
	p.line(words{"Still to be erased:", "尚待擦除："})
	p.targets(plan.Erase)
	p.elsewhere(plan.Elsewhere)
	p.kept(plan.Keep)
	if len(plan.Blockers) > 0 {
		p.blockers(plan.Blockers)
	}
	p.line(words{"Next: See what it waits for with: unbindctl status", "下一步：查看等待的内容：unbindctl status"})
}

// open is what is not settled, as an exception has to name it.
func (p *paper) open(list []local.OpenSum) {
	for _, o := range list {
		amount := p.in(words{"AMOUNT", "金额"})
		if o.Amount != nil {
			amount = strconv.FormatInt(*o.Amount, 10)
		}
		p.line(words{"  Close the batch, or have the command name exactly this: --exception %s:%d:%s",
			"  请完成批结算，或在指令中写明：--exception %s:%d:%s"}, o.Currency, o.Count, amount)
	}
}

func (p *paper) uploads(list []local.Upload) {
	p.line(words{"Would send before anything is erased:", "擦除前将送出："})
	for _, u := range list {
		p.line(words{"  %s: %d items, to %s", "  %s：%d 项，送往 %s"}, u.Name, u.Items, p.term(u.To))
	}
	p.orNothing(len(list))
}

func (p *paper) erasures(list []local.Target) {
	p.line(words{"Would erase:", "将擦除："})
	p.targets(list)
}

func (p *paper) targets(list []local.Target) {
	shared := p.shared(list)
	for _, e := range list {
		p.line(words{"  %s: %s, %d items, %s, to level %s", "  %s：%s，%d 项，%s，可达级别 %s"},
			e.Class, joined(p.term(e.Name), e.Path), e.Items, size(e.Bytes), p.term(e.Level))
		p.means(e, shared)
	}
	for _, text := range shared {
		p.line(words{"  note, for all of the host that is there: %s", "  注意（主机上现有的各项）：%s"}, text)
	}
	p.orNothing(len(list))
}

// shared are the notes that stand at every target of the host that is there, where there
// are several: they are written once, below the list.
func (p *paper) shared(list []local.Target) []string {
	var out []string
	there := 0
	for _, e := range list {
		if e.Path == "" || e.Items == 0 {
			continue
		}
		var here []string
		for _, n := range e.Notes {
			here = append(here, p.note(n))
		}
		if there++; there == 1 {
			out = here
			continue
		}
		out = slices.DeleteFunc(out, func(text string) bool { return !slices.Contains(here, text) })
	}
	if there < 2 {
		return nil
	}
	return out
}

// elsewhere is what may hold copies and no target reaches.
func (p *paper) elsewhere(list []local.Note) {
	p.line(words{"Would not reach:", "无法触及："})
	if len(list) == 0 {
		p.line(words{"  looked, nothing found", "  已查看，未发现"})
	}
	for _, n := range list {
		p.line(words{"  %s", "  %s"}, p.note(n))
	}
}

// means are what would be done to a target, and what ought to be known before.
func (p *paper) means(e local.Target, shared []string) {
	if e.Items > 0 && len(e.Rungs) > 0 {
		p.line(words{"      on %s, by %s", "      位于 %s，方式：%s"}, e.Place, strings.Join(e.Rungs, ", "))
	}
	for _, n := range e.Notes {
		common := e.Path != "" && e.Items > 0 && slices.Contains(shared, p.note(n))
		if (e.Items > 0 || n.Stops || e.Path == "") && !common {
			p.line(words{"      note: %s", "      注意：%s"}, p.note(n))
		}
	}
	if len(e.Holders) > 0 {
		p.line(words{"      open in %s", "      正被占用：%s"}, strings.Join(e.Holders, ", "))
	}
}

func (p *paper) kept(list []local.Kept) {
	p.line(words{"Would keep:", "将保留："})
	for _, k := range list {
		p.line(words{"  %s: %s", "  %s：%s"}, p.term(k.Name), p.term(k.Why))
	}
	p.orNothing(len(list))
}

func (p *paper) blockers(list []local.Error) {
	if len(list) == 0 {
		p.line(words{"Nothing stands in the way.", "没有障碍。"})
		return
	}
	p.line(words{"%d in the way:", "存在 %d 项障碍："}, len(list))
	for _, b := range list {
		if bare, _, _ := strings.Cut(b.Code, ":"); bare == "E22" { // whose own words are of a case that ended there
			p.why(envelope.AtPlan, "  ", b)
			p.next(p.in(words{"Mend the named condition before an unbinding is ordered; one would wait or end there.", "请解决所述条件后再下达解绑指令，否则解绑会在此等待或终止。"}))
			continue
		}
		p.refusalAt(envelope.AtPlan, "  ", b, exitBlocked)
	}
}

func (p *paper) orNothing(n int) {
	if n == 0 {
		p.line(words{"  nothing", "  无"})
	}
}
