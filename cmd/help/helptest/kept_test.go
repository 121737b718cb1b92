package helptest

import (
	"strings"
	"testing"
)

// What stays in both languages is missed by name, and what is new in one too.
func TestWhatIsLostIsNamed(t *testing.T) {
	for _, c := range []struct{ english, chinese, says string }{
		{"write --out and read it", "写出并读取", "has lost the flag --out"},
		{"write it", "写出 --out", "has a flag that the English has not: --out"},
		{"as the desk's trust.json", "同后台的信任包文件", "has lost the file or setting trust.json"},
		{"outside erase.roots.", "在擦除根之外。", "has lost the file or setting erase.roots"},
		{"kept as seg-….db.damaged-1", "保留在旁", "has lost the file or setting db.damaged-1"},
		{"(reader.path=/dev/ttyS1)", "（reader.path=/dev/）", "has lost the path /dev/ttyS1"},
		{"by UNBINDCTL_LANG", "由环境变量", "has lost the variable UNBINDCTL_LANG"},
		{"FOLDER is the medium", "文件夹是介质", "has lost the placeholder FOLDER"},
		{"refused (E24:digest)", "被拒绝（E24）", "has lost the code E24:digest"},
		{"Ends with 6, or 7.", "以 6 结束。", "has lost the number 7"},
		{"Ends with 6.", "以 6 或 8 结束。", "has a number that the English has not: 8"},
		{"with unbind-desk open", "用后台的 open", "has lost the verb unbind-desk open"},
		{"the `file` of the command", "指令的文件", "has 0 names of a value between backquotes and not 1"},
		{"of kind \"end\" at last", "最后是结束", "has lost what is quoted, \"end\""},
		{"a broker, mqtts://host", "消息代理，主机", "has lost the address mqtts://"},
		{"takes %d of them", "取走若干", "has lost the argument %d"},
		{"Exit codes:\n  0  done\n  1  failed", "退出码：\n  0  完成，1 失败", "has 1 rows of a list and not 2"},
		{"the `file` of 3, --out in trust.json", "3 个的`文件`，--out 在 trust.json", ""},
	} {
		if got := strings.Join(missing(c.english, c.chinese), "; "); got != c.says && (c.says == "" || !strings.Contains(got, c.says)) {
			t.Errorf("%q, as %q, %s: %s", c.english, c.chinese, c.says, got)
		}
	}
}
