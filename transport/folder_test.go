package transport_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"unbindd/transport"
	"unbindd/transport/transporttest"
)

func openFolder(t *testing.T, f *transporttest.Folder) *transport.Folder {
	t.Helper()
	folder, err := transport.OpenFolder(f.Path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = folder.Close() }) // it was only read from
	return folder
}

// What a terminal puts out the desk's end finds under the names that were meant, and the
// other way round.
func TestTheFolderIsTheLinksOtherEnd(t *testing.T) {
	courier, medium := newCourier(t)
	desk := openFolder(t, medium)
	for _, id := range []string{"case-1", "none:T-1", "a/b", ".hidden.", "C-2026-000001"} {
		o := transport.Object{Case: id, Kind: "answer", N: 12}
		if _, err := courier.Put(t.Context(), o, []byte("word of "+id)); !errors.Is(err, transport.ErrNotYet) {
			t.Fatal(err)
		}
		cases, strange, err := desk.Cases(transporttest.Terminal)
		if err != nil || len(strange) > 0 || !slices.Contains(cases, id) {
			t.Fatalf("cases %q, strange %q, %v", cases, strange, err)
		}
		out, strange, err := desk.Out(transporttest.Terminal, id)
		if err != nil || len(strange) > 0 || len(out) != 1 || out[0] != o {
			t.Fatalf("out %v, strange %q, %v", out, strange, err)
		}
		if body, err := desk.Read(transporttest.Terminal, o); err != nil || string(body) != "word of "+id {
			t.Fatalf("%q, %v", body, err)
		}
		receipt := transport.Object{Case: id, Kind: "receipt-answer", N: 12}
		if wrote, err := desk.Give(t.Context(), transporttest.Terminal, receipt, []byte("for "+id)); err != nil || !wrote {
			t.Fatal(wrote, err)
		}
		if reply, err := courier.Put(t.Context(), o, []byte("word of "+id)); err != nil || string(reply) != "for "+id {
			t.Fatalf("reply %q, %v", reply, err)
		}
	}
	for _, orders := range [][]byte{[]byte("first"), []byte("second"), nil} {
		if changed, err := desk.Command(t.Context(), transporttest.Terminal, orders); err != nil || !changed {
			t.Fatal(changed, err)
		}
		if changed, err := desk.Command(t.Context(), transporttest.Terminal, orders); err != nil || changed {
			t.Fatal("the same again was written", err)
		}
		if got, _, err := courier.Pull(t.Context(), "", 0); err != nil || !bytes.Equal(got, orders) {
			t.Fatalf("%q, %v", got, err)
		}
	}
	ids, strange, err := desk.Terminals()
	if err != nil || len(strange) > 0 || len(ids) != 1 || ids[0] != transporttest.Terminal {
		t.Fatalf("%q, %q, %v", ids, strange, err)
	}
}

// The number of an object has 63 bits, in a folder as over the network: the answers to
// what is no case pass 32 of them with the 2,049th enrolment.
func TestNumbersOfManyEnrolments(t *testing.T) {
	link, medium := newCourier(t)
	desk := openFolder(t, medium)
	for _, n := range []int64{1, 1<<31 - 1, 1 << 31, 1<<32 + 1, 2048<<20 + 1, 1<<63 - 1} {
		o := transport.Object{Case: "none:" + transporttest.Terminal, Kind: "answer", N: n}
		if _, err := link.Put(t.Context(), o, []byte("{}")); !errors.Is(err, transport.ErrNotYet) {
			t.Fatalf("answer %d: %v", n, err)
		}
		found, strange, err := desk.Out(transporttest.Terminal, o.Case)
		if err != nil || !slices.Contains(found, o) || len(strange) > 0 {
			t.Errorf("answer %d is not among %v; strange %q, %v", n, found, strange, err)
		}
		if body, err := desk.Read(transporttest.Terminal, o); err != nil || string(body) != "{}" {
			t.Errorf("answer %d: %q, %v", n, body, err)
		}
	}
	out := filepath.Join(medium.Path, "unbind", transporttest.Terminal, "none%3A"+transporttest.Terminal, "out")
	for _, name := range []string{"answer-9223372036854775808.json", "answer-99999999999999999999.json", "answer--1.json"} {
		if err := os.WriteFile(filepath.Join(out, name), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if found, strange, err := desk.Out(transporttest.Terminal, "none:"+transporttest.Terminal); err != nil || len(found) != 6 || len(strange) != 3 {
		t.Errorf("%v, strange %q, %v", found, strange, err)
	}
}

// Names that no terminal writes, links, pipes and half-written files are no objects.
func TestStrangersAreNamed(t *testing.T) {
	_, medium := newCourier(t)
	desk := openFolder(t, medium)
	home := filepath.Join(medium.Path, "unbind", transporttest.Terminal)
	out := filepath.Join(home, "case-1", "out")
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(os.MkdirAll(out, 0o700))
	check(os.WriteFile(filepath.Join(out, "manifest-1.json"), []byte("{}"), 0o600))
	check(os.WriteFile(filepath.Join(out, "backup-1.jsonl.zst.age.part"), []byte("half"), 0o600))
	want := []string{"Answer-1.json", "answer-0.json", "answer-01.json", "answer-1", "answer-2.json", "answer-3.json", "answer-4.json", "backup-1.json", "manifest-2.jsonl.zst.age", "readme.txt"}
	for _, name := range want {
		path := filepath.Join(out, name)
		switch name {
		case "answer-2.json":
			check(unix.Mkfifo(path, 0o600))
		case "answer-3.json":
			check(os.Symlink(filepath.Join(out, "manifest-1.json"), path))
		case "answer-4.json":
			check(os.Mkdir(path, 0o700))
		default:
			check(os.WriteFile(path, []byte("{}"), 0o600))
		}
	}
	objects, strange, err := desk.Out(transporttest.Terminal, "case-1")
	if err != nil || len(objects) != 1 || objects[0].Kind != "manifest" || !slices.Equal(strange, want) {
		t.Errorf("objects %v, strange %q, %v", objects, strange, err)
	}
	if body, err := desk.Read(transporttest.Terminal, transport.Object{Case: "case-1", Kind: "answer", N: 2}); err == nil {
		t.Errorf("a pipe was read: %q", body)
	}
	check(os.Symlink(home, filepath.Join(medium.Path, "unbind", "T-2")))
	check(os.WriteFile(filepath.Join(medium.Path, "unbind", "T-3"), nil, 0o600))
	check(os.Symlink("case-1", filepath.Join(home, "case-2")))
	if ids, strange, err := desk.Terminals(); err != nil || len(ids) != 1 || !slices.Equal(strange, []string{"T-2", "T-3"}) {
		t.Errorf("%q, %q, %v", ids, strange, err)
	}
	if ids, strange, err := desk.Cases(transporttest.Terminal); err != nil || !slices.Equal(ids, []string{"case-1"}) || !slices.Equal(strange, []string{"case-2"}) {
		t.Errorf("%q, %q, %v", ids, strange, err)
	}
}

// What the desk lays down stays in the folder of the terminal that it is for, wherever a
// link on the medium leads; what a stranger left under its name is replaced.
func TestWhatIsLaidDownGoesNowhereElse(t *testing.T) {
	courier, medium := newCourier(t)
	desk := openFolder(t, medium)
	receipt := transport.Object{Case: "case-1", Kind: "receipt-manifest", N: 1}
	medium.Place(t, receipt, []byte("forged"))
	if wrote, err := desk.Give(t.Context(), transporttest.Terminal, receipt, []byte("signed")); err != nil || !wrote {
		t.Fatal(wrote, err)
	}
	if reply, err := courier.Put(t.Context(), manifest, []byte("{}")); err != nil || string(reply) != "signed" {
		t.Fatalf("%q, %v", reply, err)
	}
	other := filepath.Join(medium.Path, "unbind", "T-2", "case-1", "in")
	if err := os.MkdirAll(other, 0o700); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(medium.Path, "unbind", transporttest.Terminal)
	if err := os.MkdirAll(filepath.Join(home, "case-2"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../T-2/case-1/in", filepath.Join(home, "case-2", "in")); err != nil {
		t.Fatal(err)
	}
	receipt.Case = "case-2"
	if wrote, err := desk.Give(t.Context(), transporttest.Terminal, receipt, []byte("signed")); err == nil || wrote {
		t.Error("a link was followed")
	}
	if left, err := os.ReadDir(other); err != nil || len(left) > 0 {
		t.Errorf("another terminal has %v now, %v", left, err)
	}
}

// The mark changes with what is there for the terminal, and not with what it writes.
func TestTheMarkTellsWhatCame(t *testing.T) {
	courier, medium := newCourier(t)
	desk := openFolder(t, medium)
	last := ""
	look := func(what string, differs bool) {
		t.Helper()
		mark, err := courier.Mark()
		if err != nil || (mark != last) != differs {
			t.Errorf("%s: the mark differs: %v, %v", what, mark != last, err)
		}
		last = mark
	}
	look("a medium", true)
	look("nothing", false)
	if _, err := courier.Put(t.Context(), manifest, []byte("{}")); !errors.Is(err, transport.ErrNotYet) {
		t.Fatal(err)
	}
	look("the terminal's first object", false)
	if _, err := courier.Put(t.Context(), transport.Object{Case: "case-1", Kind: "answer", N: 1}, []byte("{}")); !errors.Is(err, transport.ErrNotYet) {
		t.Fatal(err)
	}
	look("its second", false)
	if _, err := desk.Give(t.Context(), transporttest.Terminal, transport.Object{Case: "case-1", Kind: "ticket", N: 1}, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	look("a ticket", true)
	if _, err := desk.Command(t.Context(), transporttest.Terminal, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	look("orders", true)
	if err := os.Rename(filepath.Join(medium.Path, "unbind"), filepath.Join(medium.Path, "gone")); err != nil {
		t.Fatal(err)
	}
	if _, err := courier.Mark(); !errors.Is(err, transport.ErrNoMedium) {
		t.Errorf("a medium that is not there: %v", err)
	}
}

// A sealed file that was read back is not read again, until it is another one.
func TestASealedFileIsReadBackAgainWhenItChanged(t *testing.T) {
	courier, medium := newCourier(t)
	sealed := transport.Object{Case: "case-1", Kind: "backup", N: 1}
	opened := 0
	up := func() error {
		_, err := courier.Upload(t.Context(), sealed, 4, "sha256:88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589",
			func() (io.ReadCloser, error) { opened++; return io.NopCloser(strings.NewReader("abcd")), nil })
		return err
	}
	for range 3 {
		if err := up(); !errors.Is(err, transport.ErrNotYet) {
			t.Fatal(err)
		}
	}
	if opened != 1 || string(medium.Held(t, sealed)) == "" {
		t.Fatalf("opened %d times", opened)
	}
	path := filepath.Join(medium.Path, "unbind", transporttest.Terminal, "case-1", "out", "backup-1.jsonl.zst.age")
	if err := os.WriteFile(path, []byte("dcba"), 0o600); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour) // its own may be of the same tick
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
	if err := up(); err == nil || errors.Is(err, transport.ErrNotYet) {
		t.Errorf("other bytes lie there, and it says %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := up(); !errors.Is(err, transport.ErrNotYet) || string(medium.Held(t, sealed)) != "abcd" {
		t.Errorf("it was lost: %v, %q", err, medium.Held(t, sealed))
	}
}
