package main

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	// diskBytes is the device; its file system ends before rawBegin, and what lies
	// behind it belongs to dd.
	diskBytes = 1 << 30
	fsMiB     = "640M"
	rawBegin  = 704 << 20
)

// wipeDisk is a loop device on a file of its own, with ext4 on its first part.
type wipeDisk struct {
	b     *bench
	dir   string
	mount string
	node  string
	up    bool
}

// wipeDiskKind is where a device keeps its bytes, and what that means for dd.
type wipeDiskKind struct {
	name, where, why string
	memory           bool
}

var (
	inMemory = wipeDiskKind{
		name: "device in memory", where: "in memory", memory: true,
		why: "Nothing is faster than this device: what `dd` wrote is where it stays, a flush costs nothing, and what we do besides weighs most.",
	}
	onDisk = wipeDiskKind{
		name: "device on disk", where: "on the file system named above",
		why: "Below this device lies the page cache of its file: `dd` alone ends with its zeros there, and our flush waits for the disk.",
	}
)

// memoryDir is a tmpfs on every Linux.
const memoryDir = "/dev/shm"

func (b *bench) newWipeDisk(kind wipeDiskKind) (*wipeDisk, error) {
	above := b.work
	if kind.memory {
		above = memoryDir
	}
	dir, err := os.MkdirTemp(above, "unbindd-bench-")
	if err != nil {
		return nil, err
	}
	d := &wipeDisk{b: b, dir: dir}
	d.mount = filepath.Join(d.dir, "mnt")
	if err := d.make(); err != nil {
		return nil, errors.Join(err, d.end())
	}
	return d, nil
}

// make writes the whole image first: a block that is only found when it is written
// to would make the first round a slow one.
func (d *wipeDisk) make() (err error) {
	if err := os.MkdirAll(d.mount, 0o700); err != nil {
		return err
	}
	image := filepath.Join(d.dir, "disk.img")
	if err := written(image, diskBytes); err != nil {
		return err
	}
	if d.node, err = d.b.call(d.dir, "losetup", "-f", "--show", image); err != nil {
		return err
	}
	d.node = strings.TrimSpace(d.node)
	if _, err := d.b.call(d.dir, "mkfs.ext4", "-q", "-F", d.node, fsMiB); err != nil {
		return err
	}
	if err := syscall.Mount(d.node, d.mount, "ext4", 0, ""); err != nil {
		return os.NewSyscallError("mount", err)
	}
	d.up = true
	return nil
}

func (d *wipeDisk) file() string { return filepath.Join(d.mount, "file") }

// fill writes the file that is erased next, and flushes it.
func (d *wipeDisk) fill() error { return written(d.file(), wipeBytes) }

// written makes a file of random bytes that are on the medium.
func written(path string, size int64) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var seed [32]byte
	random := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8(seed).Read(random) // cannot fail
	for at := int64(0); at < size; at += int64(len(random)) {
		// No two pieces are the same; to draw each of them anew takes longer than to write it.
		binary.LittleEndian.PutUint64(random, uint64(at))
		if _, err := f.Write(random[:min(size-at, int64(len(random)))]); err != nil {
			return err
		}
	}
	return f.Sync()
}

// end unmounts and detaches by name; the work folder goes with the run.
func (d *wipeDisk) end() (err error) {
	if d.up {
		if err := syscall.Unmount(d.mount, 0); err != nil {
			return os.NewSyscallError("unmount", err)
		}
	}
	if d.node != "" {
		_, err = d.b.call(d.dir, "losetup", "-d", d.node)
	}
	return errors.Join(err, os.RemoveAll(d.dir))
}
