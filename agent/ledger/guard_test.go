package ledger

import (
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
)

// A sector that cannot be read is damage by name; another error of a call is not.
func TestBadSectorIsDamage(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EIO, syscall.EUCLEAN, syscall.EBADMSG, syscall.ENODATA} {
		if err := ofTheMedium(&os.PathError{Op: "read", Err: errno}); !errors.Is(err, ErrDamaged) || !errors.Is(err, errno) || !isDamage(err) {
			t.Errorf("a bad sector is %v", err)
		}
	}
	for _, err := range []error{
		io.ErrUnexpectedEOF, &os.PathError{Op: "open", Err: syscall.EMFILE}, nil,
		&os.PathError{Op: "sync", Err: syscall.EIO}, &os.PathError{Op: "close", Err: syscall.EIO}, syscall.EIO, // of a lock, or a map
	} {
		if errors.Is(ofTheMedium(err), ErrDamaged) {
			t.Errorf("%v is taken for damage", err)
		}
	}
}
