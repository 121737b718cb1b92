package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// DigestFile syncs the file and returns its digest ("sha256:" and 64 hex digits)
// and its size in bytes, read back past the page cache (O_DIRECT) so that it is
// the medium that answers. Where the file system cannot do that, the cache may
// answer instead; a drive's own cache can do so always.
func DigestFile(path string) (digest string, size int64, err error) {
	if err := syncFile(path); err != nil {
		return "", 0, fmt.Errorf("cannot digest the file: %w", err)
	}
	digest, size, err = digestWith(path, syscall.O_DIRECT)
	if errors.Is(err, syscall.EINVAL) {
		digest, size, err = digestWith(path, 0)
	}
	if err != nil {
		return "", 0, fmt.Errorf("cannot digest the file: %w", err)
	}
	return digest, size, nil
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

const readSize = 1 << 20

// digestWith reads in whole steps from a mapped buffer: O_DIRECT wants both
// aligned to the medium's blocks.
func digestWith(path string, flag int) (digest string, size int64, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|flag, 0)
	if err != nil {
		return "", 0, err
	}
	defer f.Close() // read only: nothing can be lost
	buffer, err := syscall.Mmap(-1, 0, readSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return "", 0, err
	}
	defer syscall.Munmap(buffer)
	sum := sha256.New()
	for {
		n, err := f.Read(buffer)
		sum.Write(buffer[:n])
		size += int64(n)
		if err != nil && err != io.EOF {
			return "", 0, err
		}
		// A short read of a file is its end; asking once more, now at an odd
		// offset, is an error on some file systems.
		if n < readSize {
			break
		}
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), size, sameSize(f, size)
}

func sameSize(f *os.File, size int64) error {
	info, err := f.Stat()
	if err == nil && info.Size() != size {
		err = fmt.Errorf("it has %d bytes and %d were read", info.Size(), size)
	}
	return err
}
