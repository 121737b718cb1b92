package folder

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

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

// Nothing but the blob is left in the folder, and no name leads out of it.
func TestFolderHoldsNothingElse(t *testing.T) {
	f := create(t)
	for _, name := range []string{"../x", "a/b", "A", "a b", "."} {
		if _, err := f.Receive(name); err == nil {
			t.Errorf("%q names an upload", name)
		}
	}
	dead, err := f.receive(filepath.Join(string(f), nameless+"DEAD"))
	if err == nil {
		err = dead.Leave() // as a killed process leaves it
	}
	if err == nil {
		err = f.Sweep(time.Now().Add(-time.Hour))
	}
	if err != nil {
		t.Fatal(err)
	}
	u, err := f.Receive("a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(u, "kept"); err != nil {
		t.Fatal(err)
	}
	if err := u.Keep(); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(string(f))
	if err != nil || len(left) != 1 || len(left[0].Name()) != 64 {
		t.Fatalf("the folder holds %v, %v", left, err)
	}
}
