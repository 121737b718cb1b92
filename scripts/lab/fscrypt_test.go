package lab

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The identifier that the kernel gave the key of a mount, so that forget can name it.
var keyOf = map[string]unix.FscryptKeySpecifier{}

// encrypt makes folder, below the mount at dir, an encrypted one under a key that
// exists in the kernel's memory and nowhere else.
func encrypt(dir, folder string) error {
	at, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(at)
	// The argument is followed by the key itself.
	arg := unix.FscryptAddKeyArg{Key_spec: unix.FscryptKeySpecifier{Type: unix.FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER}, Raw_size: 64}
	buf := make([]byte, unsafe.Sizeof(arg)+64)
	*(*unix.FscryptAddKeyArg)(unsafe.Pointer(&buf[0])) = arg
	_, _ = rand.Read(buf[unsafe.Sizeof(arg):]) // cannot fail
	if err := ioctl(at, unix.FS_IOC_ADD_ENCRYPTION_KEY, unsafe.Pointer(&buf[0])); err != nil {
		return fmt.Errorf("cannot add a key: %w", err)
	}
	spec := (*unix.FscryptAddKeyArg)(unsafe.Pointer(&buf[0])).Key_spec
	clear(buf[unsafe.Sizeof(arg):])
	keyOf[dir] = spec
	if err := os.Mkdir(folder, 0o755); err != nil {
		return err
	}
	in, err := unix.Open(folder, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(in)
	policy := unix.FscryptPolicyV2{
		Version: unix.FSCRYPT_POLICY_V2, Contents_encryption_mode: unix.FSCRYPT_MODE_AES_256_XTS,
		Filenames_encryption_mode: unix.FSCRYPT_MODE_AES_256_CTS, Flags: unix.FSCRYPT_POLICY_FLAGS_PAD_32,
	}
	copy(policy.Master_key_identifier[:], spec.U[:16])
	if err := ioctl(in, unix.FS_IOC_SET_ENCRYPTION_POLICY, unsafe.Pointer(&policy)); err != nil {
		return fmt.Errorf("cannot set the policy: %w", err)
	}
	return nil
}

// forget removes the key of the mount at dir from the kernel.
func forget(dir string) error {
	at, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(at)
	spec, ok := keyOf[dir]
	if !ok {
		return errors.New("there is no key to forget")
	}
	arg := unix.FscryptRemoveKeyArg{Key_spec: spec}
	if err := ioctl(at, unix.FS_IOC_REMOVE_ENCRYPTION_KEY_ALL_USERS, unsafe.Pointer(&arg)); err != nil {
		return fmt.Errorf("cannot remove the key: %w", err)
	}
	if arg.Removal_status_flags != 0 {
		return fmt.Errorf("the key is removed but for what is still open: flags %#x", arg.Removal_status_flags)
	}
	delete(keyOf, dir)
	return nil
}

func ioctl(fd int, request uint, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}
