package wipe

import (
	"reflect"
	"testing"

	"golang.org/x/sys/unix"
)

const mountsOfATerminal = `22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 179:3 / / rw,relatime shared:1 master:2 - ext4 /dev/mmcblk0p3 rw,discard,data=journal
28 27 179:4 /app /data/my\040app rw,nosuid - f2fs /dev/mmcblk0p4 rw,fsync_mode=posix
29 27 0:40 / /vendor ro - overlay overlay ro,lowerdir=/a:/b,upperdir=/up,workdir=/w
`

func TestParseMounts(t *testing.T) {
	all, err := parseMounts([]byte(mountsOfATerminal))
	if err != nil || len(all) != 4 {
		t.Fatalf("%+v, %v", all, err)
	}
	want := Mount{
		ID: 28, Dev: "179:4", Root: "/app", Point: "/data/my app", Options: []string{"rw", "nosuid"},
		Type: "f2fs", Source: "/dev/mmcblk0p4", Super: []string{"rw", "fsync_mode=posix"},
	}
	if !reflect.DeepEqual(all[2], want) {
		t.Errorf("%+v, want %+v", all[2], want)
	}
	for _, line := range []string{
		"x", "1 2 3 4 5 6 7", "x 27 0:21 / /proc rw - proc proc rw", "22 27 0:21 / /proc - proc proc rw", "22 27 0:21 / /proc rw - proc",
	} {
		if m, err := parseMounts([]byte(line)); err == nil {
			t.Errorf("%q is read as %+v", line, m)
		}
	}
}

func TestWhatFollowsFromThePlace(t *testing.T) {
	mounts, err := parseMounts([]byte(mountsOfATerminal))
	if err != nil {
		t.Fatal(err)
	}
	disk := Block{Dev: unix.Mkdev(179, 3), DiscardMax: 4096}
	for name, c := range map[string]struct {
		b    Probe
		want string
	}{
		"ext4":        {Probe{Type: "ext4", Block: disk}, "raw discard metadata"},
		"journalling": {Probe{Type: "ext4", Block: disk, Mount: mounts[1]}, "raw discard data"},
		"no discard":  {Probe{Type: "ext4", Block: Block{Dev: disk.Dev}}, "raw metadata"},
		"xfs":         {Probe{Type: "xfs", Block: disk}, "raw discard reflink"},
		"realtime":    {Probe{Type: "xfs", Block: disk, Mount: Mount{Super: []string{"rtdev=/dev/sdb"}}}, "reflink"},
		"f2fs, bound": {Probe{Type: "f2fs", Block: disk, Mount: mounts[2]}, "raw discard bind"},
		"btrfs":       {Probe{Type: "btrfs", Block: disk}, "cow reflink"},
		"btrfs again": {Probe{Type: "btrfs", Block: Block{Dev: unix.Mkdev(0, 40), DiscardMax: 1}}, "cow reflink"},
		"overlay":     {Probe{Type: "overlayfs", Mount: mounts[3]}, "cow layers=/up:/a:/b"},
		"tmpfs":       {Probe{Type: "tmpfs"}, ""},
	} {
		c.b.derive()
		got := ""
		for _, w := range []struct {
			is   bool
			word string
		}{
			{c.b.CanRaw, " raw"}, {c.b.CanDiscard, " discard"}, {c.b.Journal != "", " " + c.b.Journal}, {c.b.CoW, " cow"},
			{c.b.Reflink, " reflink"}, {c.b.Bind, " bind"}, {c.b.Layers != "", " layers=" + c.b.Layers},
		} {
			if w.is {
				got += w.word
			}
		}
		if got != "" {
			got = got[1:]
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestParseVersion(t *testing.T) {
	for release, want := range map[string]Version{
		"6.18.44-fc": {6, 18}, "5.4-rc1": {5, 4}, "4.14": {4, 14}, "5": {}, "": {}, "x.y": {}, "-1.2": {}, "5.": {},
	} {
		if got := parseVersion(release); got != want {
			t.Errorf("%q is %v, want %v", release, got, want)
		}
	}
	if v := (Version{5, 14}); !v.atLeast(5, 14) || !v.atLeast(4, 19) || v.atLeast(5, 15) || v.atLeast(6, 0) {
		t.Error("versions are in no order")
	}
}

func TestDevices(t *testing.T) {
	for event, want := range map[string]string{
		"MAJOR=179\nDEVNAME=mmcblk0p3\nDEVTYPE=partition": "mmcblk0p3", "DEVNAME=block/sda\n": "block/sda", "MAJOR=1": "", "DEVNAME=": "", "DEVNAME=../etc": "",
	} {
		if got := deviceName(event); got != want {
			t.Errorf("%q names %q, want %q", event, got, want)
		}
	}
	for _, c := range [][3]string{
		{"mmcblk0p3", "MMC", "emmc"}, {"mmcblk1", "SD", "sd"}, {"nvme0n1p1", "", "nvme"}, {"loop3", "", "loop"}, {"dm-0", "", "mapped"}, {"vda", "", "disk"}, {"", "", ""},
	} {
		if got := deviceKind(c[0], c[1]); got != c[2] {
			t.Errorf("%s is %q, want %q", c[0], got, c[2])
		}
	}
}

func TestParseMapping(t *testing.T) {
	for line, want := range map[string]mapping{
		"7f00-7f01 rw-s 00000000 b3:03 131 /data/app/my db":                           {Inode{unix.Mkdev(0xb3, 3), 131}, true, "/data/app/my db"},
		"7f00-7f01 r-xp 00000000 b3:03 131     /lib/x.so (deleted)":                   {Inode{unix.Mkdev(0xb3, 3), 131}, false, "/lib/x.so (deleted)"},
		"7f3a12000000-7f3a12001000 rw-s 00000000 b3:03 12 /data/app/a 12 b (deleted)": {Inode{unix.Mkdev(0xb3, 3), 12}, true, "/data/app/a 12 b (deleted)"},
	} {
		if got, ok := parseMapping(line); !ok || got != want {
			t.Errorf("%q is %+v, want %+v", line, got, want)
		}
	}
	for _, line := range []string{"", "7f00-7f01 rw-p 00000000 00:00 0", "7f00-7f01 rw-p 00000000 b3:03 12   ", "7f00-7f01 rw-p 00000000 00:00 0 [heap]", "a b c d e f", "7f00 rw-s 0 xx:1 5 /a"} {
		if m, ok := parseMapping(line); ok {
			t.Errorf("%q is read as %+v", line, m)
		}
	}
}

func TestParseAccess(t *testing.T) {
	for info, want := range map[string]bool{
		"pos:\t0\nflags:\t0100000\n": false, "flags:\t0100001\n": true, "flags:\t02100002\n": true, "pos:\t0\n": true, "flags:\tx\n": true,
	} {
		if got := parseAccess(info); got != want {
			t.Errorf("%q writes: %v, want %v", info, got, want)
		}
	}
}

func TestNamelessBelow(t *testing.T) {
	for _, c := range []struct {
		shown, target string
		want          bool
	}{
		{"/app/db (deleted)", "/app/db", true},
		{"/app/db", "/app/db", false},
		{"/app/d/x/y (deleted)", "/app/d", true},
		{"/app/dd (deleted)", "/app/d", false},
		{"/other/d (deleted)", "/app/d", false},
		{"/app/log.1 (deleted)", "/app/log.*", true},
		{"/app/log (deleted)", "/app/log.*", false},
	} {
		if got := namelessBelow(c.shown, c.target); got != c.want {
			t.Errorf("%s of %s: %v, want %v", c.shown, c.target, got, c.want)
		}
	}
}

func TestUnitedStretches(t *testing.T) {
	got := united([]stretch{{8, 12}, {0, 4}, {4, 6}, {5, 6}, {20, 24}, {9, 10}})
	if want := []stretch{{0, 6}, {8, 12}, {20, 24}}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// FuzzProbe reads what the kernel might say, and looks that nothing of it ends
// the process or becomes a way out of /dev.
func FuzzProbe(f *testing.F) {
	f.Add(mountsOfATerminal, "6.1.0", "DEVNAME=sda", "7f00-7f01 rw-s 00000000 b3:03 131 /data/db")
	f.Add("1 2 3 4 5 6 - 7 8 9", "5", "DEVNAME=../x", "")
	f.Add(`1 2 3 \04 \999 6 - 7 8 9`, ".", "", "a b:c")
	f.Fuzz(func(t *testing.T, mounts, release, event, line string) {
		all, err := parseMounts([]byte(mounts))
		for _, m := range all {
			b := Probe{Type: m.Type, Mount: m}
			b.derive()
			if b.CanRaw || b.CanDiscard {
				t.Errorf("a place without a device can be told to discard: %+v", b)
			}
		}
		if err != nil && all != nil {
			t.Error("an error and mounts")
		}
		if v := parseVersion(release); v.Major < 0 || v.Minor < 0 {
			t.Errorf("version %v", v)
		}
		if name := deviceName(event); name == "." || len(name) > 1 && name[:2] == ".." {
			t.Errorf("device %q", name)
		}
		if m, ok := parseMapping(line); ok && m.Ino == 0 {
			t.Errorf("mapping %+v", m)
		}
	})
}
