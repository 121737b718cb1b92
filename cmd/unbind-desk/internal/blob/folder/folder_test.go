package folder

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"unbindd/cmd/unbind-desk/internal/blob"
	"unbindd/cmd/unbind-desk/internal/blob/blobtest"
)

func TestContract(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Keeper { return create(t) })
}

func TestContractInMemory(t *testing.T) {
	blobtest.Run(t, func(*testing.T) blob.Keeper { return blobtest.NewMemory() })
}

func create(t *testing.T) Folder {
	t.Helper()
	f, err := Create(filepath.Join(t.TempDir(), "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Nothing but the blob is left in the folder: a sweep takes what a dead process
// left half-received.
func TestFolderHoldsNothingElse(t *testing.T) {
	f := create(t)
	if err := os.WriteFile(filepath.Join(string(f), unfinished+"DEAD"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	u, err := f.Receive()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(u, "kept"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Sweep(), u.Keep()); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(string(f))
	if err != nil || len(left) != 1 || len(left[0].Name()) != 64 {
		t.Fatalf("the folder holds %v, %v", left, err)
	}
}
