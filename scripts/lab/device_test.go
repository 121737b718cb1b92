package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// device is a disk of the lab: an image file behind a loop device.
type device struct {
	image string
	node  string // /dev/loopN, "" once it is detached
}

// memory is a folder of the test's own that lies in memory: what the lab writes
// there is all that a medium would get, and nobody waits for a disk.
func memory(t *testing.T, size int64) string {
	t.Helper()
	m := &mount{dir: t.TempDir()}
	must(t, m.on("tmpfs", "lab", fmt.Sprintf("size=%d,mode=700", size)))
	t.Cleanup(func() { m.end(t) })
	return m.dir
}

// newImage makes an image that takes no room until it is written to.
func newImage(t *testing.T, size int64) string {
	t.Helper()
	path := filepath.Join(memory(t, size+8*mega), "disk.img")
	must(t, os.WriteFile(path, nil, 0o600))
	must(t, os.Truncate(path, size))
	return path
}

// attach puts a loop device in front of an image. losetup picks the device, so
// that nobody else's is taken.
func attach(t *testing.T, image string, options ...string) *device {
	t.Helper()
	d := &device{image: image}
	d.node = mustCall(t, "losetup", append(options, "-f", "--show", image)...)
	t.Cleanup(func() { d.detach(t) })
	return d
}

func (d *device) detach(t *testing.T) {
	if d.node == "" {
		return
	}
	if _, err := call("losetup", "-d", d.node); err != nil {
		t.Error(err)
	}
	d.node = ""
}

// mount is one mounted file system; it is unmounted by its own folder's name.
type mount struct {
	dir string
	up  bool
}

// mountAt mounts source on a new folder.
func mountAt(t *testing.T, kind, source, data string) *mount {
	t.Helper()
	m := &mount{dir: t.TempDir()}
	must(t, m.on(kind, source, data))
	t.Cleanup(func() { m.end(t) })
	return m
}

// end unmounts in any case: a test that broke off may still have something open,
// and a mount that stays would be in everybody's way.
func (m *mount) end(t *testing.T) {
	err := m.off()
	if err == nil {
		return
	}
	t.Error(err)
	if err := unix.Unmount(m.dir, unix.MNT_DETACH); err != nil {
		t.Error(&os.PathError{Op: "detach", Path: m.dir, Err: err})
	}
	m.up = false
}

func (m *mount) on(kind, source, data string) error {
	if err := unix.Mount(source, m.dir, kind, 0, data); err != nil {
		return &os.PathError{Op: "mount", Path: kind, Err: err}
	}
	m.up = true
	return nil
}

// off unmounts; after it everything that was written is in the image.
func (m *mount) off() error {
	if !m.up {
		return nil
	}
	if err := patiently(func() error { return unix.Unmount(m.dir, 0) }); err != nil {
		return &os.PathError{Op: "unmount", Path: m.dir, Err: err}
	}
	m.up = false
	return nil
}

// patiently unmounts although somebody holds it for a moment: who looks for a free
// loop device opens each, and the one that was let go meanwhile ends with him.
func patiently(unmount func() error) error {
	err := unmount()
	for tries := 0; err == unix.EBUSY && tries < 100; tries++ {
		time.Sleep(50 * time.Millisecond)
		err = unmount()
	}
	return err
}

// settle flushes a device down to its image.
func (d *device) settle() error {
	fd, err := unix.Open(d.node, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Fsync(fd)
}
