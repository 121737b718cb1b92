package wipe_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"unbindd/wipe"
)

// TestALockedFolderIsNotAbsence has the root, a folder on the way, one that a
// pattern means, and one inside the target be locked: none of it may be called gone.
func TestALockedFolderIsNotAbsence(t *testing.T) {
	for name, c := range map[string]struct{ path, locked string }{
		"the root":      {"d/f", ""},
		"on the way":    {"d/f", "d"},
		"in a pattern":  {"*/f", "d"},
		"in the target": {"d", "d/e"},
	} {
		root := plant(t, map[string]int{"d/f": 10, "d/e/g": 10})
		var want unix.Stat_t
		must(t, unix.Stat(filepath.Join(root, c.locked), &want))
		sys := newTap()
		sys.medium.locked = func(fd int) (bool, error) {
			var have unix.Stat_t
			err := unix.Fstat(fd, &have)
			return have.Ino == want.Ino, err
		}
		sought := target(root, c.path)
		if left, err := wipe.Look(sys, sought); err == nil {
			t.Errorf("%s: it can be looked at: %v", name, left)
		}
		if s := wipe.Dry(sys, sought); !slices.ContainsFunc(s.Blockers, func(h wipe.Hindrance) bool { return h.Code == wipe.HindranceLocked && h.Stops() }) {
			t.Errorf("%s: dry says %+v", name, s)
		}
		if e := erase(t, sys, sought); e.LevelAchieved != wipe.LevelNone || e.Verified == wipe.Pass {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// TestARealLockedFolder takes the key of an encrypted folder from the kernel. Where
// it is there, what lies in it is erased like anything.
func TestARealLockedFolder(t *testing.T) {
	d := newDisk(t, 64<<20, "", "mkfs.ext4", "-q", "-F", "-O", "encrypt")
	root := filepath.Join(d.root, "root")
	must(t, os.Mkdir(root, 0o700))
	key := addKey(t, d.root)
	encrypt(t, root, key)
	for _, name := range []string{"f", "g"} {
		must(t, os.WriteFile(filepath.Join(root, name), words(100), 0o600))
	}
	unix.Sync()
	if e := erase(t, wipe.Kernel{}, deep(root, "f", wipe.DepthMedium)); e.LevelAchieved != wipe.LevelClear || !absent(filepath.Join(root, "f")) {
		t.Errorf("%+v", e)
	}
	at, err := unix.Open(d.root, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(at)
	order(t, at, unix.FS_IOC_REMOVE_ENCRYPTION_KEY, unsafe.Pointer(&unix.FscryptRemoveKeyArg{Key_spec: key}))
	if !absent(filepath.Join(root, "g")) {
		t.Fatal("the name can be found without the key; the test shows nothing")
	}
	if e := erase(t, wipe.Kernel{}, target(root, "g")); e.Verified == wipe.Pass || e.LevelAchieved != wipe.LevelNone {
		t.Errorf("%+v", e)
	}
	if left, err := wipe.Look(wipe.Kernel{}, target(root, "g")); err == nil {
		t.Errorf("it is called absent: %v", left)
	}
}

// addKey gives the kernel a key that is nowhere else.
func addKey(t *testing.T, mount string) unix.FscryptKeySpecifier {
	t.Helper()
	at, err := unix.Open(mount, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(at)
	const size = unsafe.Sizeof(unix.FscryptAddKeyArg{})
	room := make([]uint64, size/8+8) // the argument, and the key behind it
	raw := unsafe.Slice((*byte)(unsafe.Pointer(&room[0])), int(size)+64)
	arg := (*unix.FscryptAddKeyArg)(unsafe.Pointer(&room[0]))
	*arg = unix.FscryptAddKeyArg{Key_spec: unix.FscryptKeySpecifier{Type: unix.FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER}, Raw_size: 64}
	_, _ = rand.Read(raw[size:]) // cannot fail
	order(t, at, unix.FS_IOC_ADD_ENCRYPTION_KEY, unsafe.Pointer(arg))
	return arg.Key_spec
}

func encrypt(t *testing.T, folder string, key unix.FscryptKeySpecifier) {
	t.Helper()
	at, err := unix.Open(folder, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(at)
	policy := unix.FscryptPolicyV2{
		Version: unix.FSCRYPT_POLICY_V2, Contents_encryption_mode: unix.FSCRYPT_MODE_AES_256_XTS,
		Filenames_encryption_mode: unix.FSCRYPT_MODE_AES_256_CTS, Flags: unix.FSCRYPT_POLICY_FLAGS_PAD_32,
	}
	copy(policy.Master_key_identifier[:], key.U[:16])
	order(t, at, unix.FS_IOC_SET_ENCRYPTION_POLICY, unsafe.Pointer(&policy))
}

func order(t *testing.T, fd int, request uint, arg unsafe.Pointer) {
	t.Helper()
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(arg)); errno != 0 {
		t.Fatalf("ioctl %#x: %v", request, errno)
	}
}
