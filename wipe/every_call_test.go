package wipe_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/sys/unix"

	"unbindd/wipe"
)

// heardAs is the name under which a tap hears a method of the kernel; closing has no
// error that could be answered.
func heardAs(method string) string {
	if short, ok := map[string]string{"ReadAt": "read", "WriteAt": "write", "Close": ""}[method]; ok {
		return short
	}
	var name strings.Builder
	for i, r := range method {
		if unicode.IsUpper(r) && i > 0 {
			name.WriteByte('-')
		}
		name.WriteRune(unicode.ToLower(r))
	}
	return name.String()
}

// occasion is an erase that comes by calls which others do not.
type occasion struct {
	name  string
	plant func(t *testing.T) (root string, g *glass)
	order func(root string) wipe.Target
}

// occasions are erases that together make every call there is.
var occasions = []occasion{
	{"a folder with a link", func(t *testing.T) (string, *glass) {
		root := spread(t, map[string]int{"d/a": 9000, "d/e/b": 700})
		must(t, os.Symlink("/"+strings.Repeat("nowhere/", 12), filepath.Join(root, "d", "link")))
		_ = unix.Lsetxattr(filepath.Join(root, "d", "link"), "trusted.note", []byte(canary), 0) // where there are attributes, and for root
		g := newGlass(t, root, "d/a", "d/e/b")
		g.sys.medium.mounts = ownMount(g, "ext4", "rw")
		g.sys.medium.unused = func() (free, log []wipe.Extent) { return room(0, 1<<20), nil }
		return root, g
	}, func(root string) wipe.Target { return deep(root, "d", wipe.DepthMedium) }},
	{"zeros by the device", func(t *testing.T) (string, *glass) {
		root := spread(t, map[string]int{"d/a": 9000})
		g := newGlass(t, root, "d/a")
		zeroing(g)
		return root, g
	}, func(root string) wipe.Target { return deep(root, "d", wipe.DepthBlocks) }},
	{"a journal that nobody empties", func(t *testing.T) (string, *glass) {
		root := spread(t, map[string]int{"d/a": 9000})
		g := newGlass(t, root, "d/a")
		g.sys.medium.checkpoint = nil
		return root, g
	}, func(root string) wipe.Target { return deep(root, "d", wipe.DepthMedium) }},
	{"space that nobody takes back", func(t *testing.T) (string, *glass) {
		root := spread(t, map[string]int{"d/a": 9000})
		g := newGlass(t, root, "d/a")
		g.sys.medium.trim, g.sys.medium.space = unix.EOPNOTSUPP, 5<<20
		g.sys.write = func(fd int, p []byte, at int64) (int, error) {
			g.sys.medium.space -= int64(len(p)) // or it would be filled for ever
			return g.sys.Kernel.WriteAt(fd, p, at)
		}
		return root, g
	}, func(root string) wipe.Target { return deep(root, "d", wipe.DepthMedium) }},
	{"f2fs", func(t *testing.T) (string, *glass) {
		root := spread(t, map[string]int{"d/a": 9000})
		g := newGlass(t, root, "d/a")
		g.sys.magic, g.sys.medium.pin, g.sys.medium.secureTrim = 0xF2F52010, nil, nil
		return root, g
	}, func(root string) wipe.Target { return deep(root, "d", wipe.DepthMedium) }},
	{"swap in a file that cannot be read past the cache", func(t *testing.T) (string, *glass) {
		root := spread(t, map[string]int{"d/a": 9000})
		var st unix.Stat_t
		must(t, unix.Stat(filepath.Join(root, "d", "a"), &st))
		g := &glass{t: t, sys: newTap()}
		g.sys.medium.swaps = func() []wipe.Inode { return []wipe.Inode{{Dev: uint64(st.Dev), Ino: st.Ino}} }
		g.sys.medium.swapOff = func(int) error { return nil }
		return root, g
	}, func(root string) wipe.Target { return target(root, "d") }},
	{"what may not be changed", func(t *testing.T) (string, *glass) {
		root := spread(t, map[string]int{"d/a": 9000})
		g := &glass{t: t, sys: newTap()}
		g.sys.medium.flags = func(int) (uint32, error) { return 0x10, nil }
		return root, g
	}, func(root string) wipe.Target { return target(root, "d") }},
	{"content without a name", func(t *testing.T) (string, *glass) {
		root := spread(t, map[string]int{"d/a": 9000, "d/gone": 9000})
		held, err := os.OpenFile(filepath.Join(root, "d", "gone"), os.O_RDWR, 0)
		must(t, err)
		t.Cleanup(func() { must(t, held.Close()) })
		var st unix.Stat_t
		must(t, unix.Fstat(int(held.Fd()), &st))
		must(t, os.Remove(held.Name()))
		mount, err := wipe.Kernel{}.Mount(int(held.Fd()))
		must(t, err)
		g := &glass{t: t, sys: newTap()}
		g.sys.medium.holders = func() ([]wipe.Holding, bool) {
			return []wipe.Holding{{Holder: wipe.Holder{PID: os.Getpid(), Deleted: true}, FD: int(held.Fd()), Inode: wipe.Inode{Dev: uint64(st.Dev), Ino: st.Ino}, Mount: mount}}, false
		}
		return root, g
	}, func(root string) wipe.Target { return target(root, "d") }},
}

// refusals are what a call answers on an occasion besides the fault.
var refusals = map[string]map[string]unix.Errno{
	"swap in a file that cannot be read past the cache": {"open-direct": unix.EINVAL, "direct": unix.EINVAL},
	"a journal that nobody empties":                     {"create": unix.ENOSPC}, // or it would be churned for long
	"what may not be changed":                           {"open-file": unix.EPERM},
}

// TestEveryCallOfTheKernelCanFail takes the list of calls from the interface itself,
// so that none can be forgotten: each is made on one of the occasions, and fails
// there once, at its first time and at its last. The evidence is not better than the
// deed, and a second run without the fault finishes the work.
func TestEveryCallOfTheKernelCanFail(t *testing.T) {
	failed := map[string]int{}
	for _, o := range occasions {
		for call, times := range o.calls(t) {
			if failed[call] > 0 {
				continue
			}
			for at := range map[int]bool{1: true, times: true} {
				failed[call] += o.strikes(t, call, at, []unix.Errno{unix.EIO, unix.ENOMEM, unix.EACCES}[(at+len(call))%3])
			}
		}
	}
	sys, all := reflect.TypeFor[wipe.Sys](), 0
	for i := range sys.NumMethod() {
		if call := heardAs(sys.Method(i).Name); call != "" {
			all += failed[call]
			if failed[call] == 0 {
				t.Errorf("%s fails on no occasion", sys.Method(i).Name)
			}
		}
	}
	t.Logf("wipe, its kernel: %d faults in %d kinds of calls of %d", all, len(failed), sys.NumMethod()-1)
}

// calls does the erase without a fault, and counts how often each call is made.
func (o occasion) calls(t *testing.T) map[string]int {
	t.Helper()
	root, g := o.plant(t)
	times, refused := map[string]int{}, map[string]bool{}
	g.sys.hear = func(call string) error {
		times[call]++
		return o.refuses(call, refused)
	}
	if e := erase(t, g.sys, o.order(root)); e.Verified != wipe.Pass {
		t.Errorf("%s: %+v", o.name, e)
	}
	return times
}

// refuses is what an occasion answers to a call: the first time, where it is that
// nothing may be changed, which then is changed.
func (o occasion) refuses(call string, refused map[string]bool) error {
	errno, ok := refusals[o.name][call]
	if !ok || errno == unix.EPERM && refused[call] {
		return nil
	}
	refused[call] = true
	return errno
}

// strikes counts the faults that were met: 1. Where samples are taken is drawn anew in
// each erase, and how much is read differs with it; the last time then comes earlier.
func (o occasion) strikes(t *testing.T, call string, at int, errno unix.Errno) int {
	t.Helper()
	for at > 0 {
		made := o.fails(t, call, at, errno)
		if made >= at {
			return 1
		}
		at = made
	}
	t.Errorf("%s: %s was not made where it was to fail", o.name, call)
	return 0
}

// fails has a call fail at one of its times, and tells how often it was made.
func (o occasion) fails(t *testing.T, wanted string, at int, errno unix.Errno) (made int) {
	t.Helper()
	root, g := o.plant(t)
	refused := map[string]bool{}
	g.sys.hear = func(call string) error {
		if call == wanted {
			if made++; made == at {
				return errno
			}
		}
		return o.refuses(call, refused)
	}
	e := erase(t, g.sys, o.order(root))
	proven(t, e, absent(filepath.Join(root, "d")))
	if e.Verified != wipe.Pass && e.Reason == "" {
		t.Errorf("%s, %v at %s number %d: nothing says why: %+v", o.name, errno, wanted, at, e)
	}
	if e := erase(t, newTap(), target(root, "d")); e.Verified != wipe.Pass || !absent(filepath.Join(root, "d")) {
		t.Errorf("%s, %v at %s number %d, second run: %+v", o.name, errno, wanted, at, e)
	}
	return made
}
