package serve

import (
	"time"

	"unbindd/agent/envelope"
)

// roomAgain is when who found no room comes again.
const roomAgain = 10 * time.Minute

// steps are what to do about refusals that only this desk gives, where the words of
// their code are about something else.
var steps = map[string]map[envelope.Language]string{
	"E27:space": {
		envelope.English: "Nothing is lost, and what was refused comes again by itself. Make room on the desk's disk, or lower --least-free.",
		envelope.Chinese: "未丢失任何内容，被拒的内容会自动重发。请在后台磁盘上腾出空间，或调低 --least-free。",
	},
	"E27:case": {
		envelope.English: "Nothing is lost, and it comes again by itself. Look what the terminal sends in this case; raise the bound (\"unbind-desk serve --help\") if it is right.",
		envelope.Chinese: "未丢失任何内容，会自动重发。请查看该终端在此案件中发送的内容；若属正常，请提高上限（\"unbind-desk serve --help\"）。",
	},
	tooLarge: {
		envelope.English: "Send less at once: an object has at most 256 KiB, a piece of a file 4 MiB, a file what \"unbind-desk serve --max-backup\" says.",
		envelope.Chinese: "请减少单次发送量：对象最大 256 KiB，文件分段最大 4 MiB，文件上限见 \"unbind-desk serve --max-backup\"。",
	},
	"E28:offset": {
		envelope.English: "Go on at the offset that Upload-Offset tells: so many bytes of the file are here.",
		envelope.Chinese: "请从 Upload-Offset 给出的偏移处继续：该文件已收到这么多字节。",
	},
	"E27:day": {
		envelope.English: "It comes again by itself, and is taken on the next day (UTC). Look why the terminal answers so often to what is no case.",
		envelope.Chinese: "会自动重发，并于次日（UTC）接收。请查明该终端为何频繁应答不属于任何案件的内容。",
	},
}

// tooLarge is what a body beyond its bound is called; E01 is about commands.
const tooLarge = "413"

// NextStep is what to do about a refusal of the desk's own; "" for every other.
func NextStep(code string, language envelope.Language) string { return steps[code][language] }
