package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"unbindd/agent"
	"unbindd/agent/envelope"
	"unbindd/agent/ledger"
)

// ending is how a verb of the ledger ends: each has a word and an exit code of its
// own. README and docs/WIRE.md have the same table.
type ending struct {
	Outcome string
	Exit    int
	means   words
}

var (
	endsWhole    = ending{"whole", exitDone, words{"the ledger is whole", "账本完整"}}
	endsFailed   = ending{"failed", exitFailed, words{"it failed half-way; what was found is not known", "中途失败，结果未知"}}
	endsDamaged  = ending{"damaged", exitBlocked, words{"the ledger is damaged", "账本已损坏"}}
	endsRefused  = ending{"refused", exitRefused, words{"nothing was looked at and nothing was changed", "未查看，未作任何更改"}}
	endsRepaired = ending{"repaired", exitRepaired, words{"it was damaged, was written anew and is whole", "曾损坏，已重写，现完整"}}
)

// endings is the table for the help.
func endings() string {
	text := "Exit codes:"
	for _, e := range []ending{endsWhole, endsFailed, endsDamaged, endsRefused, endsRepaired} {
		text += fmt.Sprintf("\n  %d  %-8s  %s", e.Exit, e.Outcome, e.means.en)
	}
	return text
}

// outcome is what a verb of the ledger answers, as JSON and, with its words, to a
// person.
type outcome struct {
	Outcome string `json:"outcome"`
	Exit    int    `json:"exit"`
	Code    string `json:"code,omitempty"`
	Next    string `json:"next,omitempty"`
	Error   string `json:"error,omitempty"`
	*Account
	err  error
	ends ending
}

// Account is a report as JSON: the figures, and the same in sentences.
type Account struct {
	ledger.Report
	Complete  bool     `json:"complete"`
	Sound     bool     `json:"sound"`
	Sentence  string   `json:"sentence"`
	Sentences []string `json:"sentences"`
}

// outcomeOf sorts what came of it.
func outcomeOf(r ledger.Report, err error) outcome {
	o := outcome{err: err, Code: envelope.CodeOf(err)}
	switch {
	case errors.Is(err, agent.ErrNotCared):
		o.ends = endsRefused
	case strings.HasPrefix(o.Code, "E26"):
		o.ends = endsDamaged
	case err != nil:
		o.ends = endsFailed
	case !r.Sound():
		o.ends, o.Code = endsDamaged, "E26"
		if loss := r.Loss(); loss != "" {
			o.Code += ":" + string(loss)
		}
	case r.Changed():
		o.ends = endsRepaired
	default:
		o.ends = endsWhole
	}
	if err == nil {
		o.Account = &Account{Report: r, Complete: r.Complete(), Sound: r.Sound()}
	}
	o.Outcome, o.Exit = o.ends.Outcome, o.ends.Exit
	return o
}

// say puts in the words of a language.
func (o *outcome) say(l envelope.Language) {
	sentence, each := ledger.Report.Sentence, ledger.Segment.Sentence
	if l == envelope.Chinese {
		sentence, each = ledger.Report.ChineseSentence, ledger.Segment.ChineseSentence
	}
	if o.Account != nil {
		o.Sentence, o.Sentences = sentence(o.Report), []string{}
		for _, s := range o.Segments {
			o.Sentences = append(o.Sentences, each(s))
		}
	}
	if o.err != nil {
		o.Error = strings.ReplaceAll(o.err.Error(), "\n", ": ")
	}
	o.Next = o.next(l)
}

// next is what to do now. Whoever has just checked is not sent to check.
func (o *outcome) next(l envelope.Language) string {
	var step words
	m, known := envelope.MeaningOf(o.Code)
	switch {
	case o.ends == endsDamaged && o.Account != nil && o.mendable():
		step = words{`Run "unbindd ledger repair": it loses no record.`, `请运行 "unbindd ledger repair"，不会丢失记录。`}
	case o.ends == endsDamaged && (o.Code == "E26" || o.Account != nil && o.Loss() == ledger.CutShort):
		step = words{
			`Save what is whole with "unbindd ledger export" and call support; do not change the folder of the ledger.`,
			`请用 "unbindd ledger export" 保存完整的记录并联系技术支持；不要改动账本文件夹。`,
		}
	case known:
		return m.Next(l)
	case o.err != nil:
		step = nextStep(o.err)
	}
	return step.in(l)
}

// mendable says that a repair would make all of it whole.
func (o *outcome) mendable() bool {
	for _, s := range o.Segments {
		if !s.Sound() && !s.Mendable {
			return false
		}
	}
	return true
}

// tellOutcome answers, and ends the process with the code of how it ended.
func tellOutcome(c *cobra.Command, o outcome, l envelope.Language) error {
	o.say(l)
	asJSON, err := c.Flags().GetBool("json")
	if err != nil {
		return err
	}
	if asJSON {
		err = json.NewEncoder(c.OutOrStdout()).Encode(o)
	} else {
		err = o.tell(c, l)
	}
	if err == nil && o.Exit != exitDone {
		err = ended(o.Exit)
	}
	return err
}

func (o *outcome) tell(c *cobra.Command, l envelope.Language) error {
	text := ""
	if o.Account != nil {
		for i, s := range o.Segments {
			if !s.Sound() || s.Mended { // of the others the sentence of all says it
				text += o.Sentences[i] + "\n"
			}
		}
		text += o.Sentence + "\n"
	}
	if _, err := fmt.Fprint(c.OutOrStdout(), text); err != nil || o.Exit == exitDone || o.ends == endsRepaired {
		return err
	}
	what := o.Error
	if m, known := envelope.MeaningOf(o.Code); known && (o.err == nil || l == envelope.Chinese) {
		what = fmt.Sprintf("%s [%s]", m.Sentence(l), o.Code)
	}
	if l == envelope.Chinese && o.err != nil {
		why := heard(l, o.Error)
		if !strings.Contains(why, o.ends.means.zh) {
			why = o.ends.means.zh + "：" + why
		}
		what += "（" + why + "）"
	}
	problem := "unbindd: " + what + "\n"
	if o.Next != "" {
		problem += next.in(l, o.Next) + "\n"
	}
	_, err := fmt.Fprint(c.ErrOrStderr(), problem)
	return err
}

// ended ends the process with a code after everything was said.
type ended int

func (e ended) Error() string { return fmt.Sprintf("ended with %d", int(e)) }
