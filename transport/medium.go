package transport

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"unsafe"
)

// marker is the folder that makes a folder a courier medium.
const marker = "unbind"

// medium is the opened folder. Names cannot lead out of it, by dots or by
// links: a stick is written by strangers.
type medium struct{ *os.Root }

// content is what a file must hold, known before it is written.
type content struct {
	size   int64
	digest string // "sha256:<hex>"
}

func openMedium(path string) (*medium, error) {
	root, err := os.OpenRoot(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoMedium
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open the courier folder: %w", err)
	}
	if info, err := root.Stat(marker); err != nil || !info.IsDir() {
		return nil, errors.Join(ErrNoMedium, root.Close())
	}
	return &medium{root}, nil
}

// errNoFile is what stands on a medium where a file should be.
var errNoFile = errors.New("it is a pipe, a device or a folder, and no file")

// file opens what must be a plain file. Opening never waits, as opening a pipe
// would: a stick is written by strangers, and one with a pipe on it must not
// hold the terminal up.
func (m *medium) file(name string, flags int) (*os.File, error) {
	if info, err := m.Stat(name); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("cannot open %s: %w", path.Base(name), errNoFile) // a device is not even opened
	}
	f, err := m.OpenFile(name, flags|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	// Asked again of what was opened: the name may have been given to something else.
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("cannot open %s: %w", path.Base(name), errNoFile)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// list lists a folder, in order. What is no folder is not waited for either.
func (m *medium) list(dir string) (entries []fs.DirEntry, err error) {
	f, err := m.OpenFile(dir, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	entries, err = f.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

// read brings a small file whole.
func (m *medium) read(name string) ([]byte, error) {
	f, err := m.file(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	body, err := readAll(f)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path.Base(name), err)
	}
	return body, nil
}

// otherBytes refuses to replace what the medium holds already, as the desk
// refuses it with 409.
type otherBytes struct{ name string }

func (e otherBytes) Error() string   { return "the medium holds other bytes as " + e.name }
func (e otherBytes) Permanent() bool { return true }

// keep makes dir/name hold what open gives, durably, and reads it back. The
// same content again is found and left alone. A power cut or a pulled stick
// leaves nothing, a temporary file, or the whole file, never a part of it
// under its name.
func (m *medium) keep(ctx context.Context, dir, name string, want content, open func() (io.ReadCloser, error)) error {
	full := dir + "/" + name
	have, err := m.measure(full)
	if errors.Is(err, fs.ErrNotExist) {
		have, err = m.create(ctx, full, want, open)
	}
	if err != nil {
		return err
	}
	if have != want {
		return otherBytes{name}
	}
	// Also when the file was found: its name may be younger than the last sync.
	return m.syncFolders(dir)
}

// create writes the file under a temporary name, renames it, and tells what the
// medium gives back. What came back wrong is taken away again.
func (m *medium) create(ctx context.Context, full string, want content, open func() (io.ReadCloser, error)) (content, error) {
	if err := m.MkdirAll(path.Dir(full), 0o700); err != nil {
		return content{}, err
	}
	part := full + ".part"
	if err := m.write(ctx, part, want, open); err != nil {
		return content{}, errors.Join(err, ignoreAbsent(m.Remove(part)))
	}
	have, err := m.measure(part)
	if err == nil && have != want {
		err = errors.New("the medium gave back other bytes than were written")
	}
	if err != nil {
		return content{}, errors.Join(err, m.Remove(part))
	}
	return have, m.Rename(part, full)
}

func (m *medium) write(ctx context.Context, name string, want content, open func() (io.ReadCloser, error)) (err error) {
	source, err := open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	f, err := m.file(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, sum), stoppable{ctx, source})
	if err != nil {
		return err
	}
	if wrote := (content{n, digestOf(sum)}); wrote != want {
		return fmt.Errorf("the file has %d bytes and %s, announced were %d and %s", n, wrote.digest, want.size, want.digest)
	}
	return f.Sync()
}

// stoppable is a reader that ends with its context.
type stoppable struct {
	ctx context.Context
	io.Reader
}

func (s stoppable) Read(p []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, context.Cause(s.ctx)
	}
	return s.Reader.Read(p)
}

// syncFolders makes the names from the medium's top down to dir durable.
func (m *medium) syncFolders(dir string) error {
	if err := m.syncFolder(dir); err != nil || dir == "." {
		return err
	}
	return m.syncFolders(path.Dir(dir))
}

func (m *medium) syncFolder(dir string) (err error) {
	f, err := m.Open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return f.Sync()
}

// measure reads a file from the medium, past the page cache where the file
// system can, since the cache would give back what was written and not what
// the stick kept.
func (m *medium) measure(name string) (content, error) {
	f, err := m.file(name, os.O_RDONLY|syscall.O_DIRECT)
	if errors.Is(err, syscall.EINVAL) {
		f, err = m.file(name, os.O_RDONLY)
	}
	if err != nil {
		return content{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return content{}, err
	}
	sum, buf := sha256.New(), aligned(64<<10)
	for n := int64(0); n < info.Size(); {
		// Whole buffers only: O_DIRECT takes no other length or place.
		k, err := f.Read(buf)
		if err != nil {
			return content{}, fmt.Errorf("cannot read back %s: %w", path.Base(name), err)
		}
		n += int64(k)
		sum.Write(buf[:k])
	}
	return content{info.Size(), digestOf(sum)}, nil
}

// aligned is a buffer that O_DIRECT accepts: it begins on a page.
func aligned(size int) []byte {
	const page = 4096
	b := make([]byte, size+page)
	skip := (page - int(uintptr(unsafe.Pointer(&b[0]))%page)) % page
	return b[skip : skip+size : skip+size]
}

func digestOf(h hash.Hash) string { return "sha256:" + hex.EncodeToString(h.Sum(nil)) }

func opener(body []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
