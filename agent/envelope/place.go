package envelope

import "strings"

// Place is where a code is told. The same refusal asks different things of different
// people: who publishes a command cannot load trust bundles into a terminal.
type Place string

// The places that have words of their own for some codes; everywhere else those of
// the code count, which are for whoever stands at the terminal.
const (
	AtTerminal  Place = ""
	AtDesk      Place = "desk"      // publishing, issuing, signing, the console
	AtEnrolment Place = "enrolment" // a terminal that is being bound
	AtPlan      Place = "plan"      // the dry run, which names what is in the way
	AtVerify    Place = "verify"    // files checked without a daemon
)

// MeaningAt is MeaningOf in the words of a place, where it has any for the code. What is
// said of a detail is closer than what a place says of the bare code; a place that means
// its bare words for a detail, too, has a row for that.
func MeaningAt(at Place, code string) (Meaning, bool) {
	if m, ok := among(placed[at], code); ok {
		return m, true
	}
	if m, ok := among(details, code); ok {
		return m, true
	}
	bare, _, _ := strings.Cut(code, ":")
	if m, ok := among(placed[at], bare); ok {
		return m, true
	}
	return MeaningOf(code)
}

func among(all []Meaning, code string) (Meaning, bool) {
	for _, m := range all {
		if m.Code == code {
			return m, true
		}
	}
	return Meaning{}, false
}

// like is the meaning of a bare code of a place, for one of its details, too.
func (m Meaning) like(detail string) Meaning {
	m.Code += ":" + detail
	return m
}

// The bare words of a place that count for details, too.
var (
	deskPolicy = Meaning{
		"E17", "policy_refused",
		two("The order does not fit its profile, or what it refers to.", "Issue it as the profile allows; what does not fit is named."),
		two("指令与其方案或所引用的内容不符。", "请按方案允许的内容签发；不符之处已列明。"),
	}
	deskCase = Meaning{
		"E28", "no_such_case",
		two("It names something that this desk does not have, or not in that state.", "Check the name; \"unbind-desk cases list\" has the cases with their states."),
		two("所指对象不在本后台，或状态不符。", "请核对名称；\"unbind-desk cases list\" 列出各案件及其状态。"),
	}
	enrolUnknown = Meaning{
		"E04", "no_known_key",
		two("What the desk sent is not signed by a key of its trust.", "Nothing was bound. Have the desk's operator look at it, and make a new ticket."),
		two("后台发来的内容没有由其信任包中的密钥签名。", "尚未登记。请后台人员检查，并重新开具票据。"),
	}
	enrolThreshold = Meaning{
		"E05", "threshold_not_met",
		two("What the desk sent is not signed as its own rules demand.", "Nothing was bound. Have the desk's operator look at it, and make a new ticket."),
		two("后台发来的内容未按其自身规则签名。", "尚未登记。请后台人员检查，并重新开具票据。"),
	}
	enrolPolicy = Meaning{
		"E17", "policy_refused",
		two("A profile of the desk does not hold under its own trust.", "Nothing was bound. Have the profile signed anew and published at the desk, then enrol with the same ticket."),
		two("后台的一个方案在其信任包下无效。", "尚未登记。请在后台重新签名并发布该方案，然后用同一票据登记。"),
	}
)

var placed = map[Place][]Meaning{
	AtDesk: {
		{
			"E01", "envelope_too_large",
			two("The file is larger than such a file may be.", "Take the file as the tool wrote it, unchanged; \"unbind-desk cases draft CASE --out FILE\" writes an order anew."),
			two("文件超过此类文件允许的大小。", "请使用工具写出的原文件，不要修改；\"unbind-desk cases draft 案件 --out 文件\" 可重新写出指令。"),
		},
		{
			"E02", "envelope_malformed",
			two("The file is not a whole, strict envelope.", "Take the file as the tool wrote it, unchanged; \"unbind-desk cases draft CASE --out FILE\" writes an order anew."),
			two("文件不是完整、严格的信封。", "请使用工具写出的原文件，不要修改；\"unbind-desk cases draft 案件 --out 文件\" 可重新写出指令。"),
		},
		{
			"E03", "type_not_accepted",
			two("The file is of a kind that is not accepted here.", "Give the file that the verb asks for: --help behind the verb names the kinds."),
			two("该类型的文件在此处不被接受。", "请给出该动词所需的文件：在动词后加 --help 可查看各类型。"),
		},
		{
			"E05", "threshold_not_met",
			two("The signatures do not satisfy the rule for this kind.", "Let a person of the missing role sign it (\"unbind-desk sign --key KEY.pem --trust trust.json FILE\" tells who is missing), a different person for each role."),
			two("签名不满足该类型的规则。", "请由缺少的角色的人员签署（\"unbind-desk sign --key KEY.pem --trust trust.json 文件\" 会说明还缺谁），每个角色须由不同的人担任。"),
		},
		{
			"E06", "payload_not_canonical",
			two("The signed text is not in its one canonical form.", "Have it written anew with \"unbind-desk issue\" (a trust with \"unbind-desk trust draft\") and signed; nobody edits such a file."),
			two("已签名内容不是唯一规范形式。", "请用 \"unbind-desk issue\"（信任包用 \"unbind-desk trust draft\"）重新写出并签署；此类文件不得编辑。"),
		},
		{
			"E08", "trust_version_differs",
			two("It was made for another version of the trust bundle than the one in force.", "Issue it anew (\"unbind-desk issue\") and have it signed; \"unbind-desk cases withdraw CASE\" ends the draft."),
			two("它对应的信任包版本不是现行版本。", "请重新签发（\"unbind-desk issue\"）并签署；\"unbind-desk cases withdraw 案件\" 可将旧草稿作废。"),
		},
		{
			"E09", "not_for_this_terminal",
			two("It is for another terminal or another device key.", "Compare the terminal's number (\"unbind-desk cases list --terminal TERMINAL\"), and issue it for the right one."),
			two("它属于另一台终端或另一设备密钥。", "请核对终端号（\"unbind-desk cases list --terminal 终端\"），并为正确的终端签发。"),
		},
		{
			"E10", "stale_enrolment",
			two("It belongs to a former enrolment of the terminal.", "Issue it anew (\"unbind-desk issue\"): the desk fills in the present enrolment."),
			two("它属于该终端以前的一次登记。", "请重新签发（\"unbind-desk issue\"）：后台会填入当前登记。"),
		},
		{
			"E13", "expired",
			two("Its time is over.", "Issue it anew (\"unbind-desk issue\") and have it signed."),
			two("它已过期。", "请重新签发（\"unbind-desk issue\"）并签署。"),
		},
		{
			"E24", "receipt_rejected",
			two("A receipt, or what it stands for, does not hold.", "Do not go on with the case. Keep what there is (\"unbind-desk cases export CASE --out FOLDER\"), and have what is named above looked at by another person than the one who made it."),
			two("回执或其所对应的内容不成立。", "请勿继续处理该案件。请保留现有内容（\"unbind-desk cases export 案件 --out 文件夹\"），并由制作者以外的人检查上述内容。"),
		},
		{
			"E29", "ticket_rejected",
			two("The ticket is not the one that this erase needs.", "Sign one for the newest manifest of the case: \"unbind-desk tickets\" does that by itself, \"unbind-desk ticket\" from files."),
			two("票据不符合本次擦除。", "请按案件最新的清单签署票据：\"unbind-desk tickets\" 会自动完成，\"unbind-desk ticket\" 用文件签署。"),
		},
		{
			"E30", "enrolment_refused",
			two("The enrolment could not be accepted.", "Make a new ticket (\"unbind-desk enrol\"), and tell the terminal's technician its anchor over another way."),
			two("登记未被接受。", "请重新开具票据（\"unbind-desk enrol\"），并通过其他途径将锚点告知终端的技术人员。"),
		},
		{
			"E04", "no_known_key",
			two("No signature is by a key of the trust in force.", "Have it signed with keys that the trust in force names (\"unbind-desk trust show\"), or publish the newer trust first."),
			two("没有一个签名来自现行信任包中的密钥。", "请用现行信任包所列的密钥签名（\"unbind-desk trust show\"），或先发布较新的信任包。"),
		},
		{
			"E16", "trust_step_rejected",
			two("The trust bundle cannot be taken over, for the reason named.", "Draft the next version from the one in force (\"unbind-desk trust draft\"), have it signed, and publish the versions in order."),
			two("信任包因所述原因无法接受。", "请从现行版本起草下一版本（\"unbind-desk trust draft\"），签名后按顺序发布。"),
		},
		deskPolicy, deskPolicy.like("profile"), deskPolicy.like("inventory"),
		deskCase, deskCase.like("case"), deskCase.like("certificate"),
		{
			"E28:profile", "no_such_profile",
			two("This desk has no profile of that name.", "Take one of those that are named, or publish the profile first."),
			two("本后台没有该名称的方案。", "请使用所列方案之一，或先发布该方案。"),
		},
		{
			"E28:terminal", "no_such_terminal",
			two("No terminal of that name is enrolled at this desk.", "Check the terminal number; a terminal that is not enrolled yet needs a ticket (\"unbind-desk enrol\")."),
			two("本后台没有登记该终端号的终端。", "请核对终端号；尚未登记的终端需先开具票据（\"unbind-desk enrol\"）。"),
		},
	},
	AtEnrolment: {
		enrolUnknown, enrolUnknown.like("unsigned"),
		enrolThreshold, enrolThreshold.like("same-holder"),
		{
			"E16", "trust_step_rejected",
			two("The trust that the desk sent does not follow from the anchor of the ticket.", "Nothing was bound. Compare the anchor with the desk's operator over another way, and have a new ticket made."),
			two("后台发来的信任包与票据的锚点不符。", "尚未登记。请通过其他途径与后台人员核对锚点，并重新开具票据。"),
		},
		enrolPolicy, enrolPolicy.like("profile"),
		{
			"E19", "case_open",
			two("The last unbinding of this terminal has not ended.", "Start the daemon and let it end (\"unbindctl watch\"); then stop it and enrol."),
			two("本终端上一次解绑尚未结束。", "请启动守护进程并等待其完成（\"unbindctl watch\"），然后停止守护进程再登记。"),
		},
		{
			"E19:bound", "bound",
			two("This terminal is bound already.", "Have it unbound by a signed command first; for another merchant it is enrolled after that."),
			two("本终端已登记。", "请先以已签名的指令解绑，之后才能为其他商户登记。"),
		},
	},
	AtPlan: {
		{
			"E17:inventory", "inventory_refused",
			two("A place of the profile's inventory cannot be erased on this terminal.", "Add the folder that is named to erase.roots in the settings file (the service reads /etc/unbindd/unbindd.yaml) and start the daemon anew, mend what is in the way, or have the desk's operator change the profile."),
			two("方案的一个清点项无法在本终端擦除。", "请将所列文件夹加入设置文件（服务读取 /etc/unbindd/unbindd.yaml）的 erase.roots 并重启守护进程，或消除障碍，或请后台人员更改方案。"),
		},
	},
	AtVerify: {
		{
			"E04", "no_known_key",
			two("No signature is by a key of the trust bundles or the binding that were given.", "Give every bundle up to the version that it was signed under, and see that each file is of this case."),
			two("没有一个签名来自所给信任包或绑定中的密钥。", "请提供至其签名版本为止的全部信任包，并确认各文件属于该案件。"),
		},
		{
			"E04:unsigned", "unsigned",
			two("Nobody has signed it.", "It proves nothing. Get the file anew from whoever keeps it, with its signatures."),
			two("该文件没有任何签名。", "它不能证明任何内容。请向保管方重新索取带签名的文件。"),
		},
		{
			"E16", "trust_step_rejected",
			two("The trust bundles do not follow from the anchor.", "Give all of them, from version 1 on, and the anchor that you were told by another way."),
			two("信任包与锚点不符。", "请提供自第 1 版起的全部信任包，以及通过其他途径得知的锚点。"),
		},
	},
}
