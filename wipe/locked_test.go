package wipe_test

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
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

// TestAKeyInAKeyring has the key of an encrypted folder of the first version where
// only this thread finds it, and the kernel does not tell. Only what opens shows it.
func TestAKeyInAKeyring(t *testing.T) {
	d := newDisk(t, 64<<20, "", "mkfs.ext4", "-q", "-F", "-O", "encrypt")
	runtime.LockOSThread() // for good: the keyring ends with the thread
	root, name := filepath.Join(d.root, "root"), [8]byte([]byte("a wiping"))
	key, err := unix.AddKey("logon", fmt.Sprintf("fscrypt:%x", name), keyringKey(), unix.KEY_SPEC_THREAD_KEYRING)
	must(t, err)
	must(t, os.Mkdir(root, 0o700))
	setPolicy(t, root, unsafe.Pointer(&unix.FscryptPolicyV1{
		Version: unix.FSCRYPT_POLICY_V1, Contents_encryption_mode: unix.FSCRYPT_MODE_AES_256_XTS,
		Filenames_encryption_mode: unix.FSCRYPT_MODE_AES_256_CTS, Flags: unix.FSCRYPT_POLICY_FLAGS_PAD_32, Master_key_descriptor: name,
	}))
	for _, name := range []string{"f", "g"} {
		must(t, os.WriteFile(filepath.Join(root, name), words(100), 0o600))
	}
	d.again()
	if e := erase(t, wipe.Kernel{}, target(root, "f")); e.LevelAchieved != wipe.LevelClear || !absent(filepath.Join(root, "f")) {
		t.Errorf("%+v", e)
	}
	_, err = unix.KeyctlInt(unix.KEYCTL_UNLINK, key, unix.KEY_SPEC_THREAD_KEYRING, 0, 0)
	must(t, err)
	d.again()
	if !absent(filepath.Join(root, "g")) {
		t.Fatal("the name can be found without the key; the test shows nothing")
	}
	if e := erase(t, wipe.Kernel{}, target(root, "g")); e.Verified == wipe.Pass || e.LevelAchieved != wipe.LevelNone {
		t.Errorf("%+v", e)
	}
	if s := wipe.Dry(wipe.Kernel{}, target(root, "g")); len(s.Blockers) != 1 || s.Blockers[0].Code != wipe.HindranceLocked {
		t.Errorf("dry says %+v", s)
	}
}

// keyringKey is a key as a keyring holds it: mode, room for 64 bytes, length.
func keyringKey() []byte {
	key := make([]byte, 4+64+4)
	_, _ = rand.Read(key[4:68]) // cannot fail
	binary.NativeEndian.PutUint32(key[68:], 64)
	return key
}

// again mounts it anew, so that the kernel has nothing of it in memory.
func (d *disk) again() {
	d.t.Helper()
	d.unmount()
	d.run("mount", d.loop, d.root)
	d.mounted = true
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
	policy := unix.FscryptPolicyV2{
		Version: unix.FSCRYPT_POLICY_V2, Contents_encryption_mode: unix.FSCRYPT_MODE_AES_256_XTS,
		Filenames_encryption_mode: unix.FSCRYPT_MODE_AES_256_CTS, Flags: unix.FSCRYPT_POLICY_FLAGS_PAD_32,
	}
	copy(policy.Master_key_identifier[:], key.U[:16])
	setPolicy(t, folder, unsafe.Pointer(&policy))
}

func setPolicy(t *testing.T, folder string, policy unsafe.Pointer) {
	t.Helper()
	at, err := unix.Open(folder, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(at)
	order(t, at, unix.FS_IOC_SET_ENCRYPTION_POLICY, policy)
}

func order(t *testing.T, fd int, request uint, arg unsafe.Pointer) {
	t.Helper()
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(arg)); errno != 0 {
		t.Fatalf("ioctl %#x: %v", request, errno)
	}
}
