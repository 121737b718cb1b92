package wipe_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"unbindd/wipe"
)

// glass is a block device under files that are really there: each lies on it in
// one extent of its own, and what is read from the device is what the file holds.
type glass struct {
	t         testing.TB
	sys       *tap
	files     []*os.File
	fd        int
	discarded []wipe.Extent // in order
	secured   []wipe.Extent
	wrote     bool // the device was opened to write
	checked   []uint32

	flags  uint32 // of every extent
	shared bool
	behind []byte // what the device holds where no file leads to, from beyond on
	stale  []byte // what the device shows instead, where it shows something else
}

const (
	away   = 1 << 30 // between the extents of two files
	beyond = 1 << 40
	start  = 1 << 20
)

// newGlass puts the files of a tree on a device that takes everything.
func newGlass(t testing.TB, root string, names ...string) *glass {
	t.Helper()
	g := &glass{t: t, sys: newTap(), fd: -1}
	for _, name := range names {
		f, err := os.Open(filepath.Join(root, name))
		must(t, err)
		t.Cleanup(func() { must(t, f.Close()) })
		g.files = append(g.files, f)
	}
	g.sys.dev = unix.Mkdev(8, 1)
	g.sys.extents = g.extents
	g.sys.read = g.read
	g.sys.medium = medium{
		fact: func(name string) (string, error) {
			facts := map[string]string{"queue/discard_max_bytes": "1048576", "uevent": "MAJOR=8\nDEVNAME=sda1\n"}
			if v, ok := facts[name]; ok {
				return v, nil
			}
			return "", unix.ENOENT
		},
		open: g.open,
		discard: func(at, n uint64) error {
			g.discarded = append(g.discarded, wipe.Extent{Physical: at, Length: n})
			return nil
		},
		secure:     func(at, n uint64) error { return unix.EOPNOTSUPP },
		checkpoint: func(flags uint32) error { g.checked = append(g.checked, flags); return nil },
		secureTrim: unix.ENOTTY, pin: unix.ENOTTY,
	}
	return g
}

func (g *glass) open(write bool) (int, error) {
	g.wrote = g.wrote || write
	fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	g.fd = fd
	return fd, err
}

// number finds which of the files a descriptor leads to.
func (g *glass) number(fd int) int {
	var want, have unix.Stat_t
	must(g.t, unix.Fstat(fd, &want))
	for i, f := range g.files {
		must(g.t, unix.Fstat(int(f.Fd()), &have))
		if have.Ino == want.Ino {
			return i
		}
	}
	return -1
}

func (g *glass) extents(fd int) ([]wipe.Extent, error) {
	var st unix.Stat_t
	must(g.t, unix.Fstat(fd, &st))
	n := g.number(fd)
	if n < 0 || st.Size == 0 {
		return nil, nil
	}
	length := uint64(st.Size+4095) / 4096 * 4096
	return []wipe.Extent{{Physical: start + uint64(n)*away, Length: length, Flags: g.flags, Shared: g.shared}}, nil
}

// read answers for the device, and for nothing else.
func (g *glass) read(fd int, p []byte, offset int64) (int, error, bool) {
	if fd != g.fd || g.fd < 0 || offset < start { // a number may be given again, to a file
		return 0, nil, false
	}
	clear(p)
	if offset >= beyond {
		copy(p, g.behind[min(int(offset-beyond), len(g.behind)):])
		return len(p), nil, true
	}
	n, at := int(offset-start)/away, (offset-start)%away
	if g.stale != nil {
		copy(p, g.stale[min(int(at), len(g.stale)):])
		return len(p), nil, true
	}
	if n < len(g.files) {
		_, _ = g.files[n].ReadAt(p, at) // behind the end it holds zeros
	}
	return len(p), nil, true
}
