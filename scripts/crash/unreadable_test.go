//go:build (amd64 || arm64) && !android

package crash

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"unbindd/agent/ledger"
)

func init() {
	for _, first := range firsts {
		works["ledger unreadable, "+first] = func(dir string, _ uint64, _ func(string)) error { return unreadable(dir, first) }
	}
}

// Read gives nothing where the medium is bad.
func (h *handle) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	if h.r.bad.Load() && off+int64(len(dest)) > h.r.whole.Load() {
		return nil, syscall.EIO
	}
	if errno := h.meets(read, off); errno != 0 {
		return nil, errno
	}
	if h.r.lacks(h.rel) {
		return nil, syscall.EIO
	}
	return h.LoopbackFile.Read(ctx, dest, off)
}

// lacks tells a file that is read no more.
func (r *recorder) lacks(rel string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return rel == r.away
}

// firsts are what may be the first to meet the bad medium.
var firsts = []string{"patrol", "verify", "export", "append", "close"}

// unreadable fills a ledger, says so, waits for the medium to go bad, and does
// everything that a daemon does with it. It tells of each deed how it ended.
func unreadable(dir, first string) error {
	l, err := ledger.Open(filepath.Join(dir, "ledger"), ledgerOptions(1))
	if err != nil {
		return err
	}
	for n := uint64(1); n <= 600; n += 60 {
		if _, err := l.Append(reader, events(n, n+59)); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	deeds := map[string]func() error{
		"patrol": func() error { return l.Patrol(context.Background()) },
		"verify": func() error { return l.Verify(context.Background()) },
		"export": func() error {
			_, _, err := l.Export(context.Background(), 1, func([]byte) error { return nil })
			return err
		},
		"append": func() error { _, err := l.Append(reader, events(601, 601)); return err },
		"close":  l.Close,
	}
	for _, name := range append([]string{first}, firsts...) {
		err := deeds[name]()
		fmt.Printf("%s: %v, damaged %v\n", name, err, errors.Is(err, ledger.ErrDamaged))
	}
	return nil
}

// A medium that answers nothing but EIO, or EIO behind the two pages that bbolt
// looks at under its locks, is damage by name for whoever meets it first, by a call
// or under bbolt's map; the process neither dies of it nor waits for ever.
func TestLedgerOnAMediumThatCannotBeRead(t *testing.T) {
	for i := range 2 * len(firsts) {
		first, whole := firsts[i/2], int64(i%2)*2*bboltPage
		t.Run(fmt.Sprint(first, " ", whole), func(t *testing.T) {
			r := mounted(t)
			r.whole.Store(whole)
			told := r.beside(t, "ledger unreadable, "+first)
			lines := strings.Split(strings.TrimSpace(told), "\n")
			if len(lines) != 1+len(firsts) {
				t.Fatalf("it says\n%s", told)
			}
			if !strings.HasSuffix(lines[0], "damaged true") && first != "close" || strings.Contains(told, "pointer") {
				t.Errorf("it says\n%s", told)
			}
		})
	}
}

// beside runs a work, spoils the medium when it is ready, and returns what it told
// after that. A program that hangs is killed, and the test fails.
func (r *recorder) beside(t *testing.T, what string) (told string) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	cmd := r.child(what, 1)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var problems strings.Builder
	cmd.Stderr = &problems
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	over := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() }) // it may be over already
	defer over()
	text := bufio.NewReader(out)
	if line, err := text.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("it begins with %q, %v", line, err)
	}
	r.bad.Store(true)
	r.forget(t)
	if _, err := io.WriteString(in, "go\n"); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(text)
	if err := errors.Join(err, cmd.Wait()); err != nil || ctx.Err() != nil {
		t.Fatalf("it ends with %v, in time: %v\n%s%s", err, ctx.Err() == nil, rest, &problems)
	}
	return string(rest)
}

// forget has the kernel drop what it holds of the ledger's files, mapped or not.
func (r *recorder) forget(t *testing.T) {
	t.Helper()
	folder := r.top.GetChild("ledger")
	if folder == nil {
		t.Fatal("the folder is not known")
	}
	for _, in := range folder.Children() {
		if errno := in.NotifyContent(0, 0); errno != 0 && errno != syscall.ENOENT {
			t.Fatal(errno)
		}
	}
}
