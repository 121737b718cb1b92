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
	if err := ofTheMedium(&os.PathError{Op: "read", Err: syscall.EIO}); !errors.Is(err, ErrDamaged) || !isDamage(err) {
		t.Errorf("a bad sector is %v", err)
	}
	for _, err := range []error{io.ErrUnexpectedEOF, &os.PathError{Op: "open", Err: syscall.EMFILE}, nil} {
		if errors.Is(ofTheMedium(err), ErrDamaged) {
			t.Errorf("%v is taken for damage", err)
		}
	}
}
