//go:build (amd64 || arm64) && !android

package crash

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	gosync "sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// toldFile is the file into which the program writes what it tells; it is no
// part of any image.
const toldFile = ".told"

// recorder passes everything on to the folder behind it and writes down, under
// one lock, what succeeded: the order of the record is the order of the effects.
type recorder struct {
	back  string
	mount string
	top   *node
	bad   atomic.Bool  // what lies behind whole is read no more: EIO
	whole atomic.Int64 // bytes of each file

	mu    gosync.Mutex
	log   *traceWriter
	ids   map[uint64]int // inode behind -> number
	last  int
	fault *fault
	calls map[kind]int // how many there were of each kind; nil where nobody counts
	away  string       // a file that is read no more
	open  int          // handles that the kernel has not given back
	idle  *gosync.Cond // that one was
	lossy bool         // writes are taken and forgotten, and the kernel keeps what it holds when a file is opened again
	err   error        // why the record is worthless
}

// mounted mounts a recorder for the time of the test.
func mounted(t testing.TB) *recorder {
	t.Helper()
	return mountedAt(t, filepath.Join(t.TempDir(), "mount"))
}

// mountedAt mounts it at a path that is not there yet.
func mountedAt(t testing.TB, mount string) *recorder {
	t.Helper()
	return mountedAs(t, mount, fuse.MountOptions{DisableXAttrs: true})
}

// mountedAs mounts it with more, or less, of what a file system can do.
func mountedAs(t testing.TB, mount string, o fuse.MountOptions) *recorder {
	t.Helper()
	r := &recorder{back: filepath.Join(memoryFolder(t), "back"), mount: mount, ids: map[uint64]int{}}
	r.idle = gosync.NewCond(&r.mu)
	for _, d := range []string{r.back, r.mount} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var st syscall.Stat_t
	if err := syscall.Stat(r.back, &st); err != nil {
		t.Fatal(err)
	}
	r.ids[st.Ino] = 0
	root := &fs.LoopbackRoot{Path: r.back, Dev: st.Dev}
	root.NewNode = func(data *fs.LoopbackRoot, _ *fs.Inode, _ string, _ *syscall.Stat_t) fs.InodeEmbedder {
		return &node{LoopbackNode: fs.LoopbackNode{RootData: data}, r: r}
	}
	top := &node{LoopbackNode: fs.LoopbackNode{RootData: root}, r: r}
	root.RootNode, r.top = top, top
	o.DirectMount, o.Name, o.FsName, o.MaxWrite = os.Getuid() == 0, "crashlab", "crashlab", 1<<20
	server, err := fs.Mount(r.mount, top, &fs.Options{MountOptions: o})
	if err != nil {
		if os.Getuid() != 0 {
			if os.Getenv("CRASH_BOOK") != "" {
				t.Fatalf("cannot mount: %v", err) // a book of which nothing is carried must not end well
			}
			t.Skipf("cannot mount: %v", err)
		}
		t.Fatalf("cannot mount: %v", err)
	}
	t.Cleanup(func() {
		if err := server.Unmount(); err != nil {
			t.Errorf("cannot unmount: %v", err)
		}
	})
	return r
}

// begin starts a record; end gives it out.
func (r *recorder) begin(t testing.TB, path string) {
	t.Helper()
	log, err := newTraceWriter(path)
	if err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = log
}

func (r *recorder) end(t testing.TB) trace {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	tr, err := r.log.close()
	r.log = nil
	if err != nil || r.err != nil {
		t.Fatalf("the record is worthless: %v, %v", err, r.err)
	}
	return tr
}

// do is one operation: the fault, the deed, the record.
func (r *recorder) do(o op, deed func(o *op) syscall.Errno) syscall.Errno {
	r.mu.Lock()
	defer r.mu.Unlock()
	if errno := r.strikes(o.call(), place{}); errno != 0 {
		return errno
	}
	if errno := deed(&o); errno != 0 {
		return errno
	}
	if r.log != nil {
		if err := r.log.add(o); err != nil && r.err == nil {
			r.err = err
		}
	}
	return 0
}

// say writes down what somebody told who does not work in the mount.
func (r *recorder) say(line string) {
	r.do(op{Kind: note, Told: line}, func(*op) syscall.Errno { return 0 })
}

// number is the number of what lies at path now; fresh gives it a new one,
// because the system gives inodes out again.
func (r *recorder) number(path string, fresh bool) int {
	var st syscall.Stat_t
	if err := syscall.Lstat(path, &st); err != nil {
		r.err = fmt.Errorf("cannot find what was recorded: %w", err)
		return -1
	}
	if n, ok := r.ids[st.Ino]; ok && !fresh {
		return n
	}
	r.last++
	r.ids[st.Ino] = r.last
	return r.last
}

type node struct {
	fs.LoopbackNode
	r *recorder
}

func (n *node) rel() string  { return n.Path(n.Root()) }
func (n *node) path() string { return filepath.Join(n.r.back, n.rel()) }
func (n *node) id() int      { return n.r.number(n.path(), false) }

func (n *node) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (in *fs.Inode, h fs.FileHandle, ff uint32, errno syscall.Errno) {
	told := n.rel() == "" && name == toldFile
	k := create
	if told {
		k = note
	}
	var id int
	make := func(o *op) syscall.Errno {
		in, h, ff, errno = n.LoopbackNode.Create(ctx, name, flags&^syscall.O_DIRECT, mode, out)
		if errno == 0 {
			id = n.r.number(filepath.Join(n.path(), name), true)
			o.Ino, o.Dir = id, n.id()
		}
		return errno
	}
	if told {
		errno = make(&op{})
	} else {
		errno = n.r.do(op{Kind: k, Name: name}, make)
	}
	if errno != 0 {
		return nil, nil, 0, errno
	}
	return in, n.handle(h, id, filepath.Join(n.rel(), name), flags, told), ff, 0
}

func (n *node) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (in *fs.Inode, errno syscall.Errno) {
	errno = n.r.do(op{Kind: create, Name: name, Folder: true}, func(o *op) syscall.Errno {
		in, errno = n.LoopbackNode.Mkdir(ctx, name, mode, out)
		if errno == 0 {
			o.Ino, o.Dir = n.r.number(filepath.Join(n.path(), name), true), n.id()
		}
		return errno
	})
	return in, errno
}

// Mknod makes sockets alone. They are no part of a record: no cut leaves one
// that anybody listens on.
func (n *node) Mknod(ctx context.Context, name string, mode, rdev uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	if mode&syscall.S_IFMT != syscall.S_IFSOCK {
		return nil, syscall.EPERM
	}
	return n.LoopbackNode.Mknod(ctx, name, mode, rdev, out)
}

func isSocket(path string) bool {
	st, err := os.Lstat(path)
	return err == nil && st.Mode()&os.ModeSocket != 0
}

func (n *node) Symlink(context.Context, string, string, *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, syscall.EPERM
}

func (n *node) CopyFileRange(context.Context, fs.FileHandle, uint64, *fs.Inode, fs.FileHandle, uint64, uint64, uint64) (uint32, syscall.Errno) {
	return 0, syscall.ENOSYS
}

func (n *node) Unlink(ctx context.Context, name string) syscall.Errno {
	if isSocket(filepath.Join(n.path(), name)) {
		return n.LoopbackNode.Unlink(ctx, name)
	}
	return n.r.do(op{Kind: remove, Name: name}, func(o *op) syscall.Errno {
		o.Ino, o.Dir = n.r.number(filepath.Join(n.path(), name), false), n.id()
		return n.LoopbackNode.Unlink(ctx, name)
	})
}

func (n *node) Rmdir(ctx context.Context, name string) syscall.Errno {
	return n.r.do(op{Kind: remove, Name: name, Folder: true}, func(o *op) syscall.Errno {
		o.Ino, o.Dir = n.r.number(filepath.Join(n.path(), name), false), n.id()
		return n.LoopbackNode.Rmdir(ctx, name)
	})
}

func (n *node) Rename(ctx context.Context, name string, to fs.InodeEmbedder, second string, flags uint32) syscall.Errno {
	if flags&^1 != 0 { // RENAME_NOREPLACE alone
		return syscall.EINVAL
	}
	return n.r.do(op{Kind: rename, Name: name, Second: second}, func(o *op) syscall.Errno {
		o.Ino, o.Dir, o.To = n.r.number(filepath.Join(n.path(), name), false), n.id(), to.(*node).id()
		return n.LoopbackNode.Rename(ctx, name, to, second, flags)
	})
}

func (n *node) Link(ctx context.Context, target fs.InodeEmbedder, name string, out *fuse.EntryOut) (in *fs.Inode, errno syscall.Errno) {
	errno = n.r.do(op{Kind: link, Name: name}, func(o *op) syscall.Errno {
		o.Ino, o.Dir = target.(*node).id(), n.id()
		in, errno = n.LoopbackNode.Link(ctx, target, name, out)
		return errno
	})
	return in, errno
}
