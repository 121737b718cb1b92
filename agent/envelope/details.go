package envelope

// details are the refusals of one code whose next step is not that of the code.
var details = []Meaning{
	{
		"E04:unsigned", "unsigned",
		two("Nobody has signed it.", "Have it signed by the people whom its rule names, each with a key of their own (\"unbind-desk sign\"); then hand it in again."),
		two("该文件没有任何签名。", "请由规则所列人员分别用各自的密钥签名（\"unbind-desk sign\"），然后重新提交。"),
	},
	{
		"E05:same-holder", "same_holder",
		two("One person stands in two places.", "Let another person sign, with a key of their own; nobody signs twice."),
		two("同一人占用了两个签名位置。", "请由另一人用其本人的密钥签名；任何人不得签名两次。"),
	},
	{
		"E05:role", "role_not_asked",
		two("The role of a signature is not asked for, or not any more.", "Let somebody of a role that is still missing sign the order without this signature: at the desk \"unbind-desk cases draft CASE --out FILE\" writes it, and tells the roles."),
		two("其中一个签名的角色并不需要，或已不再需要。", "请由仍缺的角色的人员签署不含此签名的指令：在后台执行 \"unbind-desk cases draft 案件 --out 文件\" 可写出该指令，并列出所缺角色。"),
	},
	{
		"E17:profile", "profile_refused",
		two("This terminal does not have the profile, or cannot use it.", "Load the profile that the trust in force names (\"unbind-desk trust export\" writes it, \"unbindctl load FILE\" takes it), or have the command issued for one of this terminal's: \"unbindctl plan\" names them, \"unbindctl plan --profile NAME\" shows one."),
		two("本终端没有该方案，或无法使用。", "请载入现行信任包所列的方案（由 \"unbind-desk trust export\" 写出，用 \"unbindctl load 文件\" 载入），或按本终端已有的方案重新签发指令：\"unbindctl plan\" 列出各方案，\"unbindctl plan --profile 方案名\" 显示其中之一。"),
	},
	{
		"E17:inventory", "inventory_refused",
		two("A place of the profile's inventory cannot be erased on this terminal.", "Type \"unbindctl plan --profile NAME\" here, with the profile that is named: it tells the path, what is in its way and the folder to name. Add that folder to erase.roots in the settings file (the service reads /etc/unbindd/unbindd.yaml) and start the daemon anew, mend what is in the way, or have the desk's operator change the profile."),
		two("方案的一个清点项无法在本终端擦除。", "请在本机运行 \"unbindctl plan --profile 方案名\"（方案名见上），它会列出路径、其障碍及应加入的文件夹。请将该文件夹加入设置文件（服务读取 /etc/unbindd/unbindd.yaml）的 erase.roots 并重启守护进程，或消除障碍，或请后台人员更改方案。"),
	},
	{
		"E28:case", "case_not_here",
		two("It belongs to a case that does not run here.", "See what runs here with \"unbindctl status\"; hand it in at the terminal whose case it is, while that runs."),
		two("它所属的案件不在本终端运行。", "请用 \"unbindctl status\" 查看正在运行的案件；请在对应终端、案件运行期间提交。"),
	},
	{
		"E28:not-bound", "not_bound",
		two("This terminal is bound to nobody.", "Nothing was done. To bind it, stop the daemon, run \"unbindd enrol\" with a ticket of the desk, and start the daemon again."),
		two("本终端未登记。", "未执行任何操作。如需登记，请停止守护进程，用后台票据运行 \"unbindd enrol\"，再启动守护进程。"),
	},
	{
		"E28:certificate", "no_certificate",
		two("There is no certificate here now.", "It is signed after the erase and kept at the desk: \"unbind-desk cases export\" hands it out."),
		two("此处目前没有证书。", "证书在擦除后签署并保存在后台，可用 \"unbind-desk cases export\" 导出。"),
	},
	{
		"E28:recipients", "no_such_set",
		two("The trust has no recipient set of that name.", "Give --recipients one of the names that are told; who is in a set, the trust bundle says."),
		two("信任包中没有该名称的接收方集合。", "请用 --recipients 指定所列名称之一；集合成员见信任包。"),
	},
	{
		"E26:cut-short", "ledger_cut_short",
		two("A file of the ledger is cut short; the records behind the cut may be lost.", "Stop the daemon and run \"unbindd ledger check\": it names the records that are lost. \"unbindd ledger repair\" helps where none is; \"unbindd ledger export\" saves the others."),
		two("账本的一个文件被截短，截断处之后的记录可能丢失。", "请停止守护进程并运行 \"unbindd ledger check\"，它会列出丢失的记录；若无丢失可用 \"unbindd ledger repair\" 修复，其余记录可用 \"unbindd ledger export\" 保存。"),
	},
	{
		"E26:segment-gone", "ledger_segment_gone",
		two("A file of the ledger is gone, and the records in it with it.", "Stop the daemon and put the file back where it was (\"unbindd ledger check\" names it); if it is nowhere, save the others with \"unbindd ledger export\" and call support."),
		two("账本的一个文件不存在，其中的记录随之丢失。", "请停止守护进程并将该文件放回原处（\"unbindd ledger check\" 会列出它）；若已无法找回，请用 \"unbindd ledger export\" 保存其余记录并联系技术支持。"),
	},
	{
		"E26:end-gone", "ledger_end_gone",
		two("The end of the ledger is gone, and the records in it with it.", "Stop the daemon and put the newest file of the ledger back (\"unbindd ledger check\" names the records); if it is nowhere, save the others with \"unbindd ledger export\" and call support."),
		two("账本的末尾缺失，其中的记录随之丢失。", "请停止守护进程并放回账本最新的文件（\"unbindd ledger check\" 会列出记录）；若已无法找回，请用 \"unbindd ledger export\" 保存其余记录并联系技术支持。"),
	},
	{
		"E26:all-gone", "ledger_all_gone",
		two("The whole ledger is gone, and every record in it with it.", "Stop the daemon and put the folder \"ledger\" back into the state directory; leave a folder \"ledger-beside-1\" as it is, the terminal takes over what is in it. If it is nowhere, the desk can only take the terminal out of service with the gate \"none\", signed by three people."),
		two("整个账本不存在，其中的全部记录随之丢失。", "请停止守护进程并将 \"ledger\" 文件夹放回状态目录；\"ledger-beside-1\" 文件夹请保持原样，终端会自行接收其中的记录。若已无法找回，后台只能以三人签署、备份条件为 \"none\" 的指令将本终端解绑。"),
	},
	{
		"E26:foreign", "ledger_foreign",
		two("A file under a name of the ledger is no part of this terminal's ledger.", "Stop the daemon and put this terminal's own file back (\"unbindd ledger check\" names it); if it is nowhere, save the others with \"unbindd ledger export\" and call support."),
		two("账本名下的一个文件不属于本终端的账本。", "请停止守护进程并放回本终端自己的文件（\"unbindd ledger check\" 会列出它）；若已无法找回，请用 \"unbindd ledger export\" 保存其余记录并联系技术支持。"),
	},
}
