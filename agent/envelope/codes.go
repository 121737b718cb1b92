package envelope

import "strings"

// Language of a sentence for a person.
type Language string

// The languages every code is told in.
const (
	English Language = "en"
	Chinese Language = "zh"
)

// Meaning is what a code says to a person: one sentence, one next step.
type Meaning struct {
	Code string // E01 ...
	Name string // envelope_too_large ...
	en   [2]string
	zh   [2]string
}

// Sentence tells what happened; English where the language is unknown.
func (m Meaning) Sentence(l Language) string { return m.pick(l)[0] }

// Next tells what to do now.
func (m Meaning) Next(l Language) string { return m.pick(l)[1] }

func (m Meaning) pick(l Language) [2]string {
	if l == Chinese {
		return m.zh
	}
	return m.en
}

// MeaningOf finds the meaning of a code, with or without its detail. A detail that
// wants a sentence and a next step of its own has them in details.go.
func MeaningOf(code string) (Meaning, bool) {
	for _, m := range details {
		if m.Code == code {
			return m, true
		}
	}
	code, _, _ = strings.Cut(code, ":")
	for _, m := range Codes {
		if m.Code == code {
			return m, true
		}
	}
	return Meaning{}, false
}

// Codes lists every code there is; codes are added, never reused or renumbered.
var Codes = []Meaning{
	{"E01", "envelope_too_large", two("The file is larger than a command may be.", "Get the file again from the desk's operator, unchanged, and load it: unbindctl load FILE."),
		two("文件超过指令允许的大小。", "请向后台人员重新索取未经修改的文件，然后载入：unbindctl load 文件。")},
	{"E02", "envelope_malformed", two("The file is not a whole, strict envelope.", "Copy or scan it again, for it was changed on the way, and load it: unbindctl load FILE. If it is refused again, call the desk's operator."),
		two("文件不是完整、严格的信封。", "请重新拷贝或扫描（文件在途中被改动），然后载入：unbindctl load 文件。若再次被拒绝，请联系后台人员。")},
	{"E03", "type_not_accepted", two("The envelope is of a kind that is not accepted here.", "Take the file that is meant for this step (\"unbindctl load --help\" names the kinds). If it is that one, call the desk's operator."),
		two("信封类型在此处不被接受。", "请使用与当前步骤相符的文件（\"unbindctl load --help\" 列出各类型）。若文件无误，请联系后台人员。")},
	{"E04", "no_known_key", two("No signature is by a key this terminal trusts.", "Ask the desk's operator for the newer trust bundles (\"unbind-desk trust export\"), load that file with \"unbindctl load FILE\", then the command again."),
		two("没有一个签名来自本终端信任的密钥。", "请向后台人员索取较新的信任包（\"unbind-desk trust export\"），用 \"unbindctl load 文件\" 载入，再载入指令。")},
	{"E05", "threshold_not_met", two("The signatures do not satisfy the rule for this kind.", "Call the desk's operator: a person of the missing role signs it (\"unbind-desk sign\"), a different person for each role. Then load it again."),
		two("签名不满足该类型的规则。", "请联系后台人员：由缺少的角色的人员签署（\"unbind-desk sign\"），每个角色须由不同的人担任。然后重新载入。")},
	{"E06", "payload_not_canonical", two("The signed text is not in its one canonical form.", "Call the desk's operator: it has to be issued anew with the desk's own tool (\"unbind-desk issue\")."),
		two("已签名内容不是唯一规范形式。", "请联系后台人员：须用后台自己的工具重新签发（\"unbind-desk issue\"）。")},
	{"E07", "version_not_supported", two("This version or action is not known to this software.", "Have the software of the terminal updated (\"unbindctl version\" tells which it is), then load it again."),
		two("本软件不支持该版本或动作。", "请升级终端软件（用 \"unbindctl version\" 查看当前版本），然后重新载入。")},
	{"E08", "trust_version_differs", two("The command was made for another version of the trust bundle.", "Load the trust bundles up to that version (\"unbind-desk trust export\" writes them, \"unbindctl load FILE\" takes them), or have the command issued anew at the desk."),
		two("指令对应的信任包版本不同。", "请载入至该版本的信任包（由 \"unbind-desk trust export\" 写出，用 \"unbindctl load 文件\" 载入），或请后台重新签发指令。")},
	{"E09", "not_for_this_terminal", two("The command is for another terminal or another device key.", "Compare the terminal's number with \"unbindctl status\", and load the command that was made for this one."),
		two("指令属于另一台终端或另一设备密钥。", "请用 \"unbindctl status\" 核对终端号，载入为本终端签发的指令。")},
	{"E10", "stale_enrolment", two("The command belongs to a former enrolment of this terminal.", "Call the desk's operator for a command for the present enrolment (\"unbindctl status\" tells it)."),
		two("指令属于本终端以前的一次登记。", "请联系后台人员，按当前登记重新签发指令（用 \"unbindctl status\" 查看登记号）。")},
	{"E11", "replayed", two("This command was used before, or a later one was.", "Nothing was done. See what became of it with \"unbindctl status\"; if an unbinding is still wanted, call the desk's operator for a new command."),
		two("该指令已被使用，或已有更新的指令。", "未执行任何操作。请用 \"unbindctl status\" 查看其结果；如仍需解绑，请联系后台人员签发新指令。")},
	{"E12", "challenge_mismatch", two("The command answers another challenge than the one outstanding.", "Type \"unbindctl challenge\" and have the desk's operator issue the command for what it shows (--challenge)."),
		two("指令对应的挑战码不是当前挑战码。", "请运行 \"unbindctl challenge\"，请后台人员按所示挑战码签发指令（--challenge）。")},
	{"E13", "expired", two("The command's time is over.", "Call the desk's operator: it has to be issued anew, or for a challenge of this terminal (\"unbindctl challenge\")."),
		two("指令已过期。", "请联系后台人员重新签发，或按本终端的挑战码签发（\"unbindctl challenge\"）。")},
	{"E14", "not_yet_valid", two("The command is not valid yet.", "Wait until its time begins, then load it again. If that has come already, let the desk's operator check the desk's clock."),
		two("指令尚未生效。", "请等到生效时间后重新载入。若时间已到，请后台人员核对后台时钟。")},
	{"E15", "clock_unknown", two("The terminal's clock cannot be trusted, and the command answers no challenge.", "Type \"unbindctl challenge\" and have the desk's operator issue the command for what it shows (--challenge)."),
		two("终端时钟不可信，且指令未对应挑战码。", "请运行 \"unbindctl challenge\"，请后台人员按所示挑战码签发指令（--challenge）。")},
	{"E16", "trust_step_rejected", two("A trust bundle could not be taken over.", "Ask the desk's operator for every version after the one that \"unbindctl status\" tells (\"unbind-desk trust export --from VERSION\"), and load that file."),
		two("信任包无法接受。", "请用 \"unbindctl status\" 查看现有信任包版本，向后台人员索取其后的每个版本（\"unbind-desk trust export --from 版本\"），然后载入该文件。")},
	{"E17", "policy_refused", two("The terminal's own rules refuse this command.", "Mend what is named above; \"unbindctl plan --profile NAME\" shows what else stands in the way. If it is not in your hands, call the desk's operator for a command that fits."),
		two("终端自身规则拒绝该指令。", "请解决上述问题；用 \"unbindctl plan --profile 方案名\" 查看其他障碍。若您无法解决，请联系后台人员签发相符的指令。")},
	{"E18", "journal_failed", two("The terminal could not write the command down.", "Free some space (\"df -h\" shows it) or check the medium, then load it again; if it fails again, call support."),
		two("终端无法记录该指令。", "请释放空间（用 \"df -h\" 查看）或检查存储，然后重新载入；若再次失败，请联系技术支持。")},
	{"E19", "case_open", two("Another command is running on this terminal.", "Wait for it (\"unbindctl watch\"), or end it with a signed cancel (\"unbindctl cancel FILE\") while the point of no return is not crossed."),
		two("本终端正在执行另一指令。", "请等待其完成（\"unbindctl watch\"），或在越过不可撤销点之前用已签署的取消指令结束它（\"unbindctl cancel 文件\"）。")},
	{"E20", "binding_changed", two("The command names another binding than the present one.", "Call the desk's operator for a command for the present binding."),
		two("指令所指绑定与当前绑定不同。", "请联系后台人员，按当前绑定重新签发指令。")},
	{"E21", "reader_changed", two("Another card reader is connected than the bound one.", "Connect the reader that is bound; \"unbindctl reader status\" names both. If that one is broken, call the desk's operator for an amendment (reader-absent)."),
		two("连接的读卡器不是绑定的读卡器。", "请连接所绑定的读卡器；\"unbindctl reader status\" 会列出两者。若该读卡器已损坏，请联系后台人员签发修正指令（reader-absent）。")},
	{"E22", "gate_not_met", two("A condition before the point of no return does not hold.", "Mend the named condition; nothing was erased and the terminal trades again. Then call the desk's operator for a new command: this one is used."),
		two("不可撤销点之前的一项条件不满足。", "请解决所述条件；未擦除任何内容，终端恢复交易。然后请后台人员签发新指令：本指令已用过。")},
	{"E23", "after_point_of_no_return", two("The point of no return has been crossed; this cannot be cancelled any more.", "Let the unbinding finish; follow it with \"unbindctl watch\"."),
		two("已越过不可撤销点，无法取消。", "请等待解绑完成，可用 \"unbindctl watch\" 查看进度。")},
	{"E24", "receipt_rejected", two("A receipt of the desk does not say what this terminal needs.", "Nothing is erased. Call the desk's operator and tell the code and what is named above."),
		two("后台回执与终端所需不符。", "未擦除任何内容。请联系后台人员，告知代码和上述内容。")},
	{"E25", "record_refused", two("The reader sent a record that must not be kept.", "Trading goes on; report the code to the maker of the payment application."),
		two("读卡器发送了不得保存的记录。", "交易继续；请将代码报告支付应用厂商。")},
	{"E26", "ledger_damaged", two("The ledger on disk cannot be read as it was written.", "Stop the daemon and run \"unbindd ledger check\"; \"unbindd ledger repair\" mends what can be mended without losing a record, the rest is for support."),
		two("磁盘上的账本无法按原样读取。", "请停止守护进程并运行 \"unbindd ledger check\"；\"unbindd ledger repair\" 可修复不丢失记录的损坏，其余请联系技术支持。")},
	{"E27", "no_space", two("There is not enough free space.", "Free some space on the medium of the state directory (\"df -h\" shows it), then try again; nothing was lost."),
		two("可用空间不足。", "请在状态目录所在的存储上释放空间（用 \"df -h\" 查看），然后重试；没有数据丢失。")},
	{"E28", "no_such_case", two("It names something that is not here, or not any more.", "Compare the name or the case number with \"unbindctl status\"; a file goes to the terminal that it was made for."),
		two("所指对象不在此处，或已不存在。", "请用 \"unbindctl status\" 核对名称或案件号；文件应在对应终端载入。")},
	{"E29", "ticket_rejected", two("The reader's ticket is not the one this erase needs.", "Nothing is erased. Call the desk's operator: the ticket signer has to sign for the reader's present challenge (\"unbind-desk tickets\" does that by itself)."),
		two("读卡器擦除票据不符合本次擦除。", "未擦除任何内容。请联系后台人员：票据须按读卡器当前的挑战码签署（\"unbind-desk tickets\" 会自动完成）。")},
	{"E30", "enrolment_refused", two("The enrolment could not be accepted.", "Compare the enrolment ticket and its anchor with the desk's operator, and ask for a new one (\"unbind-desk enrol\"); then type \"unbindd enrol --ticket FILE\" again."),
		two("登记未被接受。", "请与后台人员核对登记票据及其锚点，并申请新票据（\"unbind-desk enrol\"）；然后再次运行 \"unbindd enrol --ticket 文件\"。")},
	{"E31", "case_changed", two("The case has changed since it was looked at.", "Look at the case again (\"unbind-desk cases show CASE\"), then decide anew."),
		two("案件在查看之后已有变化。", "请重新查看案件（\"unbind-desk cases show 案件\"），再作决定。")},
	{"E32", "cap_reached", two("No more commands may be published today.", "Wait for the next day (UTC), or have another person sign; \"unbind-desk caps\" shows the caps and sets them."),
		two("今日可签发的指令已达上限。", "请等到次日（UTC），或由另一人签署；\"unbind-desk caps\" 可显示和设置上限。")},
	{"E33", "desk_clock", two("The desk is not sure of its clock.", "Set the clock of the desk's machine; where it is right, \"unbind-desk clock --accept\" says so."),
		two("后台不能确定自己的时钟。", "请校正后台机器的时钟；若时钟无误，请用 \"unbind-desk clock --accept\" 确认。")},
}

func two(sentence, next string) [2]string { return [2]string{sentence, next} }
