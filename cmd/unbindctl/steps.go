package main

// stepNames are the steps of the plan as people read them, by the name they
// have in the API.
var stepNames = map[string]words{
	"check-papers":    {"check the papers", "核对文件材料"},
	"inspect":         {"inspect reader, power and media", "检查读卡器、电源与存储"},
	"freeze":          {"stop new sales", "停止收单"},
	"settle":          {"settle the open batch", "批结算"},
	"drain":           {"fetch what the reader still holds", "取回读卡器中的记录"},
	"seal-backup":     {"seal the backup", "密封备份"},
	"deliver-backup":  {"deliver the backup, wait for receipt", "送交备份并等待回执"},
	"await-successor": {"wait for the successor", "等待接替终端"},

	"erase-reader-keys":   {"erase the reader's keys", "擦除读卡器密钥"},
	"erase-keys":          {"erase the host's keys", "擦除主机密钥"},
	"erase-data":          {"erase the data", "擦除数据"},
	"remove-software":     {"remove the payment software", "卸载支付软件"},
	"verify-erased":       {"verify what was erased", "核验擦除结果"},
	"sign-certificate":    {"sign the certificate", "签署证书"},
	"deliver-certificate": {"deliver the certificate", "送交证书并等待回执"},
	"erase-identity":      {"erase the device's identity", "销毁设备身份"},
	"tombstone":           {"leave the tombstone", "留下墓碑"},
}

// stepColumns is enough for the longest name in either language.
const stepColumns = 36

// step is a step's name for people; an unknown one keeps the API's.
func (p *paper) step(name string) string {
	if w, ok := stepNames[name]; ok {
		return p.in(w)
	}
	return name
}

// noReturn is drawn between the reversible and the final steps.
var noReturn = words{"── no way back after this line ──", "── 此线之后不可撤回 ──"}
