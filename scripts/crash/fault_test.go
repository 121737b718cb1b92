//go:build (amd64 || arm64) && !android

package crash

import (
	"context"
	"os"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// fault makes the n-th call of a kind fail, or kills the program there.
type fault struct {
	kind  kind
	n     int
	errno syscall.Errno
	stays bool // a read of the same place fails again, as a bad sector does
	kill  func()
	seen  int
	hit   bool
	where place
}

// place is where a file is read; the kernel asks again, by itself, for a page that
// it did not get.
type place struct {
	ino  int
	page int64
}

// call is what an operation is to the program that does it.
func (o op) call() kind {
	switch {
	case o.Folder && o.Kind == create:
		return makeFolder
	case o.Folder && o.Kind == remove:
		return removeFolder
	}
	return o.Kind
}

// strikes counts a call, and says with what it fails. The lock is held.
func (r *recorder) strikes(k kind, at place) syscall.Errno {
	if r.calls != nil {
		r.calls[k]++
	}
	f := r.fault
	if f == nil || f.kind != k {
		return 0
	}
	f.seen++
	if f.seen == f.n {
		f.hit, f.where = true, at
		if f.kill != nil {
			f.kill()
		}
		return f.errno
	}
	if f.hit && f.stays && f.where == at {
		return f.errno
	}
	return 0
}

// meets is strikes for what changes nothing. What the program tells never fails.
func (n *node) meets(k kind) syscall.Errno {
	if n.rel() == toldFile {
		return 0
	}
	n.r.mu.Lock()
	defer n.r.mu.Unlock()
	return n.r.strikes(k, place{})
}

func (h *handle) meets(k kind, off int64) syscall.Errno {
	if h.told {
		return 0
	}
	h.r.mu.Lock()
	defer h.r.mu.Unlock()
	return h.r.strikes(k, place{h.id, off / int64(os.Getpagesize())})
}

// opened counts handles, and settled waits until the kernel has given back all of
// them: it does so after the program that had them is gone.
func (r *recorder) opened(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open += n
	r.idle.Broadcast()
}

func (r *recorder) settled() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.open > 0 {
		r.idle.Wait()
	}
}

// Release has no error that anybody would hear; Flush has that of close.
func (h *handle) Release(ctx context.Context) syscall.Errno {
	defer h.r.opened(-1)
	return h.LoopbackFile.Release(ctx)
}

func (h *handle) Flush(ctx context.Context) syscall.Errno {
	if errno := h.meets(closeFile, 0); errno != 0 {
		return errno
	}
	return h.LoopbackFile.Flush(ctx)
}

func (h *handle) Lseek(ctx context.Context, off uint64, whence uint32) (uint64, syscall.Errno) {
	if errno := h.meets(seek, 0); errno != 0 {
		return 0, errno
	}
	return h.LoopbackFile.Lseek(ctx, off, whence)
}

func (h *handle) Setlk(ctx context.Context, owner uint64, lk *fuse.FileLock, flags uint32) syscall.Errno {
	if errno := h.meets(lock, 0); errno != 0 && lk.Typ != syscall.F_UNLCK {
		return errno
	}
	return h.LoopbackFile.Setlk(ctx, owner, lk, flags)
}

func (h *handle) Ioctl(ctx context.Context, cmd uint32, arg uint64, in, out []byte) (int32, syscall.Errno) {
	if errno := h.meets(control, 0); errno != 0 {
		return 0, errno
	}
	return h.LoopbackFile.Ioctl(ctx, cmd, arg, in, out)
}

func (n *node) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	if name != toldFile {
		if errno := n.meets(look); errno != 0 {
			return nil, errno
		}
	}
	return n.LoopbackNode.Lookup(ctx, name, out)
}

func (n *node) Getattr(ctx context.Context, f fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	if errno := n.meets(stat); errno != 0 {
		return errno
	}
	return n.LoopbackNode.Getattr(ctx, f, out)
}

func (n *node) Statfs(ctx context.Context, out *fuse.StatfsOut) syscall.Errno {
	if errno := n.meets(statFS); errno != 0 {
		return errno
	}
	return n.LoopbackNode.Statfs(ctx, out)
}

func (n *node) Getxattr(ctx context.Context, name string, dest []byte) (uint32, syscall.Errno) {
	if errno := n.meets(getAttribute); errno != 0 {
		return 0, errno
	}
	return n.LoopbackNode.Getxattr(ctx, name, dest)
}

func (n *node) Listxattr(ctx context.Context, dest []byte) (uint32, syscall.Errno) {
	if errno := n.meets(getAttribute); errno != 0 {
		return 0, errno
	}
	return n.LoopbackNode.Listxattr(ctx, dest)
}

func (n *node) Setxattr(ctx context.Context, name string, data []byte, flags uint32) syscall.Errno {
	if errno := n.meets(setAttribute); errno != 0 {
		return errno
	}
	return n.LoopbackNode.Setxattr(ctx, name, data, flags)
}

func (n *node) Removexattr(ctx context.Context, name string) syscall.Errno {
	if errno := n.meets(setAttribute); errno != 0 {
		return errno
	}
	return n.LoopbackNode.Removexattr(ctx, name)
}

func (d *folder) Readdirent(ctx context.Context) (*fuse.DirEntry, syscall.Errno) {
	if errno := d.n.meets(list); errno != 0 {
		return nil, errno
	}
	return d.FileReaddirenter.Readdirent(ctx)
}
