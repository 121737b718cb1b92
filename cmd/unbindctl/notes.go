package main

import (
	"strconv"
	"strings"

	"unbindd/agent/local"
)

// noteWords is what ought to be known before an erasure, by the code that the
// daemon gives it. A code that is not here is shown in the daemon's own words.
var noteWords = map[string]words{
	"refused":      {"refused: {detail}", "被拒绝：{detail}"},
	"link":         {"a link or a file stands where a folder should be; nothing is erased through it", "路径中应为目录处是链接或文件，不会经由它擦除"},
	"other-mount":  {"another file system is mounted in it; it is not entered", "其中挂载了另一文件系统，不会进入"},
	"bound-mount":  {"another part of the file system is mounted in it; it is not entered", "其中绑定挂载了文件系统的另一部分，不会进入"},
	"no-rights":    {"this process has no right to: {detail}", "本进程无权限：{detail}"},
	"trouble":      {"it cannot be looked at: {detail}", "无法查看：{detail}"},
	"read-only":    {"the file system is mounted read-only", "文件系统以只读方式挂载"},
	"hard-links":   {"{n} files have another name; their content goes, that name stays", "{n} 个文件另有硬链接：内容将被擦除，另一名称保留"},
	"special":      {"{n} pipes, sockets or devices lose their names and are not opened", "{n} 个管道、套接字或设备节点只删除名称，不会打开"},
	"level":        {"{detail}", "达不到要求的级别：{detail}"},
	"immutable":    {"{n} files are immutable or append-only; the flag is taken away first", "{n} 个文件带有不可变或仅追加标志，将先取消"},
	"shared":       {"{n} files share blocks with another file or a snapshot, which stay", "{n} 个文件与其他文件或快照共用数据块，这些块保留"},
	"journalled":   {"{n} files have their content in the journal too, and it cannot be emptied", "{n} 个文件的内容也在日志区中，且无法清空"},
	"closed":       {"{n} files cannot be opened", "{n} 个文件无法打开"},
	"held":         {"{n} programs have files of it open", "{n} 个程序正打开其中的文件"},
	"writers":      {"{n} of them can write back what was erased", "其中 {n} 个可能把已擦除的内容写回"},
	"nameless":     {"{n} of them hold content that has no name any more; it is overwritten while they hold it", "其中 {n} 个持有已无名称的内容；将在其持有期间覆写"},
	"blind":        {"not every process may be asked what it has open", "无权查看所有进程打开的文件"},
	"journal-kept": {"the journal cannot be emptied and may keep names: {detail}", "日志区无法清空，可能留有文件名：{detail}"},
	"part":         {"the place is a part of a file system that is mounted elsewhere too", "该位置所在的文件系统也挂载在别处"},
	"overlay":      {"the place is an overlay; what lies in its lower layer stays", "该位置为叠加文件系统，下层内容保留"},

	"swap":          {"swap is on; what was in memory may be on its medium", "交换区已启用，内存内容可能已写入其介质"},
	"swap-in-ram":   {"swap is on in compressed memory; it goes with the power", "已启用内存压缩交换区，断电即失"},
	"swap-unseen":   {"it cannot be seen whether swap is on", "无法得知交换区是否启用"},
	"crash-dumps":   {"crash dumps are kept elsewhere: {detail}", "程序崩溃转储保存在别处：{detail}"},
	"journald":      {"journald runs and keeps the file open that it writes", "journald 正在运行，并一直打开正在写入的日志文件"},
	"logd-no-way":   {"the log of logd lies in another program's memory and cannot be reached", "logd 的日志在其他程序的内存中，无法触及"},
	"own-mounts":    {"the daemon sees another tree of files than the machine; what is hidden from it looks absent", "守护进程所见的文件树与整机不同，被隐藏的内容会显示为不存在"},
	"mounts-unseen": {"it cannot be seen whether the daemon sees the machine's own tree of files; what is hidden from it looks absent", "无法得知守护进程所见的文件树是否与整机相同，被隐藏的内容会显示为不存在"},
	"crash-files":   {"a crash is written into the folder that the program ran in: {detail}", "程序崩溃转储写入该程序的运行目录：{detail}"},
	"no-raw":        {"the medium itself cannot be opened: {detail}; nothing is read back from it, and no needle is looked for", "无法打开介质设备：{detail}；不做介质回读，也不查找标记"},
	"slots-unseen":  {"the reader does not list its key slots now; all of the profile's types are erased", "读卡器目前未列出密钥槽；方案所列类型将全部擦除"},
	"hibernation":   {"the machine can hibernate; its memory may be on the medium", "本机可休眠，内存内容可能在介质上"},

	"locked":         {"an encrypted folder is locked: its names cannot be read", "已加密的文件夹处于锁定状态，无法读取其中的名称"},
	"swap-encrypted": {"swap is on under encryption; what was in memory may be on its medium, under a key that is not ours", "加密交换区已启用，内存内容可能已写入其介质，其密钥不由本机管理"},
}

// note is one of them in the language of the paper.
func (p *paper) note(n local.Note) string {
	w, ok := noteWords[n.Code]
	if !ok {
		return n.Text
	}
	text := strings.NewReplacer("{n}", strconv.FormatInt(n.N, 10), "{detail}", n.Detail).Replace(p.in(w))
	return strings.TrimRight(text, ":： ") // a certificate has the code alone
}
