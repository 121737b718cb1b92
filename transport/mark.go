package transport

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"
)

// Mark tells what lies on the medium for this terminal, without reading it: another
// mark says that a file came, went or was written, or that another medium is there.
func (c *Courier) Mark() (string, error) {
	m, err := openMedium(c.path)
	if err != nil {
		return "", err
	}
	defer m.Close()
	sum, home := sha256.New(), homeOf(c.terminal)
	if info, err := m.Stat(marker); err == nil {
		tellFile(sum, marker, info)
	}
	entries, err := m.list(home)
	if errors.Is(err, fs.ErrNotExist) {
		entries, err = nil, nil
	}
	if err != nil {
		return "", fmt.Errorf("cannot look at the medium: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			tellEntry(sum, e.Name(), e)
			continue
		}
		found, err := m.list(home + "/" + e.Name() + "/in")
		if err != nil {
			continue // there is none, or it is no folder: Pull tells of it
		}
		for _, f := range found {
			tellEntry(sum, e.Name()+"/in/"+f.Name(), f)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func tellEntry(w io.Writer, name string, e fs.DirEntry) {
	if info, err := e.Info(); err == nil { // else it went while it was looked at
		fmt.Fprintf(w, "%q %d %d %v\n", name, info.Size(), info.ModTime().UnixNano(), info.Mode())
	}
}

// tellFile tells which folder this is; its own times change with what is written in it.
func tellFile(w io.Writer, name string, info fs.FileInfo) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		fmt.Fprintf(w, "%q %d %d\n", name, st.Dev, st.Ino)
	}
}

// readBack remembers the file that was last read back whole, so that a file of gigabytes
// is not read again at every try. It lasts as long as its link: nothing is destroyed on
// its word, only the desk is waited for.
type readBack struct {
	mu   sync.Mutex
	info fs.FileInfo
	want content
}

// keepOnce is keep for a file that may be long.
func (r *readBack) keepOnce(ctx context.Context, m *medium, dir, name string, want content, open func() (io.ReadCloser, error)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if info, err := m.Stat(dir + "/" + name); err == nil && r.info != nil && r.want == want &&
		os.SameFile(info, r.info) && info.Size() == r.info.Size() && info.ModTime().Equal(r.info.ModTime()) {
		return nil
	}
	r.info = nil
	if err := m.keep(ctx, dir, name, want, open); err != nil {
		return err
	}
	info, err := m.Stat(dir + "/" + name)
	if err == nil {
		r.info, r.want = info, want
	}
	return err
}
