package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/rotation"
)

// shownTrust is a version as --json shows it.
type shownTrust struct {
	Anchor  envelope.Digest  `json:"anchor"`
	Digest  envelope.Digest  `json:"digest"`
	Newest  int64            `json:"newest"`
	Revoked []envelope.KeyID `json:"revoked"` // by this and every earlier version
	Expired bool             `json:"expired"`
	trust.Bundle
}

func showTrust(c *cobra.Command, t *trust.Trust, newest int64, anchor envelope.Digest) error {
	revoked := append([]envelope.KeyID{}, t.Revoked()...)
	told := shownTrust{Anchor: anchor, Digest: t.Digest(), Newest: newest, Revoked: revoked, Expired: t.Expires < time.Now().Unix(), Bundle: t.Bundle}
	return show(c, told, func() {
		say(c, "%s", text{"Trust version %d of %d, issued %s, good until %s", "信任包版本 %d（共 %d），签发于 %s，有效至 %s"}.in(t.Version, newest, when(t.Issued), when(t.Expires)))
		if told.Expired {
			say(c, "%s", text{"EXPIRED: terminals take only commands that answer their challenge.", "已过期：终端只接受回应其挑战码的指令。"}.in())
		}
		say(c, "%s", text{"anchor  %s", "锚点  %s"}.in(anchor))
		say(c, "%s", text{"digest  %s", "摘要  %s"}.in(told.Digest))
		sayKeys(c, t)
		for _, kind := range slices.Sorted(maps.Keys(t.Rules)) {
			say(c, "  %-13s %s", kind, ruleWords(t.Rules[kind]))
		}
		for _, name := range slices.Sorted(maps.Keys(t.Recipients)) {
			say(c, "%s", text{"recipients %s: %s", "备份接收方 %s：%s"}.in(name, peopleOf(t.Recipients[name])))
		}
		for _, pin := range t.SPKI {
			say(c, "%s", text{"pin     %s", "公钥指纹  %s"}.in(pin))
		}
		for _, id := range slices.Sorted(maps.Keys(t.Profiles)) {
			say(c, "%s", text{"profile %s, %s", "方案 %s，%s"}.in(profileTag(id, t.Version, t.Profiles[id]), t.Profiles[id]))
		}
		say(c, "%s", text{"log     %s, signed by %s", "日志  %s，签名密钥 %s"}.in(t.Log.Origin, t.Log.Key))
	})
}

func sayKeys(c *cobra.Command, t *trust.Trust) {
	ids := slices.SortedFunc(maps.Keys(t.Keys), func(a, b envelope.KeyID) int {
		return cmp.Or(cmp.Compare(t.Keys[a].Role, t.Keys[b].Role), cmp.Compare(t.Keys[a].Holder, t.Keys[b].Holder), cmp.Compare(a, b))
	})
	for _, id := range ids {
		note := ""
		if slices.Contains(t.Revoked(), id) {
			note = text{"  REVOKED", "  已吊销"}.in()
		}
		say(c, "  %-11s %-12s %s%s", t.Keys[id].Role, t.Keys[id].Holder, id, note)
	}
	for _, id := range t.Revoked() {
		if _, ok := t.Keys[id]; !ok {
			say(c, "%s", text{"  revoked before: %s", "  先前已吊销：%s"}.in(id))
		}
	}
}

func ruleWords(r trust.Rule) string {
	var needs []string
	for _, role := range slices.Sorted(maps.Keys(r.Need)) {
		needs = append(needs, fmt.Sprintf("%s %d", role, r.Need[role]))
	}
	return text{"%s; %d people in all", "%s；共 %d 人"}.in(strings.Join(needs, " + "), r.Total)
}

func peopleOf(set []trust.Recipient) string {
	var all []string
	for _, r := range set {
		all = append(all, fmt.Sprintf("%s (%.24s...)", r.Holder, r.Age))
	}
	return strings.Join(all, ", ")
}

var (
	whatWords = map[string]text{
		rotation.Key: {"key", "密钥"}, rotation.Revoked: {"revocation of key", "吊销密钥"}, rotation.Set: {"recipient set", "备份接收方"}, rotation.Rule: {"rule", "规则"},
		rotation.Pin: {"pin", "公钥指纹"}, rotation.LogKey: {"log key", "日志密钥"}, rotation.Profile: {"profile", "方案"}, rotation.Expiry: {"end", "到期"},
	}
	howWords = map[string]text{rotation.CameIn: {"NEW", "新增"}, rotation.WentOut: {"GONE", "移除"}, rotation.Different: {"CHANGED", "变更"}}
)

// changeWords says what differs, one line a thing, for the person about to sign it.
func changeWords(lines []rotation.Line) (says []string) {
	for _, l := range lines {
		detail := ""
		switch {
		case l.How == rotation.Different:
			detail = ": " + valueWords(l.Before) + " -> " + valueWords(l.After)
		case l.How == rotation.CameIn:
			detail = suffix(valueWords(l.After))
		default:
			detail = suffix(valueWords(l.Before))
		}
		if l.What == rotation.Pin && l.How == rotation.WentOut {
			detail += text{" (a terminal that was enrolled with it goes on believing it)", "（以此公钥指纹登记的终端仍会信任它）"}.in()
		}
		says = append(says, strings.TrimSpace(howWords[l.How].in()+" "+whatWords[l.What].in()+" "+l.Name)+detail)
	}
	return says
}

// sayClosed warns of profiles that nobody can use under the next version.
func sayClosed(c *cobra.Command, version int64, closed []rotation.Closed) {
	for _, p := range closed {
		say(c, "%s", text{
			"WARNING: profile %s does not open under version %d, and every command for it is refused until people of that version have signed it anew: %s",
			"警告：方案 %s 在版本 %d 下无法使用；在该版本的人员重新签署之前，所有使用它的命令都会被拒绝：%s",
		}.in(profileTag(p.Profile, version, p.Digest), version, p.Why))
	}
}

// sayMissing warns of profiles that the version in force names and the desk lacks.
func sayMissing(c *cobra.Command, t *trust.Trust, names []envelope.ID) {
	for _, name := range names {
		say(c, "%s", text{
			"WARNING: the desk has no profile %s that this version names and whose signatures it accepts. Next: sign it, unbind-desk publish.",
			"警告：后台没有本版本指定且签名有效的方案 %s。下一步：签署后执行 unbind-desk publish。",
		}.in(profileTag(name, t.Version, t.Profiles[name])))
	}
}

// profileTag tells profiles of one name apart: by the version of trust that names them, and
// by the beginning of their digest, for one version names others than the next.
func profileTag(name envelope.ID, version int64, digest envelope.Digest) string {
	return text{"%s (trust version %d, sha256:%.12s)", "%s（信任包版本 %d，sha256:%.12s）"}.in(name, version, digest.Hex())
}

func suffix(words string) string {
	if words == "" {
		return ""
	}
	return ": " + words
}

func valueWords(v any) string {
	switch v := v.(type) {
	case trust.Key:
		return text{"%s, role %s", "%s，角色 %s"}.in(v.Holder, v.Role)
	case trust.Rule:
		return ruleWords(v)
	case []trust.Recipient:
		return peopleOf(v)
	case trust.Log:
		return text{"%s, signed by %s", "%s，签名密钥 %s"}.in(v.Origin, v.Key)
	case envelope.Digest:
		return string(v)
	case int64:
		return when(v)
	}
	return ""
}
