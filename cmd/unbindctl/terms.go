package main

import (
	"unbindd/agent/local"
)

// terms are the fixed words of the local API and of certificates as people read
// them. A word that is not here is shown as it came.
var terms = map[string]words{
	local.Unenrolled: {"bound to nobody", "未登记"},
	local.Trading:    {"trades", "正常收单"},
	local.Blocked:    {"cannot trade", "无法收单"},
	local.Obeying:    {"obeys a command", "正在执行指令"},
	local.Unbound:    {"unbound", "已解绑"},

	local.Todo:   {"to do", "待办"},
	local.Doing:  {"doing", "进行中"},
	local.Done:   {"done", "完成"},
	local.Undone: {"undone", "已撤回"},
	local.Open:   {"open", "未决"},

	"running":   {"running", "进行中"},
	"cancelled": {"cancelled", "已撤销"},

	"accepted": {"accepted", "已接受"},
	"known":    {"known already", "此前已有"},
	"refused":  {"refused", "已拒绝"},

	"complete": {"complete", "全部完成"},
	"partial":  {"partial", "部分完成"},

	"rebind":     {"rebind", "解绑"},
	"retire":     {"retire", "注销"},
	"replace":    {"replace", "换机"},
	"quarantine": {"quarantine", "隔离"},

	"trusted": {"trusted", "可信"},
	"floor":   {"known only to be not before a point", "仅知不早于某时刻"},
	"unknown": {"unknown", "未知"},

	"idle": {"idle", "空闲"},
	"up":   {"up", "已连接"},
	"down": {"down", "已断开"},

	"pass": {"pass", "通过"},
	"fail": {"FAIL", "未通过"},

	"operations": {"operations", "运营"},
	"security":   {"security", "安全"},
	"release":    {"release", "放行"},

	"erased":      {"erased", "已擦除"},
	"incomplete":  {"incomplete", "不完整"},
	"unverified":  {"unverified", "未能验证"},
	"unsupported": {"unsupported", "不支持"},
	"missing":     {"missing", "缺失"},
	"foreign":     {"foreign", "非绑定读卡器"},
	"not-started": {"not started", "未开始"},

	"empty":   {"empty", "空"},
	"answers": {"still answers", "仍可应答"},

	"loaded":    {"loaded", "已装载"},
	"exhausted": {"exhausted, the key is still there", "已用尽，密钥仍在"},
	"blocked":   {"blocked, the key is still there", "已锁定，密钥仍在"},
	"intact":    {"intact", "完好"},
	"tampered":  {"TAMPERED", "已被拆动"},
	"ok":        {"ok", "通过"},
	"failed":    {"FAILED", "未通过"},

	"absent":         {"the line is not there", "线路不存在"},
	"opening":        {"opening", "正在打开"},
	"probing":        {"probing for protocol and speed", "正在探测协议与速率"},
	"syncing":        {"synchronising", "正在同步"},
	"identifying":    {"identifying", "正在识别"},
	"authenticating": {"authenticating", "正在认证"},
	"ready":          {"ready", "就绪"},
	"degraded":       {"ready, the line is bad", "就绪，线路质量差"},
	"unpaired":       {"not paired", "未配对"},
	"locked":         {"pairing refused", "配对被拒绝"},
	"lost":           {"lost", "已断开"},

	"none":           {"none", "无"},
	"logical":        {"logical", "逻辑删除"},
	"clear":          {"clear", "清除（clear）"},
	"purge":          {"purge", "净化（purge）"},
	"purge-asserted": {"purge, asserted", "净化（声明）"},
	"purge-verified": {"purge, verified", "净化（已验证）"},
}

// term is a fixed word in the language of the paper.
func (p *paper) term(word string) string {
	if w, ok := terms[word]; ok {
		return p.in(w)
	}
	return word
}
