package envelope

// details are the refusals of one code whose next step is not that of the code.
var details = []Meaning{
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
