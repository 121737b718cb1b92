package main

import (
	"strings"

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

	local.WarnSettings: {"the settings file lies in state_dir; it is left standing there when all else is erased. Move it to a folder such as /etc/unbindd",
		"设置文件位于 state_dir 内，擦除时会保留该文件；请将其移至 /etc/unbindd 等文件夹"},

	local.WarnBroker: {"the broker does not let this terminal in; it is asked again, and nothing is lost meanwhile. Have mqtt.user, mqtt.password_file and the terminal's certificate agree with the broker's own access list",
		"消息代理拒绝本终端接入；系统会持续重试，期间不会丢失任何内容。请核对 mqtt.user、mqtt.password_file 和终端证书是否与消息代理的访问控制列表一致"},
	"broker-password": {"broker-password", "消息代理的口令文件"},
	"for ever: no folder of erase.roots holds it; whoever installed it has to remove it": {"for ever: no folder of erase.roots holds it; whoever installed it has to remove it",
		"永久：它不在 erase.roots 之内，须由安装者自行删除"},
	"the broker asks for it until the last word is said, and it cannot be read now: want a plain file of mode 0600 with the password in it": {"the broker asks for it until the last word is said, and it cannot be read now: want a plain file of mode 0600 with the password in it",
		"送出最后一次报告之前消息代理都需要它，而目前无法读取：应为权限 0600 的普通文件，内含口令"},
	local.WarnForked: {"the desk has signed two logs that are not one; the receipts count. Keep what status --json shows under log.doubt and ask whoever runs the desk",
		"后台签署了两份互不延续的日志；回执仍然有效。请保存 status --json 中 log.doubt 的内容，并询问后台运营方"},
	local.WarnBehind: {"the desk's log is shorter than one that it has shown before; the receipts count. It may have been put back: ask whoever runs the desk",
		"后台的日志比先前出示的更短；回执仍然有效。日志可能被恢复到旧状态，请询问后台运营方"},
	local.WarnUnproven: {"a receipt came without a proof that the desk's log has it and continues what was shown before; the receipt counts",
		"有回执未附可成立的证明（后台日志收录该对象并延续先前出示的日志）；该回执仍然有效"},

	local.Todo:   {"to do", "待办"},
	local.Doing:  {"doing", "进行中"},
	local.Done:   {"done", "完成"},
	local.Undone: {"undone", "已撤回"},
	local.Open:   {"open", "未决"},

	"running":   {"running", "进行中"},
	"cancelled": {"cancelled", "已取消"},

	"accepted": {"accepted", "已接受"},
	"known":    {"known already", "此前已有"},
	"refused":  {"refused", "已拒绝"},

	"complete": {"complete", "全部完成"},
	"partial":  {"partial", "部分完成"},

	"rebind":     {"rebind", "解绑（rebind）"},
	"retire":     {"retire", "注销（retire）"},
	"replace":    {"replace", "换机（replace）"},
	"quarantine": {"quarantine", "隔离（quarantine）"},

	"trusted": {"trusted", "可信"},
	"floor":   {"known only to be not before a point", "仅知不早于某时刻"},
	"unknown": {"unknown", "未知"},

	"idle": {"idle", "空闲"},
	"up":   {"up", "已连接"},
	"down": {"down", "已断开"},

	"untried": {"not tried yet", "尚未尝试"},

	"command": {"command", "指令"},
	"order":   {"order", "指令"},
	"cancel":  {"cancel", "取消"},
	"amend":   {"amendment", "修正"},
	"close":   {"close", "关闭"},

	"envelope": {"envelope", "信封"},
	"profile":  {"profile", "方案"},
	"trust":    {"trust", "信任包"},
	"receipt":  {"receipt", "回执"},
	"ticket":   {"ticket", "票据"},
	"papers":   {"papers", "文件材料"},
	"bundle":   {"bundle", "文件包"},
	"file":     {"file", "文件"},

	"pass": {"pass", "通过"},
	"fail": {"FAIL", "未通过"},

	"operations": {"operations", "运营"},
	"security":   {"security", "安全"},
	"release":    {"release", "放行"},

	"erased":      {"erased", "已擦除"},
	"incomplete":  {"incomplete", "不完整"},
	"unverified":  {"unverified", "未能核验"},
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
	"tampered":  {"TAMPERED", "防拆已触发"},
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

	"binding": {"binding", "绑定"},
	"reader":  {"reader", "读卡器"},
	"events":  {"events", "事件"},
	"ledger":  {"ledger", "账本"},
	"power":   {"power", "电源"},
	"journal": {"journal", "执行日志"},

	"module-in-socket": {"module-in-socket", "卡座中的模块"},
	"remote-loading":   {"remote-loading", "远程装载密钥"},
	"reader-link":      {"reader-link", "与终端配对的密钥"},
	"record-signing":   {"record-signing", "签署擦除记录的密钥"},

	"holders-unseen":         {"holders-unseen", "无法得知有谁占用"},
	"mounts-unseen":          {"mounts-unseen", "无法得知完整的挂载"},
	"names":                  {"names", "名称"},
	"old-versions":           {"old-versions", "旧版本"},
	"old-versions-encrypted": {"old-versions-encrypted", "旧版本（已加密）"},
	"stale-flash":            {"stale-flash", "闪存残留"},
	"stale-flash-encrypted":  {"stale-flash-encrypted", "闪存残留（已加密）"},

	// Whole phrases of the daemon, where it has no code for them.
	"the recipient set that the command names":                            {"the recipient set that the command names", "指令所指的接收方集合"},
	"as the reader proves":                                                {"as the reader proves", "以读卡器的证明为准"},
	"key slots of the card reader":                                        {"key slots of the card reader", "读卡器密钥槽"},
	"retained keys of the reader":                                         {"retained keys of the reader", "读卡器中保留的密钥"},
	"its vendor root and remote loading; listed in the certificate":       {"its vendor root and remote loading; listed in the certificate", "厂商根密钥与远程装载密钥；列于证书"},
	"device key, binding, trust":                                          {"device key, binding, trust", "设备密钥、绑定、信任包"},
	"until the desk's receipt for the certificate":                        {"until the desk's receipt for the certificate", "直至后台出具证书回执"},
	"journal and outbox":                                                  {"journal and outbox", "执行日志与待发件"},
	"until the desk has seen the preimage":                                {"until the desk has seen the preimage", "直至后台收到揭示的随机数"},
	"for ever: the desk's receipt for the tombstone":                      {"for ever: the desk's receipt for the tombstone", "永久：后台对墓碑的回执"},
	"for ever: it needs no key and says that this terminal is unbound":    {"for ever: it needs no key and says that this terminal is unbound", "永久：无需密钥，表明本终端已解绑"},
	"have the terminal's medium looked at or destroyed, and sign a close": {"have the terminal's medium looked at or destroyed, and sign a close", "请检查或销毁终端存储介质，并签署关闭"},
	"a repaired reader, or a signed close":                                {"a repaired reader, or a signed close", "读卡器修复，或签署关闭"},
	"a signed close":                                                      {"a signed close", "签署关闭"},
	"a signed close, for less than was asked for":                         {"a signed close, for less than was asked for", "签署关闭（下列目标未达到要求）"},
	"receipt and ticket":                                                  {"receipt and ticket", "回执与票据"},
	"the desk, to reveal the preimage":                                    {"the desk, to reveal the preimage", "后台（以揭示随机数）"},
	"the papers that the command names":                                   {"the papers that the command names", "指令所列文件材料"},
	"the card reader":                                                     {"the card reader", "读卡器"},
	"an amendment that allows lost events, or a cancel":                   {"an amendment that allows lost events, or a cancel", "允许事件丢失的修正，或取消"},
	"the desk's receipt for the certificate":                              {"the desk's receipt for the certificate", "后台的证书回执"},

	"receipt and ticket; carry the courier's folder to the desk":                     {"receipt and ticket; carry the courier's folder to the desk", "回执与票据；请将携带介质的文件夹送至后台"},
	"the desk's receipt for the certificate; carry the courier's folder to the desk": {"the desk's receipt for the certificate; carry the courier's folder to the desk", "后台的证书回执；请将携带介质的文件夹送至后台"},
	"the desk, to reveal the preimage; carry the courier's folder to the desk":       {"the desk, to reveal the preimage; carry the courier's folder to the desk", "后台（以揭示随机数）；请将携带介质的文件夹送至后台"},

	"none":           {"none", "无"},
	"logical":        {"logical", "逻辑删除"},
	"clear":          {"clear", "清除（clear）"},
	"purge":          {"purge", "净化（purge）"},
	"purge-asserted": {"purge, asserted", "净化（声明）"},
	"purge-verified": {"purge, verified", "净化（已核验）"},
}

// term is a fixed word in the language of the paper.
func (p *paper) term(word string) string {
	if w, ok := terms[word]; ok {
		return p.in(w)
	}
	return word
}

// phrase is what the daemon says in a fixed phrase, perhaps with names behind a
// colon, in the language of the paper.
func (p *paper) phrase(text string) string {
	head, names, named := strings.Cut(text, ": ")
	if _, fixed := terms[head]; !fixed || !named {
		return p.term(text)
	}
	return p.term(head) + p.in(words{": ", "："}) + names
}

// all are fixed words one after the other.
func (p *paper) all(list []string) string {
	said := make([]string, len(list))
	for i, word := range list {
		said[i] = p.term(word)
	}
	return strings.Join(said, ", ")
}
