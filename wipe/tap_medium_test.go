package wipe_test

import (
	"golang.org/x/sys/unix"

	"unbindd/wipe"
)

// medium is what a test says of the device, the file system's own orders, and
// the other processes. Without it there is no device to look at, no order is
// known, and nobody holds anything, whatever the machine is.
type medium struct {
	fact       func(name string) (string, error)
	open       func(write bool) (int, error)
	discard    func(offset, length uint64) error
	secure     func(offset, length uint64) error
	lease      error
	pin        error
	secureTrim error
	checkpoint func(flags uint32) error
	trim       error
	zeroOut    func(offset, length uint64) error
	space      int64
	unused     func() (free, log []wipe.Extent)
	mounts     string
	locked     func(fd int) (bool, error)
	mount      func(fd, id int) int
	swaps      func() []wipe.Inode
	swapOff    func(fd int) error
	holders    func() ([]wipe.Holding, bool)
	flags      func(fd int) (uint32, error)
}

func (k *tap) OpenPlain(dir int, name string) (int, error) {
	if err := k.hear("open-plain"); err != nil {
		return -1, err
	}
	return k.Kernel.OpenPlain(dir, name)
}

func (k *tap) OpenName(dir int, name string) (int, error) {
	if err := k.hear("open-name"); err != nil {
		return -1, err
	}
	return k.Kernel.OpenName(dir, name)
}

func (k *tap) Mount(fd int) (int, error) {
	if err := k.hear("mount"); err != nil {
		return 0, err
	}
	id, err := k.Kernel.Mount(fd)
	if k.medium.mount != nil {
		id = k.medium.mount(fd, id)
	}
	return id, err
}

func (k *tap) Locked(fd int) (bool, error) {
	if err := k.hear("locked"); err != nil || k.medium.locked == nil {
		return false, err
	}
	return k.medium.locked(fd)
}

func (k *tap) Mounts() ([]byte, error) {
	if err := k.hear("mounts"); err != nil {
		return nil, err
	}
	return []byte(k.medium.mounts), nil
}

func (k *tap) Fact(_ uint64, name string) (string, error) {
	if err := k.hear("fact"); err != nil {
		return "", err
	}
	if k.medium.fact == nil {
		return "", unix.ENOENT
	}
	return k.medium.fact(name)
}

func (k *tap) Release() (string, error) { return k.release, k.hear("release") }
func (k *tap) Admin() (bool, error)     { return true, k.hear("admin") }

// Holders has what is without a name belong to every target.
func (k *tap) Holders(targets ...string) (named []wipe.Holding, lost [][]wipe.Holding, blind bool, err error) {
	lost = make([][]wipe.Holding, len(targets))
	if err := k.hear("holders"); err != nil {
		return nil, nil, false, err
	}
	if k.medium.holders == nil {
		return nil, lost, false, nil
	}
	held, blind := k.medium.holders()
	for _, h := range held {
		if !h.Deleted {
			named = append(named, h)
			continue
		}
		for i := range lost {
			lost[i] = append(lost[i], h)
		}
	}
	return named, lost, blind, nil
}

func (k *tap) Swaps() ([]wipe.Inode, error) {
	if err := k.hear("swaps"); err != nil || k.medium.swaps == nil {
		return nil, err
	}
	return k.medium.swaps(), nil
}

func (k *tap) SwapOff(fd int) error {
	if err := k.hear("swap-off"); err != nil {
		return err
	}
	return k.medium.swapOff(fd)
}

func (k *tap) Flags(fd int) (uint32, error) {
	if err := k.hear("flags"); err != nil {
		return 0, err
	}
	if k.medium.flags != nil {
		return k.medium.flags(fd)
	}
	return 0, unix.ENOTTY
}

func (k *tap) SetFlags(fd int, flags uint32) error {
	if err := k.hear("set-flags"); err != nil {
		return err
	}
	return k.Kernel.SetFlags(fd, flags)
}

func (k *tap) Attributes(fd int) ([]string, error) {
	if err := k.hear("attributes"); err != nil {
		return nil, err
	}
	return k.Kernel.Attributes(fd)
}

func (k *tap) AttributeSize(fd int, name string) (int, error) {
	if err := k.hear("attribute-size"); err != nil {
		return 0, err
	}
	return k.Kernel.AttributeSize(fd, name)
}

func (k *tap) SetAttribute(fd int, name string, value []byte) error {
	if err := k.hear("set-attribute"); err != nil {
		return err
	}
	return k.Kernel.SetAttribute(fd, name, value)
}

func (k *tap) RemoveAttribute(fd int, name string) error {
	if err := k.hear("remove-attribute"); err != nil {
		return err
	}
	return k.Kernel.RemoveAttribute(fd, name)
}

func (k *tap) Lease(int) error {
	if err := k.hear("lease"); err != nil {
		return err
	}
	return k.medium.lease
}

func (k *tap) EndLease(int) error { return k.hear("end-lease") }

func (k *tap) Pin(int) error {
	if err := k.hear("pin"); err != nil {
		return err
	}
	return k.medium.pin
}

func (k *tap) SecureTrim(int) error {
	if err := k.hear("secure-trim"); err != nil {
		return err
	}
	return k.medium.secureTrim
}

func (k *tap) OpenBlock(_ uint64, write bool) (int, error) {
	if err := k.hear("open-block"); err != nil {
		return -1, err
	}
	if k.medium.open == nil {
		return -1, unix.EACCES
	}
	return k.medium.open(write)
}

func (k *tap) Discard(_ int, offset, length uint64) error {
	if err := k.hear("discard"); err != nil {
		return err
	}
	if k.medium.discard == nil {
		return unix.EOPNOTSUPP
	}
	return k.medium.discard(offset, length)
}

func (k *tap) SecureDiscard(_ int, offset, length uint64) error {
	if err := k.hear("secure-discard"); err != nil {
		return err
	}
	if k.medium.secure == nil {
		return unix.EOPNOTSUPP
	}
	return k.medium.secure(offset, length)
}

func (k *tap) SyncAll(int) error { return k.hear("sync-all") }

func (k *tap) Checkpoint(_ int, flags uint32) error {
	if err := k.hear("checkpoint"); err != nil {
		return err
	}
	if k.medium.checkpoint == nil {
		return unix.ENOTTY
	}
	return k.medium.checkpoint(flags)
}

func (k *tap) OpenHeld(pid, fd int) (int, error) {
	if err := k.hear("open-held"); err != nil {
		return -1, err
	}
	return k.Kernel.OpenHeld(pid, fd)
}

func (k *tap) ZeroOut(_ int, offset, length uint64) error {
	if err := k.hear("zero-out"); err != nil {
		return err
	}
	if k.medium.zeroOut == nil {
		return unix.EOPNOTSUPP
	}
	return k.medium.zeroOut(offset, length)
}

func (k *tap) Space(int) (int64, error) { return k.medium.space, k.hear("space") }

func (k *tap) Create(dir int, name string) (int, error) {
	if err := k.hear("create"); err != nil {
		return -1, err
	}
	return k.Kernel.Create(dir, name)
}

func (k *tap) MakeFolder(dir int, name string) error {
	if err := k.hear("make-folder"); err != nil {
		return err
	}
	return k.Kernel.MakeFolder(dir, name)
}

func (k *tap) Unused(int, uint64) (free, log []wipe.Extent, err error) {
	if err := k.hear("unused"); err != nil {
		return nil, nil, err
	}
	if k.medium.unused == nil {
		return nil, nil, unix.EOPNOTSUPP
	}
	free, log = k.medium.unused()
	return free, log, nil
}

func (k *tap) Trim(int) (uint64, error) {
	if err := k.hear("trim"); err != nil {
		return 0, err
	}
	return 1, k.medium.trim
}
