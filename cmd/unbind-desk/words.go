package main

import (
	"fmt"
	"strings"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/profile"
	"unbindd/agent/trust"
)

// inWords says what an envelope orders, for the person about to sign it. It
// refuses what is not canonical, for two people would then read two things, and
// every kind that is not for people to sign.
func inWords(e *envelope.Envelope) (kind string, says []string, err error) {
	kinds := map[string]func(*envelope.Envelope) ([]string, error){
		"command": commandWords, "cancel": cancelWords, "amend": amendWords, "close": closeWords,
		"papers": papersWords, "campaign": campaignWords, "profile": profileWords, "trust": trustWords,
	}
	for kind, words := range kinds {
		if e.PayloadType == envelope.Type(kind) {
			says, err = words(e)
			return kind, says, err
		}
	}
	return "", nil, envelope.Refuse("E03", "", "cannot sign the envelope: its kind is not one that people sign")
}

// line is one thing that an order says, behind its name.
func line(name, says text, args ...any) string {
	return fmt.Sprintf("%-11s ", name.in()) + says.in(args...)
}

func commandWords(e *envelope.Envelope) ([]string, error) {
	var c command.Command
	if err := envelope.Decode(e.Payload, &c); err != nil {
		return nil, err
	}
	says := []string{
		line(text{"order", "指令"}, text{"UNBIND terminal %s, for good: %s", "永久解绑终端 %s：%s"}, c.Terminal, checkName(string(c.Action))),
		line(text{"case", "案件"}, text{"%s, number %d of enrolment %d, command id %s", "%s，第 %[3]d 次登记的第 %[2]d 号，指令编号 %[4]s"}, c.Case, c.Seq, c.Epoch, c.ID),
		line(text{"reason", "原因"}, text{"%s, profile %s", "%s，方案 %s"}, c.Reason, profileTag(c.Profile.ID, c.Root, c.Profile.Digest)),
		line(text{"binding", "绑定"}, text{"%s, device key %s", "%s，设备密钥 %s"}, c.Binding, c.Device),
		line(text{"erases", "擦除"}, text{"%s, at level %s", "%s，级别 %s"}, joined(c.Scope), c.Level),
		line(text{"backup", "备份"}, text{"%s, sealed for set %s", "%s，为集合 %s 密封"}, gateWords(c.Backup), c.Backup.Set),
		line(text{"good", "有效期"}, text{"from %s to %s, trust version %d", "自 %s 至 %s，信任包版本 %d"}, when(c.NotBefore), when(c.NotAfter), c.Root),
	}
	if c.Challenge != "" {
		says = append(says, line(text{"challenge", "挑战码"}, text{"%s: the terminal's clock is not asked", "%s：不依赖终端时钟"}, c.Challenge))
	}
	says = append(says, unsettledWords(c.Exception)...)
	if c.Papers != "" {
		says = append(says, line(text{"papers", "文件材料"}, text{"%s", "%s"}, c.Papers))
	}
	if c.Successor != nil {
		says = append(says, line(text{"successor", "接替终端"}, text{"%s, device key %s", "%s，设备密钥 %s"}, c.Successor.Terminal, c.Successor.Device))
	}
	if c.Relaxed() {
		says = append(says, line(text{"ATTENTION", "注意"}, text{"keys and data may be erased WITHOUT a receipt of the desk; role release must sign too", "无需后台回执即可擦除密钥和数据；release 角色也必须签署"}))
	}
	return says, nil
}

func gateWords(b command.Backup) string {
	words := map[envelope.ID]text{
		command.GateReceipt: {"nothing is erased before the desk's receipt", "取得后台回执前不擦除任何内容"},
		command.GateSealed:  {"a sealed file on a courier medium is enough", "人工携带的介质上有密封文件即可"},
		command.GateNone:    {"NO BACKUP at all", "完全没有备份"},
	}[b.Gate].in()
	if words == "" {
		words = text{"unknown gate %s", "未知的备份条件 %s"}.in(b.Gate)
	}
	if b.SealedAfter > 0 {
		words += text{"; after %d hours a sealed file is enough", "；%d 小时后密封文件即可"}.in(b.SealedAfter)
	}
	return words
}

func unsettledWords(sums []command.OpenSum) (says []string) {
	for _, s := range sums {
		says = append(says, line(text{"unsettled", "未结算"}, text{"%d transaction(s), %d minor units of %s may stay open", "%[3]s 交易 %[1]d 笔、共 %[2]d 最小货币单位可不结算"}, s.Count, s.Amount, s.Currency))
	}
	return says
}

func cancelWords(e *envelope.Envelope) ([]string, error) {
	var c command.Cancel
	err := envelope.Decode(e.Payload, &c)
	return []string{
		line(text{"order", "指令"}, text{"CANCEL the unbinding of terminal %s", "取消终端 %s 的解绑"}, c.Terminal), line(text{"case", "案件"}, text{"%s", "%s"}, c.Case), line(text{"command", "指令"}, text{"%s", "%s"}, c.Command),
	}, err
}

func amendWords(e *envelope.Envelope) ([]string, error) {
	var a command.Amend
	err := envelope.Decode(e.Payload, &a)
	return append([]string{
		line(text{"order", "指令"}, text{"AMEND the unbinding of terminal %s, number %d", "修正终端 %s 的解绑，第 %d 号"}, a.Terminal, a.N),
		line(text{"allows", "允许"}, text{"%s", "%s"}, joined(a.Allow)), line(text{"case", "案件"}, text{"%s", "%s"}, a.Case), line(text{"command", "指令"}, text{"%s", "%s"}, a.Command),
	}, unsettledWords(a.Exception)...), err
}

func closeWords(e *envelope.Envelope) ([]string, error) {
	var c command.Close
	err := envelope.Decode(e.Payload, &c)
	return []string{
		line(text{"order", "指令"}, text{"CLOSE the case of terminal %s without the desk's receipt for a complete erasure", "在没有后台对完整擦除的回执的情况下关闭终端 %s 的案件"}, c.Terminal),
		line(text{"case", "案件"}, text{"%s", "%s"}, c.Case), line(text{"certificate", "证书"}, text{"%s", "%s"}, c.Certificate),
	}, err
}

func papersWords(e *envelope.Envelope) ([]string, error) {
	var p command.Papers
	err := envelope.Decode(e.Payload, &p)
	says := []string{line(text{"states", "声明"}, text{"these papers were seen for case %s", "已为案件 %s 查验以下文件材料"}, p.Case)}
	for _, paper := range p.Papers {
		says = append(says, line(text{"paper", "文件材料"}, text{"%s by %s on %s, %s", "%s，由 %s 于 %s 查验，%s"}, paper.Type, paper.By, when(paper.Seen), paper.Hash))
	}
	return says, err
}

func profileWords(e *envelope.Envelope) ([]string, error) {
	var p profile.Profile
	err := envelope.Decode(e.Payload, &p)
	says := []string{
		line(text{"profile", "方案"}, text{"%s for %s", "%s，用于 %s"}, p.ID, checkName(string(p.Action))), line(text{"reasons", "原因"}, text{"%s", "%s"}, joined(p.Reasons)),
		line(text{"scope", "范围"}, text{"%s", "%s"}, joined(p.Scope)), line(text{"slots", "密钥槽"}, text{"%s", "%s"}, joined(p.Slots)), line(text{"papers", "文件材料"}, text{"%s", "%s"}, joined(p.Papers)),
	}
	for _, place := range p.Inventory {
		says = append(says, line(text{"erases", "擦除"}, text{"%s: %s", "%s：%s"}, place.Class, place.Path))
	}
	return says, err
}

func trustWords(e *envelope.Envelope) ([]string, error) {
	var b trust.Bundle
	err := envelope.Decode(e.Payload, &b)
	return []string{
		line(text{"trust", "信任"}, text{"version %d: whom every terminal believes", "版本 %d：每台终端信任谁"}, b.Version),
		line(text{"good", "有效期"}, text{"until %s", "至 %s"}, when(b.Expires)),
		line(text{"keys", "密钥"}, text{"%d, of them revoked: %s", "%d 个，其中已吊销：%s"}, len(b.Keys), joined(b.Revoked)),
	}, err
}

func joined[T ~string](words []T) string {
	var out []string
	for _, w := range words {
		out = append(out, string(w))
	}
	if len(out) == 0 {
		return text{"none", "无"}.in()
	}
	return strings.Join(out, ", ")
}
