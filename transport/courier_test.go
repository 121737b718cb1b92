package transport_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unbindd/transport"
	"unbindd/transport/transporttest"
)

func newCourier(t *testing.T) (*transport.Courier, *transporttest.Folder) {
	t.Helper()
	folder := transporttest.NewFolder(t)
	courier, err := transport.NewCourier(transport.CourierConfig{Path: folder.Path}, transporttest.Terminal)
	if err != nil {
		t.Fatal(err)
	}
	return courier, folder
}

func TestAnEmptyMountPointIsNoMedium(t *testing.T) {
	empty := t.TempDir()
	for _, path := range []string{empty, filepath.Join(empty, "not", "there")} {
		courier, err := transport.NewCourier(transport.CourierConfig{Path: path}, transporttest.Terminal)
		if err != nil {
			t.Fatal(err)
		}
		_, err = courier.Put(t.Context(), manifest, []byte(`{}`))
		if !errors.Is(err, transport.ErrNoMedium) {
			t.Errorf("put: %v, want ErrNoMedium", err)
		}
		if _, _, err = courier.Pull(t.Context(), "", 0); !errors.Is(err, transport.ErrNoMedium) {
			t.Errorf("pull: %v, want ErrNoMedium", err)
		}
	}
	if left, err := os.ReadDir(empty); len(left) > 0 || err != nil {
		t.Errorf("the empty folder now holds %v, %v", left, err)
	}
}

func TestCourierBringsEveryCommandOnce(t *testing.T) {
	courier, folder := newCourier(t)
	want := map[string]bool{"a": true, "b": true, "c": true, "d": true}
	folder.Offer(t, []byte("a"))
	folder.Place(t, transport.Object{Case: "case-1", Kind: "command", N: 1}, []byte("b"))
	folder.Place(t, transport.Object{Case: "case-1", Kind: "command", N: 2}, []byte("c"))
	folder.Place(t, transport.Object{Case: "case-[2", Kind: "command", N: 1}, []byte("d"))
	etag := ""
	for range len(want) {
		bundle, next, err := courier.Pull(t.Context(), etag, 0)
		if err != nil || !want[string(bundle)] {
			t.Fatalf("pull: %q, %v; still expected %v", bundle, err, want)
		}
		delete(want, string(bundle))
		etag = next
	}
	if bundle, _, err := courier.Pull(t.Context(), etag, 0); bundle != nil || err != nil {
		t.Fatalf("pull: %q, %v; want nothing more", bundle, err)
	}
	folder.Offer(t, []byte("e"))
	if bundle, _, err := courier.Pull(t.Context(), etag, 0); string(bundle) != "e" || err != nil {
		t.Fatalf("pull: %q, %v; want the new one", bundle, err)
	}
}

func TestAnUnreadableCommandHidesNoOther(t *testing.T) {
	courier, folder := newCourier(t)
	folder.Offer(t, make([]byte, transport.MaxBody+1))
	folder.Place(t, transport.Object{Case: "case-1", Kind: "command", N: 1}, []byte("b"))
	bundle, etag, err := courier.Pull(t.Context(), "", 0)
	if string(bundle) != "b" || err != nil {
		t.Fatalf("pull: %q, %v", bundle, err)
	}
	if bundle, _, err := courier.Pull(t.Context(), etag, 0); bundle != nil || err == nil {
		t.Fatalf("pull: %q, %v; want to hear of the file that cannot be read", bundle, err)
	}
}

func TestLinksOnTheMediumLeadNowhere(t *testing.T) {
	courier, folder := newCourier(t)
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "command.json"), []byte("stolen"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(folder.Path, "unbind", transporttest.Terminal)); err != nil {
		t.Fatal(err)
	}
	if bundle, _, err := courier.Pull(t.Context(), "", 0); bundle != nil || err == nil {
		t.Errorf("pull: %q, %v; want a refusal", bundle, err)
	}
	if _, err := courier.Put(t.Context(), manifest, []byte(`{}`)); err == nil || errors.Is(err, transport.ErrNotYet) {
		t.Errorf("put: %v; want a refusal", err)
	}
	if left, err := os.ReadDir(outside); len(left) != 1 || err != nil {
		t.Errorf("outside now holds %v, %v", left, err)
	}
}

// A pipe, a device or a folder on a stick is refused by name; the terminal
// neither waits for it nor writes into it. A read that waited would end the test
// by its own bound on time.
func TestAPipeOnTheMediumIsNotWaitedFor(t *testing.T) {
	pipe := func(t *testing.T, path string) {
		if err := unix.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	plants := map[string]func(t *testing.T, path string){"pipe": pipe, "folder": func(t *testing.T, path string) {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}}
	if os.Geteuid() == 0 { // nobody else may make one
		plants["device"] = func(t *testing.T, path string) {
			if err := unix.Mknod(path, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 5))); err != nil {
				t.Fatal(err)
			}
		}
	}
	for kind, plant := range plants {
		for _, at := range []string{"command.json", "case-1/in/command-1.json", "case-1/in/receipt-manifest-1.json", "case-1/out/manifest-1.json", "case-1/out/manifest-1.json.part"} {
			t.Run(kind+" as "+at, func(t *testing.T) {
				courier, folder := newCourier(t)
				folder.Place(t, transport.Object{Case: "case-2", Kind: "command", N: 1}, []byte("b"))
				path := filepath.Join(folder.Path, "unbind", transporttest.Terminal, filepath.FromSlash(at))
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				plant(t, path)
				_, err := courier.Put(t.Context(), manifest, []byte(`{}`))
				if want := !strings.Contains(at, "command"); want == errors.Is(err, transport.ErrNotYet) {
					t.Errorf("put: %v", err)
				}
				if kind != "folder" && !strings.Contains(at, "command") && !strings.Contains(err.Error(), "no file") {
					t.Errorf("put: %v, want it named", err)
				}
				// Another case's command is still found.
				if bundle, _, err := courier.Pull(t.Context(), "", 0); string(bundle) != "b" || err != nil {
					t.Errorf("pull: %q, %v", bundle, err)
				}
			})
		}
	}
	for _, at := range []string{".", "case-1", "case-1/in"} {
		t.Run("pipe for the folder "+at, func(t *testing.T) {
			courier, folder := newCourier(t)
			path := filepath.Join(folder.Path, "unbind", transporttest.Terminal, filepath.FromSlash(at))
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			pipe(t, path)
			if bundle, _, _ := courier.Pull(t.Context(), "", 0); bundle != nil {
				t.Errorf("pull: %q", bundle)
			}
			if _, err := courier.Fetch(t.Context(), manifest); err == nil {
				t.Error("fetched something")
			}
		})
	}
}

func TestABrokenOffUploadLeavesNothing(t *testing.T) {
	courier, folder := newCourier(t)
	backup := transport.Object{Case: "case-1", Kind: "backup", N: 1}
	ctx, cancel := context.WithCancel(t.Context())
	first := func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader("half"), stopper(cancel), strings.NewReader("half"))), nil
	}
	if _, err := courier.Upload(ctx, backup, 8, "sha256:"+strings.Repeat("0", 64), first); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	files, err := filepath.Glob(filepath.Join(folder.Path, "unbind", "*", "*", "out", "*"))
	if len(files) > 0 || err != nil {
		t.Fatalf("left behind: %v, %v", files, err)
	}
}

// stopper ends the upload from within, when it is half done.
type stopper context.CancelFunc

func (s stopper) Read([]byte) (int, error) {
	s()
	return 0, io.EOF
}

func TestALeftOverTemporaryFileIsReplaced(t *testing.T) {
	courier, folder := newCourier(t)
	out := filepath.Join(folder.Path, "unbind", transporttest.Terminal, "case-1", "out")
	if err := os.MkdirAll(out, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(out, "manifest-1.json.part"), []byte("a longer, older half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := courier.Put(t.Context(), manifest, []byte(`{}`)); !errors.Is(err, transport.ErrNotYet) {
		t.Fatalf("put: %v", err)
	}
	if held := folder.Held(t, manifest); string(held) != `{}` {
		t.Fatalf("the medium holds %q", held)
	}
}

func TestCourierKnowsNoTime(t *testing.T) {
	courier, _ := newCourier(t)
	if _, err := courier.Time(t.Context(), nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Fatalf("got %v", err)
	}
}

func TestCourierNeedsAPath(t *testing.T) {
	if _, err := transport.NewCourier(transport.CourierConfig{}, "pos-1"); err == nil {
		t.Error("no path was accepted")
	}
	if _, err := transport.NewCourier(transport.CourierConfig{Path: "x"}, ".."); err == nil {
		t.Error("terminal .. was accepted")
	}
}
