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
	{"E01", "envelope_too_large", two("The file is larger than a command may be.", "Get the command again from the desk; do not edit it."),
		two("文件超过指令允许的大小。", "请从后台重新获取指令，不要修改。")},
	{"E02", "envelope_malformed", two("The file is not a whole, strict envelope.", "Copy or scan it again; it was changed on the way."),
		two("文件不是完整、严格的信封。", "请重新拷贝或扫描，文件在途中被改动。")},
	{"E03", "type_not_accepted", two("The envelope is of a kind that is not accepted here.", "Check that this is the file meant for this step."),
		two("信封类型在此处不被接受。", "请确认文件与当前步骤相符。")},
	{"E04", "no_known_key", two("No signature is by a key this terminal trusts.", "Load the newer trust bundles of the desk first, then the command again."),
		two("没有一个签名来自本终端信任的密钥。", "请先载入后台较新的信任包，再载入指令。")},
	{"E05", "threshold_not_met", two("The signatures do not satisfy the rule for this kind.", "Let the missing role sign, a different person for each role."),
		two("签名不满足该类型的规则。", "请由缺少的角色签名，每个角色须由不同的人担任。")},
	{"E06", "payload_not_canonical", two("The signed text is not in its one canonical form.", "Have it issued again by the desk's own tool."),
		two("已签名内容不是唯一规范形式。", "请用后台工具重新签发。")},
	{"E07", "version_not_supported", two("This version or action is not known to this software.", "Update the software of the terminal, then load it again."),
		two("本软件不支持该版本或动作。", "请升级终端软件后重新载入。")},
	{"E08", "trust_version_differs", two("The command was made for another version of the trust bundle.", "Load the trust bundles up to that version, or have the command issued again."),
		two("指令对应的信任包版本不同。", "请载入至该版本的信任包，或重新签发指令。")},
	{"E09", "not_for_this_terminal", two("The command is for another terminal or another device key.", "Check the terminal number; use the command made for this one."),
		two("指令属于另一台终端或另一设备密钥。", "请核对终端号，使用为本终端签发的指令。")},
	{"E10", "stale_enrolment", two("The command belongs to a former enrolment of this terminal.", "Have a command issued for the present enrolment."),
		two("指令属于本终端以前的一次登记。", "请按当前登记重新签发指令。")},
	{"E11", "replayed", two("This command was used before, or a later one was.", "Nothing was done; have a new command issued if one is needed."),
		two("该指令已被使用，或已有更新的指令。", "未执行任何操作；如有需要请签发新指令。")},
	{"E12", "challenge_mismatch", two("The command answers another challenge than the one outstanding.", "Show the challenge again and have the command made for it."),
		two("指令对应的挑战码不是当前挑战码。", "请重新显示挑战码并据此签发指令。")},
	{"E13", "expired", two("The command's time is over.", "Have it issued again."),
		two("指令已过期。", "请重新签发。")},
	{"E14", "not_yet_valid", two("The command is not valid yet.", "Wait until its time begins, or check the clock at the desk."),
		two("指令尚未生效。", "请等待生效时间，或核对后台时钟。")},
	{"E15", "clock_unknown", two("The terminal's clock cannot be trusted, and the command answers no challenge.", "Show a challenge and have the command made for it."),
		two("终端时钟不可信，且指令未对应挑战码。", "请显示挑战码并据此签发指令。")},
	{"E16", "trust_step_rejected", two("A trust bundle could not be taken over.", "Load every version in order, from the one this terminal has."),
		two("信任包无法接受。", "请从终端现有版本起按顺序载入每个版本。")},
	{"E17", "policy_refused", two("The terminal's own rules refuse this command.", "Mend the named cause, or have the command issued differently."),
		two("终端自身规则拒绝该指令。", "请消除所述原因，或另行签发指令。")},
	{"E18", "journal_failed", two("The terminal could not write the command down.", "Free some space or check the medium, then load it again."),
		two("终端无法记录该指令。", "请释放空间或检查存储后重新载入。")},
	{"E19", "case_open", two("Another command is running on this terminal.", "Wait for it, or cancel it while that is still possible."),
		two("本终端正在执行另一指令。", "请等待其完成，或在可撤销前撤销。")},
	{"E20", "binding_changed", two("The command names another binding than the present one.", "Have a command issued for the present binding."),
		two("指令所指绑定与当前绑定不同。", "请按当前绑定重新签发指令。")},
	{"E21", "reader_changed", two("Another card reader is connected than the bound one.", "Connect the reader that belongs to this terminal."),
		two("连接的读卡器不是绑定的读卡器。", "请连接属于本终端的读卡器。")},
	{"E22", "gate_not_met", two("A condition before the point of no return does not hold.", "Mend the named condition; nothing was erased and the terminal trades again."),
		two("不可撤销点之前的一项条件不满足。", "请解决所述条件；未擦除任何内容，终端恢复交易。")},
	{"E23", "after_point_of_no_return", two("The point of no return has been crossed; this cannot be cancelled any more.", "Let the unbinding finish; follow it with the watch command."),
		two("已越过不可撤销点，无法撤销。", "请等待解绑完成，可用 watch 查看进度。")},
	{"E24", "receipt_rejected", two("A receipt of the desk does not say what this terminal needs.", "Nothing is erased; ask the desk to look at the named field."),
		two("后台回执与终端所需不符。", "未擦除任何内容；请后台检查所述字段。")},
	{"E25", "record_refused", two("The reader sent a record that must not be kept.", "Trading goes on; report the code to the maker of the payment application."),
		two("读卡器发送了不得保存的记录。", "交易继续；请将代码报告支付应用厂商。")},
	{"E26", "ledger_damaged", two("The ledger on disk cannot be read as it was written.", "Stop the daemon and run \"unbindd ledger check\"; \"unbindd ledger repair\" mends what can be mended without losing a record, the rest is for support."),
		two("磁盘上的账本无法按原样读取。", "请停止守护进程并运行 \"unbindd ledger check\"；\"unbindd ledger repair\" 可修复不丢失记录的损坏，其余请联系技术支持。")},
	{"E27", "no_space", two("There is not enough free space.", "Free some space; nothing was lost."),
		two("可用空间不足。", "请释放空间；没有数据丢失。")},
	{"E28", "no_such_case", two("It names something that is not here, or not any more.", "Check the name or the case number; a file goes to the terminal that it was made for."),
		two("所指对象不在此处，或已不存在。", "请核对名称或案件号；文件应在对应终端载入。")},
	{"E29", "ticket_rejected", two("The reader's ticket is not the one this erase needs.", "Nothing is erased; have a ticket made for the present challenge."),
		two("读卡器擦除票据不符合本次擦除。", "未擦除任何内容；请按当前挑战重新签发票据。")},
	{"E30", "enrolment_refused", two("The enrolment could not be accepted.", "Check the enrolment ticket and its anchor, and ask the desk for a new one."),
		two("登记未被接受。", "请核对登记票据及其锚定摘要，并向后台申请新票据。")},
	{"E31", "case_changed", two("The case has changed since it was looked at.", "Look at the case again, then decide anew."),
		two("案件在查看之后已有变化。", "请重新查看案件，再作决定。")},
	{"E32", "cap_reached", two("No more commands may be published today.", "Wait for the next day (UTC), or have another person sign; the caps are settings of the desk."),
		two("今日可签发的指令已达上限。", "请等到次日（UTC），或由另一人签署；上限是后台的设置。")},
	{"E33", "desk_clock", two("The desk is not sure of its clock.", "Set the clock of the desk's machine; where it is right, \"unbind-desk clock --accept\" says so."),
		two("后台不能确定自己的时钟。", "请校正后台机器的时钟；若时钟无误，请用 \"unbind-desk clock --accept\" 确认。")},
}

func two(sentence, next string) [2]string { return [2]string{sentence, next} }
