//go:build (amd64 || arm64) && !android

package crash

import (
	"bytes"
	"context"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// handle is an open file. Closing it is no sync.
type handle struct {
	*fs.LoopbackFile
	r     *recorder
	id    int
	rel   string
	syncs bool // every write is a sync too: O_SYNC, O_DSYNC
	told  bool
}

func (n *node) handle(h fs.FileHandle, id int, rel string, flags uint32, told bool) *handle {
	n.r.opened(1)
	return &handle{LoopbackFile: h.(*fs.LoopbackFile), r: n.r, id: id, rel: rel, syncs: flags&syscall.O_DSYNC != 0, told: told}
}

// PassthroughFd keeps the kernel from writing past this program.
func (h *handle) PassthroughFd() (int, bool) { return 0, false }

func (n *node) Open(ctx context.Context, flags uint32) (h fs.FileHandle, ff uint32, errno syscall.Errno) {
	told := n.rel() == toldFile
	if errno := n.meets(openFile); errno != 0 {
		return nil, 0, errno
	}
	const taken = syscall.O_DIRECT | syscall.O_TRUNC // buffers here lie anywhere; a truncate is recorded
	id, rel := 0, n.rel()
	if h, ff, errno = n.LoopbackNode.Open(ctx, flags&^taken); errno != 0 {
		return nil, 0, errno
	}
	n.r.mu.Lock()
	id = n.id()
	if n.r.lossy {
		ff |= fuse.FOPEN_KEEP_CACHE
	}
	n.r.mu.Unlock()
	if flags&syscall.O_TRUNC != 0 && !told {
		errno = n.r.do(op{Kind: truncate, Ino: id}, func(*op) syscall.Errno {
			return fs.ToErrno(syscall.Truncate(n.path(), 0))
		})
	}
	return n.handle(h, id, rel, flags, told), ff, errno
}

func (h *handle) Write(ctx context.Context, data []byte, off int64) (done uint32, errno syscall.Errno) {
	o := op{Kind: write, Ino: h.id, Off: off, Data: bytes.Clone(data)}
	if h.told {
		o = op{Kind: note, Told: string(bytes.TrimSpace(data))}
	}
	errno = h.r.do(o, func(*op) syscall.Errno {
		if h.r.lossy && !h.told {
			done = uint32(len(data))
			return 0
		}
		done, errno = h.LoopbackFile.Write(ctx, data, off)
		return errno
	})
	if errno == 0 && h.syncs {
		errno = h.Fsync(ctx, 0)
	}
	return done, errno
}

func (h *handle) Fsync(context.Context, uint32) syscall.Errno {
	return h.r.do(op{Kind: sync, Ino: h.id, Name: h.rel}, func(*op) syscall.Errno { return 0 })
}

// Allocate refuses what the record has no word for; programs do without.
func (h *handle) Allocate(context.Context, uint64, uint64, uint32) syscall.Errno {
	if errno := h.meets(allocate, 0); errno != 0 {
		return errno
	}
	return syscall.EOPNOTSUPP
}

func (n *node) Setattr(ctx context.Context, f fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) (errno syscall.Errno) {
	size, ok := in.GetSize()
	if !ok {
		if errno := n.meets(setAttr); errno != 0 {
			return errno
		}
		return n.LoopbackNode.Setattr(ctx, f, in, out)
	}
	return n.r.do(op{Kind: truncate, Off: int64(size)}, func(o *op) syscall.Errno {
		if h, is := f.(*handle); is {
			o.Ino = h.id
		} else {
			o.Ino = n.id()
		}
		return n.LoopbackNode.Setattr(ctx, f, in, out)
	})
}

// folder is an open folder; a sync of it makes its names durable.
type folder struct {
	fs.FileReaddirenter
	fs.FileReleasedirer
	fs.FileSeekdirer
	n *node
}

func (n *node) OpendirHandle(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if errno := n.meets(openFolder); errno != 0 {
		return nil, 0, errno
	}
	h, ff, errno := n.LoopbackNode.OpendirHandle(ctx, flags)
	if errno != 0 {
		return nil, 0, errno
	}
	return &folder{h.(fs.FileReaddirenter), h.(fs.FileReleasedirer), h.(fs.FileSeekdirer), n}, ff, 0
}

func (d *folder) Fsyncdir(context.Context, uint32) syscall.Errno {
	return d.n.r.do(op{Kind: syncFolder, Name: d.n.rel()}, func(o *op) syscall.Errno {
		o.Ino = d.n.id()
		return 0
	})
}
