package wipe_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"unbindd/wipe"
)

const swapHeading = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"

// What keeps copies out of reach of any path is told by a code of its own, and
// what is not there is not told.
func TestWhatNoPathReachesIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"nothing":             {nil, ""},
		"swap is off":         {map[string]string{"proc/swaps": swapHeading}, ""},
		"a partition":         {map[string]string{"proc/swaps": swapHeading + "/dev/mmcblk0p3 partition 1 0 -2\n"}, "swap is on; what was in memory may be on its medium"},
		"a file":              {map[string]string{"proc/swaps": swapHeading + "/data/swapfile file 1 0 -2\n"}, "swap is on; what was in memory may be on its medium"},
		"a file named zram":   {map[string]string{"proc/swaps": swapHeading + "/data/zram0 file 1 0 -2\n"}, "swap is on; what was in memory may be on its medium"},
		"a partition of zram": {map[string]string{"proc/swaps": swapHeading + "/dev/zramdisk partition 1 0 -2\n"}, "swap is on; what was in memory may be on its medium"},
		"zram":                {map[string]string{"proc/swaps": swapHeading + "/dev/zram0 partition 1 0 100\n"}, "swap is on in compressed memory; it goes with the power"},
		"both": {map[string]string{"proc/swaps": swapHeading + "/dev/zram0 partition 1 0 100\n/dev/sda2 partition 1 0 -2\n", "sys/power/disk": "[platform] shutdown\n"},
			"the machine can hibernate; its memory may be on the medium; swap is on; what was in memory may be on its medium; swap is on in compressed memory; it goes with the power"},
		"encrypted": {map[string]string{"proc/swaps": swapHeading + "/dev/dm-1 partition 1 0 -2\n", "sys/block/dm-1/dm/uuid": "CRYPT-PLAIN-swap\n"},
			"swap is on under encryption; what was in memory may be on its medium, under a key that is not ours"},
		"encrypted, and hibernates": {map[string]string{"proc/swaps": swapHeading + "/dev/dm-1 partition 1 0 -2\n", "sys/block/dm-1/dm/uuid": "CRYPT-LUKS2-1\n", "sys/power/disk": "[platform]\n"},
			"the machine can hibernate; its memory may be on the medium; swap is on under encryption; what was in memory may be on its medium, under a key that is not ours"},
		"a plain volume":           {map[string]string{"proc/swaps": swapHeading + "/dev/dm-1 partition 1 0 -2\n", "sys/block/dm-1/dm/uuid": "LVM-x\n"}, "swap is on; what was in memory may be on its medium"},
		"a volume unknown":         {map[string]string{"proc/swaps": swapHeading + "/dev/dm-1 partition 1 0 -2\n"}, "swap is on; what was in memory may be on its medium"},
		"a file named so":          {map[string]string{"proc/swaps": swapHeading + "/data/dm-1 file 1 0 -2\n", "sys/block/dm-1/dm/uuid": "CRYPT-PLAIN-swap\n"}, "swap is on; what was in memory may be on its medium"},
		"hibernation needs swap":   {map[string]string{"proc/swaps": swapHeading, "sys/power/disk": "[platform] shutdown\n"}, ""},
		"hibernation is disabled":  {map[string]string{"proc/swaps": swapHeading + "/dev/sda2 partition 1 0 -2\n", "sys/power/disk": "[disabled]\n"}, "swap is on; what was in memory may be on its medium"},
		"swaps is a folder":        {map[string]string{"proc/swaps/x": ""}, "it cannot be seen whether swap is on"},
		"crashes are piped":        {map[string]string{"proc/sys/kernel/core_pattern": "|/usr/lib/systemd/systemd-coredump %P %u\n"}, "crash dumps are kept elsewhere: systemd-coredump"},
		"crashes have a folder":    {map[string]string{"proc/sys/kernel/core_pattern": "/var/crash/core.%p\n"}, "crash dumps are kept elsewhere: /var/crash"},
		"crashes stay":             {map[string]string{"proc/sys/kernel/core_pattern": "core\n"}, "a crash is written into the folder that the program ran in: core"},
		"no crash is kept":         {map[string]string{"proc/sys/kernel/core_pattern": "\n"}, ""},
		"the first tree is hidden": {map[string]string{"proc/self/ns/mnt": "->mnt:[2]", "proc/1/ns/mnt": ""}, "it cannot be seen whether this process sees the machine's own tree of files; what is hidden from it looks absent"},
		"the own tree is hidden":   {map[string]string{"proc/self/ns/mnt": "", "proc/1/ns/mnt": "->mnt:[2]"}, "it cannot be seen whether this process sees the machine's own tree of files; what is hidden from it looks absent"},
		"a strange program":        {map[string]string{"proc/sys/kernel/core_pattern": "|/x/\"<b>\"\n"}, "crash dumps are kept elsewhere: ??b??"},
		"journald":                 {map[string]string{"run/systemd/journal/socket": ""}, "journald runs and keeps the file open that it writes"},
		"logd":                     {map[string]string{"dev/socket/logdr": ""}, "the log of logd lies in another program's memory and cannot be reached"},
		"another tree of files":    {map[string]string{"proc/self/ns/mnt": "->mnt:[2]", "proc/1/ns/mnt": "->mnt:[1]"}, "this process sees another tree of files than the machine; what is hidden from it looks absent"},
		"the same tree":            {map[string]string{"proc/self/ns/mnt": "->mnt:[1]", "proc/1/ns/mnt": "->mnt:[1]"}, ""},
	} {
		machine := fstest.MapFS{"sys/block/zram0/backing_dev": {Data: []byte("none\n")}}
		for _, tree := range []string{"proc/self/ns/mnt", "proc/1/ns/mnt"} {
			machine[tree] = &fstest.MapFile{Data: []byte("mnt:[1]"), Mode: fs.ModeSymlink | 0o777}
		}
		for path, text := range c.files {
			file := &fstest.MapFile{Data: []byte(text)}
			if to, link := strings.CutPrefix(text, "->"); link {
				file = &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink | 0o777}
			}
			machine[path] = file
		}
		if got := told(wipe.Around(machine)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Compressed memory with a medium behind it is swap on that medium, and where
// nobody can say whether there is one, nobody can say whether memory is on it.
func TestZramWithAMediumBehindIsSwap(t *testing.T) {
	const at = "sys/block/zram0/"
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"none":                     {map[string]string{at + "backing_dev": "none\n", at + "disksize": "4096\n"}, wipe.AroundRAM},
		"a partition":              {map[string]string{at + "backing_dev": "/dev/mmcblk0p9\n", at + "disksize": "4096\n"}, wipe.AroundSwap},
		"a kernel without":         {map[string]string{at + "disksize": "4096\n"}, wipe.AroundRAM},
		"it cannot be read":        {map[string]string{at + "backing_dev/x": "", at + "disksize": "4096\n"}, wipe.AroundUnseen},
		"nothing is seen of it":    {nil, wipe.AroundUnseen},
		"what is written is empty": {map[string]string{at + "backing_dev": "\n"}, wipe.AroundSwap},
	} {
		machine := fstest.MapFS{"proc/swaps": {Data: []byte(swapHeading + "/dev/zram0 partition 1 0 100\n")}}
		for path, text := range c.files {
			machine[path] = &fstest.MapFile{Data: []byte(text)}
		}
		var got []string
		for _, h := range wipe.Around(machine) {
			if strings.HasPrefix(h.Code, "swap") {
				got = append(got, h.Code)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

// Every code of a hindrance has its text, and none shows a gap that was not filled.
func TestEveryHindranceHasItsText(t *testing.T) {
	for _, code := range wipe.HindranceCodes() {
		h := wipe.Hindrance{Code: code, N: 3, Detail: "x"}
		if text := h.String(); text == "" || strings.ContainsAny(text, "{}%") {
			t.Errorf("%s: %q", code, text)
		}
	}
}
