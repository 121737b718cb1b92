package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"unbindd/agent/local"
)

// readerTime is how long one look at the reader may take: a slow line lists
// hundreds of slots.
const readerTime = 100 * time.Second

func (t *tool) readerCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "reader",
		Short: "Look at the card reader on the serial line",
		Long: `Look at the card reader: who is on the line and what it can do (status), whether
it answers everything it should (test), and which keys it holds (slots). Nothing
of the reader is changed by any of them.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(
		&cobra.Command{
			Use:   "status",
			Short: "Tell who is on the line and what it can do",
			Long: `Ask the reader now who it is and what it can do. What an unbinding makes use of
and this reader cannot do is named. Ends with 3 when no reader answers, or
another than the bound one.`,
			Args: cobra.NoArgs, RunE: t.question(t.readerStatus),
		},
		&cobra.Command{
			Use:   "test",
			Short: "Ask the reader everything that changes nothing",
			Long: `Ask the reader who it is, twenty times over with the clock in hand, for its
tamper state and its key slots, use each payment key once, and count its card
sockets. Ends with 1 when a check failed.`,
			Args: cobra.NoArgs, RunE: t.question(t.readerTest),
		},
		&cobra.Command{
			Use:   "slots",
			Short: "List the key slots with their check values",
			Args:  cobra.NoArgs, RunE: t.question(t.readerSlots),
		},
	)
	return c
}

func (t *tool) readerStatus(ctx context.Context, _ []string) error {
	r, err := askWithin(ctx, readerTime, t.client.Reader)
	if err != nil {
		return err
	}
	switch {
	case t.json:
		err = t.out.json(r)
	case t.quiet:
		t.out.plain("%s", r.State)
	default:
		t.out.readerReport(r)
	}
	if err == nil && (r.Serial == "" || (r.Bound != "" && r.Serial != r.Bound)) {
		return verdict(exitBlocked)
	}
	return err
}

func (p *paper) readerReport(r local.ReaderReport) {
	p.row(words{"Line", "线路"}, "%s", joined(r.Path, p.in(lineWords(r)), p.term(r.State), p.heard(r.Error)))
	if r.Serial == "" {
		p.row(words{"Reader", "读卡器"}, "%s", p.in(words{"none answers", "无应答"}))
		p.line(words{"See that it is plugged in and switched on, and that no other program has the line.",
			"请确认读卡器已连接并通电，且没有其他程序占用该线路。"})
		return
	}
	p.row(words{"Reader", "读卡器"}, "%s", joined(r.Serial, r.Model, p.in(words{"firmware %s", "固件 %s"}.fill(r.Firmware)), r.Hardware))
	switch {
	case r.Bound == "":
		p.row(words{"Bound", "绑定"}, "%s", p.in(words{"this terminal is bound to no reader", "本终端未绑定读卡器"}))
	case r.Bound != r.Serial:
		p.row(words{"Bound", "绑定"}, "%s", p.in(words{"NOT this reader: %s is bound; this one is never erased", "不是本读卡器：已绑定 %s；本读卡器绝不会被擦除"}.fill(r.Bound)))
	}
	if len(r.Can) > 0 {
		p.row(words{"Can", "能力"}, "%s", p.abilities(r.Can))
	}
	if len(r.Unsupported) > 0 {
		p.row(words{"Cannot", "不支持"}, "%s", p.abilities(r.Unsupported))
	}
	if r.Tamper != "" {
		p.row(words{"Tamper", "防拆"}, "%s", p.term(r.Tamper))
	}
	if r.Frozen {
		p.row(words{"Frozen", "冻结"}, "%s", p.in(words{"takes no transactions", "不接受交易"}))
	}
	if r.BootCount > 0 {
		p.row(words{"Counts", "计数"}, "%s", p.in(words{"%d starts, %d erases", "启动 %d 次，擦除 %d 次"}.fill(r.BootCount, r.EraseCounter)))
	}
	if c := r.Counts; c.FramesIn > 0 {
		p.row(words{"Traffic", "流量"}, "%s", p.in(words{
			"%d frames in, %d out, %d sent again, %d damaged", "收 %d 帧，发 %d 帧，重发 %d 帧，损坏 %d 帧",
		}.fill(c.FramesIn, c.FramesOut, c.Repeats, c.Damaged)))
	}
	for _, s := range r.Sockets {
		p.row(words{"Socket", "卡座"}, "%s", joined(strconv.Itoa(s.Slot), p.in(socketWords(s)), s.ATR))
	}
}

func lineWords(r local.ReaderReport) words {
	if r.Baud == 0 {
		return words{r.Driver, r.Driver}
	}
	return words{"%s at %d baud", "%s，%d 波特"}.fill(r.Driver, r.Baud)
}

func socketWords(s local.Socket) words {
	switch {
	case s.Card && s.Present:
		return words{"card inserted", "已插卡"}
	case s.Card:
		return words{"no card", "未插卡"}
	case s.Present:
		return words{"SAM present", "SAM 已装"}
	}
	return words{"no SAM", "无 SAM"}
}

// abilities are the words of what a reader can or cannot do, in its own order.
func (p *paper) abilities(names []string) string {
	said := make([]string, len(names))
	for i, name := range names {
		said[i] = p.ability(name)
	}
	return strings.Join(said, ", ")
}

func (p *paper) ability(name string) string {
	if w, ok := abilityWords[name]; ok {
		return p.in(w)
	}
	return name
}

var abilityWords = map[string]words{
	"events":  {"events", "事件"},
	"freeze":  {"freeze", "冻结"},
	"tamper":  {"tamper detection", "防拆检测"},
	"list":    {"key list", "密钥列表"},
	"probe":   {"key probe", "密钥探测"},
	"erase":   {"erase by ticket", "凭票擦除"},
	"delete":  {"erase at the terminal's word", "按终端指令擦除"},
	"restart": {"restart", "重启"},
	"sam":     {"SAM sockets", "SAM 卡座"},
	"load":    {"key loading", "密钥装载"},
	"rotate":  {"key rotation", "密钥轮换"},
}

func (t *tool) readerTest(ctx context.Context, _ []string) error {
	r, err := askWithin(ctx, readerTime, t.client.TestReader)
	if err != nil {
		return err
	}
	switch {
	case t.json:
		err = t.out.json(r)
	case !t.quiet:
		t.out.readerTest(r)
	}
	if err == nil && !r.OK {
		return verdict(exitFailed)
	}
	return err
}

func (p *paper) readerTest(r local.ReaderTest) {
	for _, c := range r.Checks {
		p.plain("%s", joined(pad(p.term(c.Result), 12)+" "+p.in(checkWords(c.Check)), p.heard(c.Detail)))
	}
	if r.Repeats+r.Damaged > 0 {
		p.line(words{"On the line meanwhile: %d frames sent again, %d came damaged.", "期间线路：重发 %d 帧，损坏 %d 帧。"}, r.Repeats, r.Damaged)
	}
	if r.OK {
		p.line(words{"The reader answers as it should; nothing was changed.", "读卡器应答正常；未作任何更改。"})
		return
	}
	p.line(words{"A check failed; nothing was changed.", "有检查未通过；未作任何更改。"})
}

func checkWords(name string) words {
	known := map[string]words{
		"identity": {"identity", "身份"}, "round-trip": {"round trip", "往返"}, "tamper": {"tamper detection", "防拆检测"},
		"list": {"key list", "密钥列表"}, "probe": {"keys in use", "密钥使用"}, "sam": {"card sockets", "卡座"},
	}
	if w, ok := known[name]; ok {
		return w
	}
	return words{name, name}
}

func (t *tool) readerSlots(ctx context.Context, _ []string) error {
	s, err := askWithin(ctx, readerTime, t.client.KeySlots)
	if err != nil {
		return err
	}
	switch {
	case t.json:
		return t.out.json(s)
	case !t.quiet:
		t.out.keySlots(s)
	}
	return nil
}

func (p *paper) keySlots(s local.KeySlots) {
	p.line(words{"Reader %s, %d slots:", "读卡器 %s，%d 个密钥槽："}, s.Serial, len(s.Slots))
	for _, k := range s.Slots {
		kept := ""
		if k.Retained {
			kept = p.in(words{"stays through every erase: ", "擦除时保留："}) + k.Why
		}
		value := ""
		if k.KCV != "" {
			value = fmt.Sprintf("KCV %s (%s)", k.KCV, k.Method)
		}
		ksn := ""
		if k.KSN != "" {
			ksn = "KSN " + k.KSN
		}
		p.plain("  %04x  %s %s %s", k.Slot, pad(k.Type, 6), pad(k.Alg, 8), joined(p.term(k.State), value, ksn, kept))
	}
}
