package ledger

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// fromTheMedium has the kernel forget what it holds of a file, so that what is
// read next comes from the medium: after an error of the medium the kernel shows
// on what was written and lost, and calls it clean. It has to be done before
// bbolt maps the file; pages that somebody has mapped are kept.
func fromTheMedium(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return ofTheMedium(err)
	}
	return ofTheMedium(errors.Join(f.Sync(), unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED), f.Close()))
}
