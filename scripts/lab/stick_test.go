package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// stickEnv makes this program the flash model that its value describes: size in
// bytes, whether trim erases, folder. The folder gets nand.img, which is all pages
// of flash, and below mnt the files disk and control.
const stickEnv = "LAB_FLASH_MODEL"

// stick serves one ftl as files.
type stick struct {
	mu   sync.Mutex
	ftl  *ftl
	size int64
	seen int // pages programmed that held a watched word
}

// serveStick is the whole life of the model's process: it ends when its standard
// input does, and so also with the test that started it.
func serveStick(what string) error {
	fields := strings.SplitN(what, " ", 3)
	size, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil || len(fields) != 3 {
		return fmt.Errorf("cannot read %q", what)
	}
	s, dir := &stick{size: size}, fields[2]
	nand, err := mapped(filepath.Join(dir, "nand.img"), int64(blocksFor(int(size/pageBytes)))*pagesPerBlock*pageBytes)
	if err != nil {
		return err
	}
	s.ftl = newFTL(int(size/pageBytes), nand)
	s.ftl.trimErases = fields[1] == "true"
	root := &fs.Inode{}
	server, err := fs.Mount(filepath.Join(dir, "mnt"), root, &fs.Options{
		MountOptions: fuse.MountOptions{DirectMountStrict: true, FsName: "flash", MaxWrite: 1 << 20},
		OnAdd: func(ctx context.Context) {
			root.AddChild("disk", root.NewPersistentInode(ctx, &diskFile{stick: s}, fs.StableAttr{Mode: syscall.S_IFREG}), false)
			root.AddChild("control", root.NewPersistentInode(ctx, &controlFile{stick: s}, fs.StableAttr{Mode: syscall.S_IFREG}), false)
		},
	})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return patiently(server.Unmount)
}

func mapped(path string, size int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		return nil, err
	}
	return unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

// diskFile is the disk as its owner sees it.
type diskFile struct {
	fs.Inode
	stick *stick
}

func (d *diskFile) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode, out.Size, out.Blocks, out.Blksize = syscall.S_IFREG|0o600, uint64(d.stick.size), uint64(d.stick.size/512), pageBytes
	return 0
}

func (d *diskFile) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, fuse.FOPEN_DIRECT_IO, 0
}

func (d *diskFile) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno { return 0 }

func (d *diskFile) Read(_ context.Context, _ fs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	s := d.stick
	s.mu.Lock()
	defer s.mu.Unlock()
	n := int(max(0, min(int64(len(dest)), s.size-off)))
	err := s.each(off, n, func(page, from, to, at int) error {
		buf := make([]byte, pageBytes)
		s.ftl.read(page, buf)
		copy(dest[at:], buf[from:to])
		return nil
	})
	return fuse.ReadResultData(dest[:n]), fs.ToErrno(err)
}

func (d *diskFile) Write(_ context.Context, _ fs.FileHandle, data []byte, off int64) (uint32, syscall.Errno) {
	s := d.stick
	s.mu.Lock()
	defer s.mu.Unlock()
	if off+int64(len(data)) > s.size {
		return 0, syscall.ENOSPC
	}
	err := s.each(off, len(data), func(page, from, to, at int) error {
		if from == 0 && to == pageBytes {
			return s.ftl.write(page, data[at:at+pageBytes])
		}
		buf := make([]byte, pageBytes)
		s.ftl.read(page, buf)
		copy(buf[from:to], data[at:])
		return s.ftl.write(page, buf)
	})
	if err != nil {
		return 0, syscall.EIO
	}
	return uint32(len(data)), 0
}

// Allocate is how a loop device discards; a page is only trimmed as a whole.
func (d *diskFile) Allocate(_ context.Context, _ fs.FileHandle, off, size uint64, mode uint32) syscall.Errno {
	if mode&unix.FALLOC_FL_PUNCH_HOLE == 0 {
		return syscall.EOPNOTSUPP
	}
	s := d.stick
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(int64(size), s.size-int64(off))
	return fs.ToErrno(s.each(int64(off), int(n), func(page, from, to, _ int) error {
		if from == 0 && to == pageBytes {
			s.ftl.trim(page)
		}
		return nil
	}))
}

// each calls do for each page of a stretch: which bytes of the page, and where they
// lie in the stretch.
func (s *stick) each(off int64, n int, do func(page, from, to, at int) error) error {
	for at := 0; at < n; {
		page, from := int((off+int64(at))/pageBytes), int((off+int64(at))%pageBytes)
		to := min(pageBytes, from+n-at)
		if err := do(page, from, to, at); err != nil {
			return err
		}
		at += to - from
	}
	return nil
}

// controlFile takes "sanitize" and "watch <words>", and tells what has happened.
type controlFile struct {
	fs.Inode
	stick *stick
}

func (c *controlFile) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode = syscall.S_IFREG | 0o600
	return 0
}

// Setattr lets the file be opened as the shell would, which truncates it.
func (c *controlFile) Setattr(ctx context.Context, f fs.FileHandle, _ *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	return c.Getattr(ctx, f, out)
}

func (c *controlFile) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, fuse.FOPEN_DIRECT_IO, 0
}

func (c *controlFile) Read(_ context.Context, _ fs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	c.stick.mu.Lock()
	defer c.stick.mu.Unlock()
	f := c.stick.ftl
	text := fmt.Sprintf("%d %d %d %d\n", f.programs, f.moved, f.erasures, c.stick.seen)
	return fuse.ReadResultData([]byte(text)[min(int(off), len(text)):]), 0
}

func (c *controlFile) Write(_ context.Context, _ fs.FileHandle, data []byte, _ int64) (uint32, syscall.Errno) {
	c.stick.mu.Lock()
	defer c.stick.mu.Unlock()
	switch words := strings.Fields(string(data)); {
	case len(words) == 1 && words[0] == "sanitize":
		c.stick.ftl.sanitize()
	case len(words) > 1 && words[0] == "watch":
		c.stick.watch(words[1:])
	default:
		return 0, syscall.EINVAL
	}
	return uint32(len(data)), 0
}

// watch looks at every page that is programmed from now on, so that nothing can be
// in the flash between two searches of it without having been seen.
func (s *stick) watch(words []string) {
	s.ftl.programmed = func(page []byte) {
		for _, w := range words {
			if bytes.Contains(page, []byte(w)) {
				s.seen++
				return
			}
		}
	}
}

// flash is a running model, as a test holds it.
type flash struct {
	dir string
}

// newFlash starts the model in a process of its own. In this one, a file that is
// mapped from its disk could stand still in a page fault which only this process
// could answer.
func newFlash(t *testing.T, size int64, trimErases bool) *flash {
	t.Helper()
	f := &flash{dir: memory(t, size*5/4+16*mega)}
	must(t, os.Mkdir(filepath.Join(f.dir, "mnt"), 0o700))
	program, err := os.Executable()
	must(t, err)
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %v %s", stickEnv, size, trimErases, f.dir))
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	var log bytes.Buffer
	cmd.Stderr = &log
	must(t, cmd.Start())
	t.Cleanup(func() {
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Errorf("the flash model: %v: %s", err, log.String())
			_ = unix.Unmount(filepath.Join(f.dir, "mnt"), unix.MNT_DETACH) // it may be gone already
		}
	})
	ready := make([]byte, len("ready\n"))
	if _, err := io.ReadFull(out, ready); err != nil {
		t.Fatalf("the flash model did not begin: %v: %s", err, log.String())
	}
	return f
}

func (f *flash) disk() string { return filepath.Join(f.dir, "mnt", "disk") }
func (f *flash) nand() string { return filepath.Join(f.dir, "nand.img") }

func (f *flash) tell(t *testing.T, words ...string) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(f.dir, "mnt", "control"), []byte(strings.Join(words, " ")), 0o600))
}

// state is what the model has done so far.
type state struct{ programs, moved, erasures, seen int }

func (f *flash) state(t *testing.T) (s state) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(f.dir, "mnt", "control"))
	must(t, err)
	_, err = fmt.Sscan(string(text), &s.programs, &s.moved, &s.erasures, &s.seen)
	must(t, err)
	return s
}
