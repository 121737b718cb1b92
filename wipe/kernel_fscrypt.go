package wipe

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// fsEncrypted is among the attribute flags of what is encrypted by its file system
// (Linux, include/uapi/linux/fs.h).
const fsEncrypted = 0x800

// Locked asks for the policy of an encrypted folder and whether the kernel has its
// key; before 5.4 it knows neither question. A policy of the first version may have
// its key in somebody's keyring, where nobody can ask: EOPNOTSUPP, unless the file
// system's own list has it.
func (k Kernel) Locked(fd int) (bool, error) {
	flags, err := k.Flags(fd)
	if err != nil && untold(err) {
		return false, nil // a file system without flags has no such folders
	}
	if err != nil || flags&fsEncrypted == 0 {
		return false, err
	}
	policy := unix.FscryptGetPolicyExArg{Size: uint64(len(unix.FscryptGetPolicyExArg{}.Policy))}
	if err := ioctl(fd, unix.FS_IOC_GET_ENCRYPTION_POLICY_EX, unsafe.Pointer(&policy)); err != nil {
		return false, err
	}
	status := unix.FscryptGetKeyStatusArg{Key_spec: keyOfPolicy(policy.Policy)}
	if err := ioctl(fd, unix.FS_IOC_GET_ENCRYPTION_KEY_STATUS, unsafe.Pointer(&status)); err != nil {
		return false, err
	}
	switch {
	case status.Status == unix.FSCRYPT_KEY_STATUS_PRESENT:
		return false, nil
	case policy.Policy[0] != unix.FSCRYPT_POLICY_V2:
		return false, unix.EOPNOTSUPP
	}
	return true, nil
}

// keyOfPolicy names the key of a policy: by eight bytes in the first version, by
// sixteen in the second, each after the numbers of its ciphers.
func keyOfPolicy(policy [24]byte) (spec unix.FscryptKeySpecifier) {
	if policy[0] == unix.FSCRYPT_POLICY_V2 {
		spec.Type = unix.FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER
		copy(spec.U[:], policy[8:24])
		return spec
	}
	spec.Type = unix.FSCRYPT_KEY_SPEC_TYPE_DESCRIPTOR
	copy(spec.U[:], policy[4:12])
	return spec
}
