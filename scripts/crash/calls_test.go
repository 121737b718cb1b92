//go:build (amd64 || arm64) && !android

package crash

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// way is how a call fails: with what, and whether the same place of a file fails
// again when it is read again, or every folder when it is listed.
type way struct {
	errno syscall.Errno
	stays bool
}

// ways are the errors that a kernel gives to each kind of call. A page that a map
// asks for is never answered EINTR, and where memory is short it is asked again.
var ways = map[kind][]way{
	openFile:     {{errno: syscall.EIO}, {errno: syscall.EACCES}, {errno: syscall.EMFILE}, {errno: syscall.ENFILE}, {errno: syscall.ENOMEM}, {errno: syscall.EPERM}, {errno: syscall.EROFS}, {errno: syscall.EINTR}},
	read:         {{syscall.EIO, true}, {errno: syscall.EIO}, {errno: syscall.ENOMEM}},
	openFolder:   {{errno: syscall.EIO}, {errno: syscall.EACCES}, {errno: syscall.EMFILE}, {errno: syscall.ENOMEM}},
	list:         {{syscall.EIO, true}, {errno: syscall.EIO}, {errno: syscall.ENOMEM}},
	look:         {{errno: syscall.EIO}, {errno: syscall.EACCES}, {errno: syscall.ENOMEM}},
	stat:         {{errno: syscall.EIO}, {errno: syscall.EACCES}, {errno: syscall.ENOMEM}},
	statFS:       {{errno: syscall.EIO}, {errno: syscall.ENOMEM}},
	setAttr:      {{errno: syscall.EIO}, {errno: syscall.EPERM}, {errno: syscall.EROFS}},
	allocate:     {{errno: syscall.EIO}, {errno: syscall.ENOSPC}, {errno: syscall.EROFS}, {errno: syscall.EINTR}},
	lock:         {{errno: syscall.ENOLCK}, {errno: syscall.EIO}, {errno: syscall.ENOMEM}},
	closeFile:    {{errno: syscall.EIO}, {errno: syscall.ENOSPC}},
	control:      {{errno: syscall.EIO}, {errno: syscall.EPERM}, {errno: syscall.EROFS}},
	seek:         {{errno: syscall.EIO}, {errno: syscall.ENOMEM}},
	getAttribute: {{errno: syscall.EIO}, {errno: syscall.EPERM}},
	setAttribute: {{errno: syscall.EIO}, {errno: syscall.EPERM}, {errno: syscall.ENOSPC}, {errno: syscall.EROFS}},
	makeFolder:   changing, removeFolder: changing, write: changing, truncate: changing, sync: changing,
	create: changing, remove: changing, rename: changing, link: changing, syncFolder: changing,
}

// unkept are the calls whose EIO says that the medium has not kept the file: who finds,
// asks about, opens or reads it. Of an attribute that is asked for the kernel makes the
// error of a read. A ledger may be called damaged then, and at no other time.
var unkept = map[kind]bool{look: true, stat: true, openFile: true, read: true}

var changing = []way{{errno: syscall.EIO}, {errno: syscall.ENOSPC}, {errno: syscall.EROFS}, {errno: syscall.EPERM}}

// Every call that the kernel passes on fails, at every place: while a store is made
// and filled, and while one that is there is opened, read through and written to.
// What was acknowledged is there afterwards, nothing that is there is called gone,
// absent or another's, who cannot go on says what he cannot do, and the next start
// finds all whole. In the quick half a few places of each kind are taken and one
// error by turns; CRASH_ERRNOS takes all of both, CRASH_CALLS one kind alone.
func TestEveryCallFails(t *testing.T) {
	desk := build(t, deskStore)
	own := func(r *recorder, what string) *exec.Cmd { return r.child(what, 1) }
	for _, c := range []struct {
		fill, again string
		command     func(*recorder, string) *exec.Cmd
		judge       func(string, []string) error
	}{
		{"ledger few", "ledger again", own, judgeLedger},
		{"journal", "journal again", own, judgeJournal},
		{"keys", "keys again", own, judgeKeys},
		{"wipe fill", "wipe again", own, judgeErased},
		{"desk", "desk look", desk.command, desk.judge(t)},
	} {
		t.Run(c.again, func(t *testing.T) {
			r := mountedAs(t, filepath.Join(t.TempDir(), "mount"), fuse.MountOptions{EnableLocks: true})
			f := &failing{faulty: faulty{recorder: r, command: c.command, judge: c.judge}, count: map[kind]int{}}
			f.work = c.fill
			if c.fill != "wipe fill" { // which is no work of ours
				f.all(t, "")
			}
			full := f.filled(t)
			f.work = c.again
			f.all(t, full)
			f.tell(t)
		})
	}
}

// failing is a work, and how often each kind of call failed in it.
type failing struct {
	faulty
	count map[kind]int
	told  int // how often the work could not go on, and said so
	wrong [4]int
}

// what may be wrong with a run.
const (
	lostSomething = iota
	saidUntruth
	saidNothing
	died
)

// filled is a copy of what the work leaves when nothing fails.
func (f *failing) filled(t *testing.T) string {
	t.Helper()
	if out, err := f.run(t, "", nil); err != nil {
		t.Fatalf("%s: %v\n%s", f.work, err, out)
	}
	at := filepath.Join(memoryFolder(t), "full")
	if err := copyTree(at, f.back); err != nil {
		t.Fatal(err)
	}
	return at
}

// lay puts a copy of a folder behind the mount, in the place of what was there: the
// kernel asks for every name anew.
func (f *failing) lay(t *testing.T, from string) {
	t.Helper()
	entries, err := os.ReadDir(f.back)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(f.back, e.Name())))
	}
	if from != "" {
		err = errors.Join(err, copyTree(f.back, from))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func copyTree(to, from string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		at := to + strings.TrimPrefix(path, from)
		if d.IsDir() {
			if err := os.Mkdir(at, 0o700); err != nil && !os.IsExist(err) {
				return err
			}
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(at, b, 0o600)
	})
}

// all has every call of the work fail that it makes when none does.
func (f *failing) all(t *testing.T, from string) {
	t.Helper()
	f.mu.Lock()
	f.calls = map[kind]int{}
	f.mu.Unlock()
	if out, err := f.run(t, from, nil); err != nil {
		t.Fatalf("%s fails without a fault: %v\n%s", f.work, err, out)
	}
	f.mu.Lock()
	calls := f.calls
	f.calls = nil
	f.mu.Unlock()
	every, only := number("CRASH_ERRNOS", 1) > 1, os.Getenv("CRASH_CALLS")
	for k, n := range calls {
		if k == note || only != "" && only != kindNames[k] {
			continue
		}
		if ways[k] == nil {
			t.Errorf("nobody says how a %s may fail", kindNames[k])
		}
		step := max(1, n/number("CRASH_PLACES", 2))
		if every {
			step = 1
		}
		for at := 1 + n%step; at <= n; at += step {
			for turn, w := range ways[k] {
				if every || turn == (at+n)%len(ways[k]) {
					f.one(t, from, k, at, w)
				}
			}
		}
	}
}

// one has one call fail, and judges what was said and what is left.
func (f *failing) one(t *testing.T, from string, k kind, n int, w way) {
	t.Helper()
	one := &fault{kind: k, n: n, errno: w.errno, stays: w.stays}
	out, failed := f.run(t, from, one)
	if !one.hit {
		return
	}
	f.count[k]++
	at := fmt.Sprintf("%s, %v (stays %v) at %s number %d", f.work, w.errno, w.stays, kindNames[k], n)
	switch text := strings.TrimSpace(string(out)); {
	case failed == nil:
	case strings.HasPrefix(text, "untrue"), strings.Contains(text, "\nuntrue"):
		f.wrong[saidUntruth]++
		t.Errorf("%s: %s", at, text)
	case strings.Contains(text, "goroutine "), failed.Error() != "exit status 1":
		f.wrong[died]++
		t.Errorf("%s: it died: %v\n%.1600s", at, failed, text)
	case !sentence.MatchString(text):
		f.wrong[saidNothing]++
		t.Errorf("%s: it says %q", at, text)
	default:
		f.told++
	}
	told, err := toldIn(f.back)
	if os.IsNotExist(err) {
		told, err = nil, nil
	}
	if err == nil {
		err = f.judge(f.back, told)
	}
	if err != nil {
		f.wrong[lostSomething]++
		t.Errorf("%s: %v\n%s", at, err, out)
	}
}

// judgeErased is judgeWipe of a medium that holds nothing without a name.
func judgeErased(dir string, told []string) error {
	if err := os.Mkdir(filepath.Join(dir, nameless), 0o700); err != nil {
		return err
	}
	return judgeWipe(dir, told)
}

var sentence = regexp.MustCompile(`^(cannot [a-z][^:]*|it is not known whether [^:]*): .`)

// run does the work once, on nothing or on a copy.
func (f *failing) run(t *testing.T, from string, one *fault) ([]byte, error) {
	t.Helper()
	f.lay(t, from)
	cmd := f.command(f.recorder, f.work)
	if one != nil && unkept[one.kind] && one.errno == syscall.EIO {
		cmd.Env = append(cmd.Env, "CRASH_BAD=1")
	}
	f.mu.Lock()
	f.fault = one
	f.mu.Unlock()
	over := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() }) // who waits for ever is told as one who died
	out, err := cmd.CombinedOutput()
	over.Stop()
	f.mu.Lock()
	f.fault = nil
	f.mu.Unlock()
	f.settled()
	return out, err
}

// tell prints the figures.
func (f *failing) tell(t *testing.T) {
	t.Helper()
	all, each := 0, []string{}
	for k, n := range f.count {
		all += n
		each = append(each, fmt.Sprintf("%s %d", kindNames[k], n))
	}
	slices.Sort(each)
	name, _, _ := strings.Cut(f.work, " ")
	t.Logf("%-8s %6d faults: acknowledged and lost %d, untruths %d, deaths %d, errors that say nothing %d; it said what it cannot do %d times, and did it all the same %d times; %s",
		name, all, f.wrong[lostSomething], f.wrong[saidUntruth], f.wrong[died], f.wrong[saidNothing], f.told,
		all-f.told-f.wrong[saidUntruth]-f.wrong[died]-f.wrong[saidNothing], strings.Join(each, ", "))
	if all == 0 {
		t.Error("nothing ever failed")
	}
}
